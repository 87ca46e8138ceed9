// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/ShapedKernels.h"

#include <fmt/format.h>
#include <initializer_list>

namespace strata::bench {

using schema::Operation;

namespace {

constexpr uint32_t kBlockPositions = 64;
/// As the compiler splits attention.
constexpr uint32_t kSplitPositions = 256;

class Collector {
public:
  Collector(const gguf::Model &from, const ModelDescription &of, const DecodeStep &decodeStep)
      : model(from), description(of), step(decodeStep) {}
  Collector(const gguf::Model &from, const ModelDescription &of, uint32_t tokens)
      : model(from), description(of), step{tokens, 0}, form(schema::Form::many) {}

  std::vector<ShapedKernel> promptProducts() {
    for (layer = 0; layer < description.layers; ++layer)
      products();
    return std::move(collected);
  }

  std::vector<ShapedKernel> decodeKernels() {
    for (layer = 0; layer < description.layers; ++layer) {
      products();
      attend("query_rope", Operation::query_rope);
      attend("kv_append", Operation::kv_append);
      attend("attention_splits", Operation::attention_splits);
      attend("attention_combine", Operation::attention_combine);
      route();
      experts(Operation::experts_gate_up, "ffn_gate_up_exps", {"ffn_gate_exps", "ffn_up_exps"},
              {"ffn_gate_shexp", "ffn_up_shexp"});
      experts(Operation::experts_down, "ffn_down_exps", {"ffn_down_exps"}, {"ffn_down_shexp"});
    }
    add("output", Operation::matmul, {model.findTensor("output.weight")}, false);
    return std::move(collected);
  }

private:
  const gguf::TensorInfo *find(const char *name) const {
    return model.findTensor(fmt::format("blk.{}.{}.weight", layer, name));
  }
  void product(Operation operation, const char *name, bool residual = false) {
    add(name, operation, {find(name)}, residual);
  }
  void products() {
    for (const char *name : {"attn_q", "attn_q_a", "attn_q_b", "attn_kv_a_mqa"})
      product(Operation::matmul, name);
    for (const char *name : {"attn_k_b", "attn_v_b"})
      product(Operation::head_matmul, name);
    product(Operation::matmul, "attn_output", true);
    gated();
    product(Operation::matmul, "ffn_down", true);
    product(Operation::matmul, "ffn_gate_inp");
  }
  void gated() { add("ffn_gate_up", Operation::gated_matmul, {find("ffn_gate"), find("ffn_up")}, false); }

  kernels::Request start(Operation operation) const {
    kernels::Request request;
    request.operation = operation;
    request.form = form;
    request.activations = form == schema::Form::few ? schema::ActivationEncoding::i16 : schema::ActivationEncoding::i8;
    request.maximumRows = step.sequences;
    request.heads = description.heads;
    return request;
  }
  kernels::Request start(Operation operation, const gguf::TensorInfo &weight) const {
    kernels::Request request = start(operation);
    request.columns = static_cast<uint32_t>(weight.dimensions.back());
    request.results = static_cast<uint32_t>(weight.dimensions[weight.dimensions.size() - 2]);
    return request;
  }

  void attend(const char *name, Operation operation) {
    kernels::Request request = start(operation);
    request.latent = description.latent;
    request.rope = description.rope;
    request.nope = description.nope;
    request.blocksPerSequence = (step.context + kBlockPositions - 1) / kBlockPositions;
    request.splitPositions = kSplitPositions;
    request.splits = (step.context + kSplitPositions - 1) / kSplitPositions;
    request.epsilon = description.epsilon;
    request.magnitude = description.magnitude;
    request.scale = description.softmaxScale;
    count(name, request);
  }

  void route() {
    if (!find("ffn_gate_inp"))
      return;
    kernels::Request request = start(Operation::route);
    request.columns = request.experts = description.experts;
    request.expertsUsed = description.expertsUsed;
    request.groups = description.expertGroups.groups;
    request.groupsUsed = description.expertGroups.used;
    request.gate = description.gate == GateFunction::Sigmoid ? schema::Gate::sigmoid : schema::Gate::softmax;
    request.normalise = description.normaliseExpertWeights;
    request.bias = description.selectionBias;
    request.scale = description.expertScale;
    count("route", request);
  }

  void add(const char *name, Operation operation, std::initializer_list<const gguf::TensorInfo *> weights,
           bool residual) {
    if (!*weights.begin())
      return;
    kernels::Request request = start(operation, **weights.begin());
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
    kernels::Request request = start(operation, *first);
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

  void count(const char *name, const kernels::Request &request) {
    std::string callee = kernels::plan(request).steps[0].callee;
    for (ShapedKernel &known : collected)
      if (known.name == name && kernels::plan(known.request).steps[0].callee == callee) {
        ++known.launches;
        return;
      }
    collected.push_back({name, request, 1, step.context});
  }

  const gguf::Model &model;
  const ModelDescription &description;
  DecodeStep step;
  schema::Form form = schema::Form::few;
  uint32_t layer = 0;
  std::vector<ShapedKernel> collected;
};

} // namespace

uint64_t ShapedKernel::macs() const {
  const kernels::Request &r = request;
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
  case Operation::matmul:
    return rows * r.results * r.columns;
  default:
    return 0;
  }
}

std::vector<ShapedKernel> decodeKernels(const gguf::Model &model, const ModelDescription &description,
                                        const DecodeStep &step) {
  return Collector(model, description, step).decodeKernels();
}

std::vector<ShapedKernel> promptProducts(const gguf::Model &model, const ModelDescription &description,
                                         uint32_t tokens) {
  return Collector(model, description, tokens).promptProducts();
}

} // namespace strata::bench
