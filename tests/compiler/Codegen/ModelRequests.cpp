// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tests/compiler/Codegen/ModelRequests.h"

#include <fmt/format.h>

namespace strata::test {

using kernels::Kind;
using kernels::Request;
using schema::Form;
using schema::Operation;

namespace {

class Collector {
public:
  Collector(const gguf::Model &from, const ModelDescription &of, const ModelSettings &with)
      : model(from), description(of), settings(with) {}

  std::vector<Request> all();

private:
  Request start(Operation operation, Form form, uint32_t columns) const;
  const gguf::TensorInfo *find(uint32_t layer, std::string_view name) const {
    return model.findTensor(fmt::format("blk.{}.{}.weight", layer, name));
  }
  static uint32_t dimension(const gguf::TensorInfo &tensor, size_t fromTheEnd) {
    return static_cast<uint32_t>(tensor.dimensions[tensor.dimensions.size() - 1 - fromTheEnd]);
  }
  void rows(Form form);
  void attention(Form form);
  void product(Form form, Operation operation, const gguf::TensorInfo *tensor, const gguf::TensorInfo *second,
               bool residual);
  void layer(Form form, uint32_t number);
  void experts(Form form, uint32_t number);
  void repack(const gguf::TensorInfo &tensor);

  const gguf::Model &model;
  const ModelDescription &description;
  const ModelSettings &settings;
  std::vector<Request> requests;
};

Request Collector::start(Operation operation, Form form, uint32_t columns) const {
  Request request;
  request.operation = operation;
  request.form = form;
  request.activations = form == Form::few ? settings.decode : settings.prompt;
  request.kv = settings.kv;
  request.maximumRows = form == Form::few ? settings.sequences : settings.chunkTokens;
  request.columns = columns;
  request.heads = description.heads;
  request.latent = description.latent;
  request.rope = description.rope;
  request.nope = description.nope;
  request.blocksPerSequence = (settings.context + 63) / 64;
  request.splitPositions = 256;
  request.splits = (settings.context + 255) / 256;
  request.experts = description.experts;
  request.expertsUsed = description.expertsUsed;
  request.width = description.expertWidth;
  request.sharedWidth = description.sharedExperts * description.expertWidth;
  request.groups = description.expertGroups.groups;
  request.groupsUsed = description.expertGroups.used;
  request.normalise = description.normaliseExpertWeights;
  request.bias = description.selectionBias;
  request.gate = description.gate == GateFunction::Sigmoid ? schema::Gate::sigmoid : schema::Gate::softmax;
  request.segmentRows = settings.chunkTokens;
  request.epsilon = description.epsilon;
  request.magnitude = description.magnitude;
  request.scale = description.softmaxScale;
  return request;
}

void Collector::rows(Form form) {
  const ModelDescription &d = description;
  for (uint32_t columns : {d.embedding, d.queryLatent}) {
    if (columns == 0)
      continue;
    Request norm = start(Operation::rms_norm, form, columns);
    requests.push_back(norm);
    for (Kind kind : {Kind::RmsNormQuantise, Kind::RmsNormBoth}) {
      norm.kind = kind;
      requests.push_back(norm);
    }
  }
  for (uint32_t columns : {d.embedding, d.queryLatent, d.heads * d.nope, d.heads * d.latent, d.heads * d.value,
                           d.denseWidth, d.expertsUsed * d.expertWidth + d.sharedExperts * d.expertWidth})
    if (columns > 0)
      requests.push_back(start(Operation::quantise, form, columns));
  requests.push_back(start(Operation::add, form, d.embedding));
}

void Collector::attention(Form form) {
  requests.push_back(start(Operation::query_rope, form, 0));
  requests.push_back(start(Operation::kv_append, form, 0));
  requests.push_back(start(Operation::route, form, description.experts));
  if (form == Form::many) {
    requests.push_back(start(Operation::attention, form, 0));
  } else {
    requests.push_back(start(Operation::attention_splits, form, 0));
    requests.push_back(start(Operation::attention_combine, form, 0));
  }
}

void Collector::product(Form form, Operation operation, const gguf::TensorInfo *tensor, const gguf::TensorInfo *second,
                        bool residual) {
  if (!tensor)
    return;
  Request request = start(operation, form, dimension(*tensor, 0));
  request.results = dimension(*tensor, 1);
  request.weights[0] = tensor->encoding;
  if (second)
    request.weights[1] = second->encoding;
  request.residual = residual;
  requests.push_back(request);
}

void Collector::experts(Form form, uint32_t number) {
  const char *names[] = {"ffn_gate_exps",  "ffn_up_exps",  "ffn_down_exps",
                         "ffn_gate_shexp", "ffn_up_shexp", "ffn_down_shexp"};
  std::array<Encoding, 6> encodings = {};
  for (size_t i = 0; i < 6; ++i) {
    const gguf::TensorInfo *tensor = find(number, names[i]);
    if (!tensor && i < 3)
      return;
    encodings[i] = tensor ? tensor->encoding : encodings[i - 3];
  }
  Request request = start(Operation::experts, form, description.embedding);
  request.residual = true;
  request.weights = encodings;
  if (form == Form::many) {
    requests.push_back(request);
    return;
  }
  for (bool table : {false, true}) {
    request.expertTable = table;
    request.operation = Operation::experts_gate_up;
    request.weights = {encodings[0], encodings[1], encodings[3], encodings[4]};
    requests.push_back(request);
    request.operation = Operation::experts_down;
    request.weights = {encodings[2], encodings[5]};
    requests.push_back(request);
  }
}

void Collector::layer(Form form, uint32_t number) {
  for (const char *name : {"attn_q", "attn_q_a", "attn_q_b", "attn_kv_a_mqa", "ffn_gate_inp"})
    product(form, Operation::matmul, find(number, name), nullptr, false);
  for (const char *name : {"attn_output", "ffn_down"})
    product(form, Operation::matmul, find(number, name), nullptr, true);
  for (const char *name : {"attn_k_b", "attn_v_b"})
    product(form, Operation::head_matmul, find(number, name), nullptr, false);
  product(form, Operation::gated_matmul, find(number, "ffn_gate"), find(number, "ffn_up"), false);
  experts(form, number);
}

void Collector::repack(const gguf::TensorInfo &tensor) {
  if (!kernels::isRepacked(tensor.encoding))
    return;
  Request request;
  request.kind = Kind::Repack;
  request.weights[0] = tensor.encoding;
  request.columns = dimension(tensor, 0);
  request.results = dimension(tensor, 1);
  requests.push_back(request);
}

std::vector<Request> Collector::all() {
  for (Form form : {Form::few, Form::many}) {
    rows(form);
    attention(form);
    product(form, Operation::embed, model.findTensor("token_embd.weight"), nullptr, false);
    for (uint32_t number = 0; number < description.layers; ++number)
      layer(form, number);
  }
  // The head has one row, or those of a decode step.
  product(Form::few, Operation::matmul, model.findTensor("output.weight"), nullptr, false);
  for (const gguf::TensorInfo &tensor : model.tensors())
    repack(tensor);
  return std::move(requests);
}

} // namespace

std::vector<Request> modelRequests(const gguf::Model &model, const ModelDescription &description,
                                   const ModelSettings &settings) {
  return Collector(model, description, settings).all();
}

} // namespace strata::test
