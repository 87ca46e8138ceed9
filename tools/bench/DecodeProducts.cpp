// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/DecodeProducts.h"

#include <fmt/format.h>
#include <initializer_list>

namespace strata::bench {

using kernels::Request;
using schema::Operation;

namespace {

class Collector {
public:
  Collector(const gguf::Model &from, const ModelDescription &of, uint32_t rows)
      : model(from), description(of), sequences(rows) {}

  std::vector<DecodeProduct> all() {
    for (layer = 0; layer < description.layers; ++layer) {
      for (const char *name : {"attn_q", "attn_q_a", "attn_q_b", "attn_kv_a_mqa"})
        product(Operation::matmul, name);
      for (const char *name : {"attn_k_b", "attn_v_b"})
        product(Operation::head_matmul, name);
      product(Operation::matmul, "attn_output", true);
      gated();
      product(Operation::matmul, "ffn_down", true);
      product(Operation::matmul, "ffn_gate_inp");
      experts(Operation::experts_gate_up, "ffn_gate_up_exps", {"ffn_gate_exps", "ffn_up_exps"},
              {"ffn_gate_shexp", "ffn_up_shexp"});
      experts(Operation::experts_down, "ffn_down_exps", {"ffn_down_exps"}, {"ffn_down_shexp"});
    }
    add("output", Operation::matmul, {model.findTensor("output.weight")}, false);
    return std::move(products);
  }

private:
  const gguf::TensorInfo *find(const char *name) const {
    return model.findTensor(fmt::format("blk.{}.{}.weight", layer, name));
  }
  void product(Operation operation, const char *name, bool residual = false) {
    add(name, operation, {find(name)}, residual);
  }
  void gated() { add("ffn_gate_up", Operation::gated_matmul, {find("ffn_gate"), find("ffn_up")}, false); }

  Request start(Operation operation, const gguf::TensorInfo &weight) const {
    Request request;
    request.operation = operation;
    request.maximumRows = sequences;
    request.heads = description.heads;
    request.columns = static_cast<uint32_t>(weight.dimensions.back());
    request.results = static_cast<uint32_t>(weight.dimensions[weight.dimensions.size() - 2]);
    return request;
  }

  void add(const char *name, Operation operation, std::initializer_list<const gguf::TensorInfo *> weights,
           bool residual) {
    if (!*weights.begin())
      return;
    Request request = start(operation, **weights.begin());
    request.residual = residual;
    size_t slot = 0;
    for (const gguf::TensorInfo *weight : weights)
      request.weights[slot++] = weight->encoding;
    count(name, request);
  }

  void experts(Operation operation, const char *name, std::initializer_list<const char *> routed,
               std::initializer_list<const char *> shared) {
    const gguf::TensorInfo *first = find(*routed.begin());
    if (!first)
      return;
    Request request = start(operation, *first);
    request.columns = description.embedding;
    request.experts = description.experts;
    request.expertsUsed = description.expertsUsed;
    request.width = description.expertWidth;
    request.sharedWidth = description.sharedExperts * description.expertWidth;
    request.residual = true;
    size_t slot = 0;
    for (std::initializer_list<const char *> names : {routed, shared})
      for (const char *weight : names)
        if (const gguf::TensorInfo *tensor = find(weight))
          request.weights[slot++] = tensor->encoding;
    count(name, request);
  }

  void count(const char *name, const Request &request) {
    std::string callee = kernels::plan(request).steps[0].callee;
    for (DecodeProduct &known : products)
      if (known.name == name && kernels::plan(known.request).steps[0].callee == callee) {
        ++known.launches;
        return;
      }
    products.push_back({name, request, 1});
  }

  const gguf::Model &model;
  const ModelDescription &description;
  uint32_t sequences;
  uint32_t layer = 0;
  std::vector<DecodeProduct> products;
};

} // namespace

uint64_t DecodeProduct::macs() const {
  const Request &r = request;
  uint64_t rows = r.maximumRows;
  switch (r.operation) {
  case Operation::gated_matmul:
    return 2 * rows * r.results * r.columns;
  case Operation::head_matmul:
    return rows * r.heads * r.results * r.columns;
  case Operation::experts_gate_up:
  case Operation::experts_down:
    return (r.operation == Operation::experts_gate_up ? 2 : 1) * rows * r.columns *
           (uint64_t(r.expertsUsed) * r.width + r.sharedWidth);
  default:
    return rows * r.results * r.columns;
  }
}

std::vector<DecodeProduct> decodeProducts(const gguf::Model &model, const ModelDescription &description,
                                          uint32_t sequences) {
  return Collector(model, description, sequences).all();
}

} // namespace strata::bench
