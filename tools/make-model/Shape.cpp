// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/make-model/Shape.h"

#include "tools/make-model/Skew.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace strata::making {

namespace {

constexpr uint64_t kAlignment = 32;
/// Small against the spread of the router's scores, so that it does not decide.
constexpr float kRouterBiasDeviation = 0.01F;

uint64_t bytesOf(TensorType type, uint64_t values) {
  switch (type) {
  case TensorType::Q4_0:
    return values / 32 * 18;
  case TensorType::Q6_K:
    return values / 256 * 210;
  case TensorType::F32:
    break;
  }
  return values * 4;
}

/// Gathers tensors; each one's offset follows from those before it.
class TensorList {
public:
  /// Values whose product with inputs of deviation 1 has deviation 1: activations keep their size through the layers.
  void product(const std::string &name, std::vector<uint64_t> dimensions, uint64_t inputs,
               TensorType type = TensorType::Q4_0) {
    add(name, std::move(dimensions), type, 0, 1 / std::sqrt(static_cast<float>(inputs)));
  }
  void norm(const std::string &name, uint64_t width) { add(name, {width}, TensorType::F32, 1, 0.1F); }
  void add(const std::string &name, std::vector<uint64_t> dimensions, TensorType type, float mean, float deviation) {
    uint64_t values = 1;
    for (uint64_t dimension : dimensions)
      values *= dimension;
    uint64_t bytes = bytesOf(type, values);
    list.push_back(
        {name, std::move(dimensions), type, mean, deviation, end, bytes, name.find("_exps.") != std::string::npos});
    end += (bytes + kAlignment - 1) / kAlignment * kAlignment;
  }
  void setValues(std::vector<float> values) { list.back().values = std::move(values); }
  std::vector<Tensor> take() { return std::move(list); }

private:
  std::vector<Tensor> list;
  uint64_t end = 0;
};

void addLayer(TensorList &list, const Shape &shape, const Skew *skew, uint32_t layer) {
  auto name = [&](std::string_view rest) { return fmt::format("blk.{}.{}", layer, rest); };
  uint64_t width = shape.embedding, inner = shape.expertFeedForward, experts = shape.experts, heads = shape.heads;
  bool dense = layer < shape.denseLayers;
  // Keys come from the latent values, along the second dimension.
  list.product(name("attn_k_b.weight"), {shape.nope, shape.latent, heads}, shape.latent);
  list.product(name("attn_kv_a_mqa.weight"), {width, shape.latent + shape.rope}, width);
  list.norm(name("attn_kv_a_norm.weight"), shape.latent);
  list.norm(name("attn_norm.weight"), width);
  list.product(name("attn_output.weight"), {heads * shape.value, width}, heads * shape.value);
  list.product(name("attn_q_a.weight"), {width, shape.queryRank}, width);
  list.norm(name("attn_q_a_norm.weight"), shape.queryRank);
  list.product(name("attn_q_b.weight"), {shape.queryRank, heads * (shape.nope + shape.rope)}, shape.queryRank);
  list.product(name("attn_v_b.weight"), {shape.latent, shape.value, heads}, shape.latent);
  if (!dense)
    list.add(name("exp_probs_b.bias"), {experts}, TensorType::F32, 0, kRouterBiasDeviation);
  if (!dense && skew)
    list.setValues(skew->biases(layer));
  if (dense) {
    list.product(name("ffn_down.weight"), {shape.feedForward, width}, shape.feedForward);
    list.product(name("ffn_gate.weight"), {width, shape.feedForward}, width);
  } else {
    list.product(name("ffn_down_exps.weight"), {inner, width, experts}, inner);
    list.product(name("ffn_down_shexp.weight"), {inner, width}, inner);
    list.product(name("ffn_gate_exps.weight"), {width, inner, experts}, width);
    list.product(name("ffn_gate_inp.weight"), {width, experts}, width, TensorType::F32);
    list.product(name("ffn_gate_shexp.weight"), {width, inner}, width);
  }
  list.norm(name("ffn_norm.weight"), width);
  if (dense) {
    list.product(name("ffn_up.weight"), {width, shape.feedForward}, width);
  } else {
    list.product(name("ffn_up_exps.weight"), {width, inner, experts}, width);
    list.product(name("ffn_up_shexp.weight"), {width, inner}, width);
  }
}

} // namespace

void chooseGroups(Shape &shape) {
  shape.expertsUsed = std::min(shape.expertsUsed, shape.experts);
  uint32_t perGroup = shape.experts / shape.groups;
  // A group's score is the sum of its two best experts, and the chosen groups must hold all experts of a token.
  if (shape.experts % shape.groups != 0 || perGroup < 2 || perGroup * shape.groupsUsed < shape.expertsUsed)
    shape.groups = shape.groupsUsed = 1;
}

std::vector<Tensor> listTensors(const Shape &shape, const Skew *skew) {
  TensorList list;
  list.product("output.weight", {shape.embedding, shape.vocabulary}, shape.embedding, TensorType::Q6_K);
  list.norm("output_norm.weight", shape.embedding);
  list.add("token_embd.weight", {shape.embedding, shape.vocabulary}, TensorType::Q4_0, 0, 1);
  for (uint32_t layer = 0; layer < shape.denseLayers + shape.moeLayers; ++layer)
    addLayer(list, shape, skew, layer);
  return list.take();
}

} // namespace strata::making
