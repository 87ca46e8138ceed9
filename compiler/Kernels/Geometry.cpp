// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Kernels/Geometry.h"

#include "compiler/Kernels/GeometryParts.h"
#include "compiler/Kernels/Schedules.h"

#include <algorithm>
#include <fmt/format.h>

namespace strata::kernels {

using schema::Operation;

uint32_t Step::registerCeiling() const {
  return std::min<uint32_t>(255, 65536 / (threads * minimumCtas) / 8 * 8);
}

uint32_t fewColumns(uint32_t maximumRows, bool digits) {
  return maximumRows <= 1 ? 1 : maximumRows == 2 ? 2 : maximumRows <= 4 || !digits ? 4 : 8;
}

bool isRepacked(Encoding encoding) {
  return encodingInfo(encoding).elements > 1;
}

namespace detail {

/// lanesFor of RowDots.cuh.
static uint32_t lanesFor(uint32_t chunks) {
  uint32_t lanes = 32;
  while (lanes > 1 && ceilDivide(chunks, lanes) * lanes * 4 > chunks * 5)
    lanes /= 2;
  return lanes;
}

static uint32_t largestPower(uint32_t number, uint32_t limit) {
  while (number % limit != 0)
    limit /= 2;
  return limit;
}

std::string weightClass(Encoding encoding) {
  return fmt::format("strata::{}", encodingInfo(encoding).name);
}

std::string activationClass(schema::ActivationEncoding activations, Encoding weight) {
  if (!isRepacked(weight) || activations == schema::ActivationEncoding::f32)
    return "strata::F32Rows";
  return activations == schema::ActivationEncoding::i8 ? "strata::I8" : "strata::I16";
}

std::string activationClass(schema::ActivationEncoding activations) {
  return activationClass(activations, Encoding::Q4_0);
}

uint32_t groupsOf(Encoding weight, uint32_t rowLength) {
  uint32_t widest = isRepacked(weight) ? 32 : weight == Encoding::F32 ? 4 : 8;
  return 32 / lanesFor(rowLength / largestPower(rowLength, widest));
}

std::string number(float value) {
  return fmt::format("{:.9g}{}f", value, value == static_cast<float>(static_cast<int64_t>(value)) ? ".0" : "");
}

} // namespace detail

using namespace detail;

namespace {

std::string kvClass(const Request &request) {
  return fmt::format("strata::Kv<strata::{}, {}, {}, {}>", request.kv == schema::KvEncoding::f16 ? "KvF16" : "KvF32",
                     request.latent, request.rope, request.blocksPerSequence);
}

Plan rows(std::vector<Parameter> parameters, Step step) {
  return {std::move(parameters), {std::move(step)}};
}

uint32_t normThreads(uint32_t columns) {
  return columns <= 32 * 128 ? 128 : columns <= 32 * 256 ? 256 : 1024;
}

Plan embed(const Request &request) {
  Step step = {"embed", {"Rows.cuh"}, "", {"tokens", "weight", "result"}};
  step.callee =
      fmt::format("strata::embed<{}, {}, {}>", weightClass(request.weights[0]), request.results, request.columns);
  step.gridX = ceilDivide(ceilDivide(request.columns, 32), 128);
  return rows({{kIntegers, "tokens"}, {kBytes, "weight"}, {kResult, "result"}}, step);
}

Plan norm(const Request &request) {
  Step step = {"rmsNorm", {"Rows.cuh"}, "", {}};
  step.threads = normThreads(request.columns);
  step.minimumCtas = step.threads == 1024 ? 1 : 2;
  std::string epsilon = number(request.epsilon), activation = activationClass(request.activations);
  if (request.kind == Kind::Operation) {
    step.callee = fmt::format("strata::rmsNorm<{}>", request.columns);
    step.arguments = {"input", "weight", "result", epsilon};
    return rows({{kFloats, "input"}, {kFloats, "weight"}, {kResult, "result"}}, step);
  }
  bool both = request.kind == Kind::RmsNormBoth;
  step.name = both ? "rmsNormBoth" : "rmsNormQuantise";
  step.callee = fmt::format("strata::{}<{}, {}>", step.name, activation, request.columns);
  step.arguments = {"input", "weight", "quantised", epsilon};
  std::vector<Parameter> parameters = {{kFloats, "input"}, {kFloats, "weight"}, {kWritten, "quantised"}};
  if (both) {
    step.arguments.insert(step.arguments.begin() + 2, "result");
    parameters.insert(parameters.begin() + 2, {kResult, "result"});
  }
  return rows(std::move(parameters), step);
}

Plan quantise(const Request &request) {
  Step step = {"quantise", {"Rows.cuh"}, "", {"input", "quantised"}};
  step.callee = fmt::format("strata::quantise<{}, {}>", activationClass(request.activations), request.columns);
  step.gridX = ceilDivide(request.columns, 128);
  return rows({{kFloats, "input"}, {kWritten, "quantised"}}, step);
}

Plan add(const Request &request) {
  Step step = {"add", {"Rows.cuh"}, fmt::format("strata::add<{}>", request.columns), {"left", "right", "result"}};
  step.gridX = ceilDivide(request.columns, 512);
  return rows({{kFloats, "left"}, {kFloats, "right"}, {kResult, "result"}}, step);
}

Plan repack(const Request &request) {
  Step step = {"repack", {"Repack.cuh"}, "", {"source", "destination"}};
  step.callee =
      fmt::format("strata::repack<{}, {}, {}>", weightClass(request.weights[0]), request.results, request.columns);
  step.gridX = ceilDivide(uint64_t{request.results} * (request.columns / 32), 128);
  return rows({{kBytes, "source"}, {kWritten, "destination"}}, step);
}

Plan queryRope(const Request &request) {
  Step step = {"queryRope", {"Rope.cuh"}, "", {"input", "positions", "nope", "rope", "frequencies"}};
  step.callee = fmt::format("strata::queryRope<{}, {}, {}>", request.heads, request.nope, request.rope);
  step.arguments.push_back(number(request.magnitude));
  step.frequencies = true;
  step.gridX = ceilDivide(request.heads * (request.nope + request.rope / 2), 128);
  return rows({{kFloats, "input"}, {kIntegers, "positions"}, {kResult, "nope"}, {kResult, "rope"}}, step);
}

Plan kvAppend(const Request &request) {
  Step step = {"kvAppend", {"Rope.cuh"}, fmt::format("strata::kvAppend<{}>", kvClass(request)), {}};
  step.arguments = {"input",
                    "weight",
                    "positions",
                    "sequences",
                    "layer",
                    "blockTable",
                    "frequencies",
                    number(request.magnitude),
                    number(request.epsilon)};
  step.frequencies = true;
  step.threads = normThreads(request.latent);
  return rows({{kFloats, "input"},
               {kFloats, "weight"},
               {kIntegers, "positions"},
               {kIntegers, "sequences"},
               {kWritten, "layer"},
               {kIntegers, "blockTable"}},
              step);
}

/// AttentionShape::kSharedBytes.
uint32_t attentionShared(const Request &request) {
  uint32_t bytes = request.kv == schema::KvEncoding::f16 ? 2 : 4, vector = 16 / bytes;
  uint32_t padded = ceilDivide(request.latent + request.rope, vector) * vector;
  uint32_t stride = (padded * bytes / 16 | 1) * 16;
  return kAttentionHeads * padded * 4 + kAttentionHeads * kAttentionPositions * 4 + kAttentionHeads * 4 +
         kAttentionPositions * stride;
}

/// A cache of f16 is read by tensor cores.
void useTensorAttention(const Request &request, bool splits, Step &step) {
  constexpr uint32_t kThreads = 256, kPairs = kThreads / 8, kPositions = 32;
  uint32_t heads = request.heads <= 8 ? 8 : 16, slices = kPairs / (heads / 8 * (kPositions / 8));
  uint32_t row = (ceilDivide(request.latent + request.rope, 8) | 1) * 16;
  step.name = splits ? "tensorAttentionSplits" : "tensorAttention";
  step.files = {"AttentionTile.cuh"};
  step.threads = kThreads;
  step.minimumCtas = 1;
  step.gridX = ceilDivide(request.heads, heads) * (splits ? request.splits : 1);
  // TensorShape::kSharedBytes.
  step.dynamicSharedBytes = (request.attentionParts * heads + kPositions) * row +
                            ceilDivide(slices * heads * (kPositions + 1), 4) * 16 +
                            request.attentionParts * heads * (kPositions / 8 + 1) * 16 + heads * 8;
}

Plan attention(const Request &request) {
  bool splits = request.operation == Operation::attention_splits;
  Step step = {splits ? "attentionSplits" : "attention", {"Attention.cuh"}, "", {}};
  step.gridX = ceilDivide(request.heads, kAttentionHeads) * (splits ? request.splits : 1);
  step.dynamicSharedBytes = attentionShared(request);
  std::string constants = splits ? fmt::format(", {}, {}", request.splitPositions, request.splits) : "";
  if (request.kv == schema::KvEncoding::f16 && request.attentionParts > 0) {
    useTensorAttention(request, splits, step);
    constants += fmt::format(", {}", request.attentionParts);
  }
  step.callee = fmt::format("strata::{}<{}, {}{}>", step.name, kvClass(request), request.heads, constants);
  step.arguments = {"absorbed",  "rotated",   "layer",  "blockTable",
                    "positions", "sequences", "result", number(request.scale)};
  return rows({{kFloats, "absorbed"},
               {kFloats, "rotated"},
               {kWritten, "layer"},
               {kIntegers, "blockTable"},
               {kIntegers, "positions"},
               {kIntegers, "sequences"},
               {kResult, "result"}},
              step);
}

Plan attentionCombine(const Request &request) {
  Step step = {"attentionCombine", {"Attention.cuh"}, "", {"partial", "positions", "result"}};
  step.callee = fmt::format("strata::attentionCombine<{}, {}, {}, {}>", request.heads, request.latent,
                            request.splitPositions, request.splits);
  step.gridX = request.heads;
  return rows({{kFloats, "partial"}, {kIntegers, "positions"}, {kResult, "result"}}, step);
}

Plan route(const Request &request) {
  Step step = {"route", {"Route.cuh"}, "", {"logits", request.bias ? "bias" : "nullptr", "ids", "weights", "rows"}};
  step.callee =
      fmt::format("strata::route<strata::Router<{}, {}, {}, {}>, {}, {}>", request.experts, request.groups,
                  request.groupsUsed, request.expertsUsed, request.gate == schema::Gate::sigmoid, request.normalise);
  step.arguments.push_back(number(request.scale));
  step.rowsPerCta = 4;
  std::vector<Parameter> parameters = {{kFloats, "logits"}, {kIntegerResult, "ids"}, {kResult, "weights"}};
  if (request.bias)
    parameters.insert(parameters.begin() + 1, {kFloats, "bias"});
  return rows(std::move(parameters), step);
}

} // namespace

Plan plan(const Request &given) {
  Request request = given;
  if (request.schedules.empty())
    request.schedules = schedulesFor(request);
  if (request.kind == Kind::Repack)
    return repack(request);
  if (request.kind != Kind::Operation)
    return norm(request);
  switch (request.operation) {
  case Operation::embed:
    return embed(request);
  case Operation::rms_norm:
  case Operation::rms_norm_quantise: // A kind of its own.
  case Operation::rms_norm_both:
    return norm(request);
  case Operation::quantise:
    return quantise(request);
  case Operation::add:
    return add(request);
  case Operation::matmul:
  case Operation::gated_matmul:
  case Operation::head_matmul:
    return product(request);
  case Operation::query_rope:
    return queryRope(request);
  case Operation::kv_append:
    return kvAppend(request);
  case Operation::attention_splits:
  case Operation::attention:
    return attention(request);
  case Operation::attention_combine:
    return attentionCombine(request);
  case Operation::route:
    return route(request);
  case Operation::experts_gate_up:
  case Operation::experts_down:
    return expertsOfStep(request);
  case Operation::experts:
  case Operation::experts_grouped:
    return expertsOfPrompt(request);
  case Operation::transfer:
  case Operation::wait:
  case Operation::stream:
    break; // Devices copy; no kernel does.
  }
  return {};
}

std::string entryPoint(const Plan &plan, const Step &step, std::string_view name) {
  std::string parameters;
  for (const Parameter &parameter : plan.parameters)
    parameters += fmt::format("{}{}, ", parameter.type, parameter.name);
  return fmt::format("extern \"C\" __global__ void __launch_bounds__({}, {}) {}({}unsigned rows{}) {{\n  {}({});\n}}\n",
                     step.threads, step.minimumCtas, name, parameters, step.segmentRows > 0 ? ", unsigned segment" : "",
                     step.callee, fmt::join(step.arguments, ", "));
}

} // namespace strata::kernels
