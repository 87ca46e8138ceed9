// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Support/TensorTable.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>

namespace strata {

std::string_view tensorClassName(TensorClass tensorClass) {
  constexpr std::array<std::string_view, kTensorClasses> kNames = {
      "routed experts", "attention", "shared experts", "dense FFN", "router", "token embedding", "output", "norms"};
  return kNames[static_cast<size_t>(tensorClass)];
}

using Description = const ModelDescription &;
using Dimensions = std::vector<uint64_t>;

static bool hasQueryCompression(Description d) {
  return d.queryLatent != 0;
}
static bool hasSharedExperts(Description d) {
  return d.sharedExperts != 0;
}
static bool hasSelectionBias(Description d) {
  return d.selectionBias;
}
/// All shared experts of a layer are stored as one wide one.
static uint64_t sharedWidth(Description d) {
  return uint64_t{d.sharedExperts} * d.expertWidth;
}
static uint64_t headSize(Description d) {
  return uint64_t{d.nope} + d.rope;
}

using enum TensorScope;
using enum TensorClass;
static constexpr bool kPlain = true;
static constexpr bool kEncoded = false;

static constexpr TensorSpec kTensors[] = {
    {"token_embd.weight", Model, TokenEmbedding, kEncoded,
     [](Description d) { return Dimensions{d.vocabulary, d.embedding}; }, nullptr},
    {"attn_norm.weight", Layer, Norms, kPlain, [](Description d) { return Dimensions{d.embedding}; }, nullptr},
    {"attn_q_a.weight", Layer, Attention, kEncoded,
     [](Description d) { return Dimensions{d.queryLatent, d.embedding}; }, hasQueryCompression},
    {"attn_q_a_norm.weight", Layer, Norms, kPlain, [](Description d) { return Dimensions{d.queryLatent}; },
     hasQueryCompression},
    {"attn_q_b.weight", Layer, Attention, kEncoded,
     [](Description d) { return Dimensions{d.heads * headSize(d), d.queryLatent}; }, hasQueryCompression},
    {"attn_kv_a_mqa.weight", Layer, Attention, kEncoded,
     [](Description d) { return Dimensions{uint64_t{d.latent} + d.rope, d.embedding}; }, nullptr},
    {"attn_kv_a_norm.weight", Layer, Norms, kPlain, [](Description d) { return Dimensions{d.latent}; }, nullptr},
    {"attn_k_b.weight", Layer, Attention, kEncoded, [](Description d) { return Dimensions{d.heads, d.latent, d.nope}; },
     nullptr},
    {"attn_v_b.weight", Layer, Attention, kEncoded,
     [](Description d) { return Dimensions{d.heads, d.value, d.latent}; }, nullptr},
    {"attn_output.weight", Layer, Attention, kEncoded,
     [](Description d) { return Dimensions{d.embedding, uint64_t{d.heads} * d.value}; }, nullptr},
    {"ffn_norm.weight", Layer, Norms, kPlain, [](Description d) { return Dimensions{d.embedding}; }, nullptr},
    {"ffn_gate.weight", DenseLayer, DenseFfn, kEncoded,
     [](Description d) { return Dimensions{d.denseWidth, d.embedding}; }, nullptr},
    {"ffn_up.weight", DenseLayer, DenseFfn, kEncoded,
     [](Description d) { return Dimensions{d.denseWidth, d.embedding}; }, nullptr},
    {"ffn_down.weight", DenseLayer, DenseFfn, kEncoded,
     [](Description d) { return Dimensions{d.embedding, d.denseWidth}; }, nullptr},
    {"ffn_gate_inp.weight", ExpertLayer, Router, kEncoded,
     [](Description d) { return Dimensions{d.experts, d.embedding}; }, nullptr},
    {"exp_probs_b.bias", ExpertLayer, Router, kPlain, [](Description d) { return Dimensions{d.experts}; },
     hasSelectionBias},
    {"ffn_gate_exps.weight", ExpertLayer, RoutedExperts, kEncoded,
     [](Description d) { return Dimensions{d.experts, d.expertWidth, d.embedding}; }, nullptr},
    {"ffn_up_exps.weight", ExpertLayer, RoutedExperts, kEncoded,
     [](Description d) { return Dimensions{d.experts, d.expertWidth, d.embedding}; }, nullptr},
    {"ffn_down_exps.weight", ExpertLayer, RoutedExperts, kEncoded,
     [](Description d) { return Dimensions{d.experts, d.embedding, d.expertWidth}; }, nullptr},
    {"ffn_gate_shexp.weight", ExpertLayer, SharedExperts, kEncoded,
     [](Description d) { return Dimensions{sharedWidth(d), d.embedding}; }, hasSharedExperts},
    {"ffn_up_shexp.weight", ExpertLayer, SharedExperts, kEncoded,
     [](Description d) { return Dimensions{sharedWidth(d), d.embedding}; }, hasSharedExperts},
    {"ffn_down_shexp.weight", ExpertLayer, SharedExperts, kEncoded,
     [](Description d) { return Dimensions{d.embedding, sharedWidth(d)}; }, hasSharedExperts},
    {"output_norm.weight", Model, Norms, kPlain, [](Description d) { return Dimensions{d.embedding}; }, nullptr},
    {"output.weight", Model, Output, kEncoded, [](Description d) { return Dimensions{d.vocabulary, d.embedding}; },
     nullptr},
};

std::span<const TensorSpec> tensorTable() {
  return kTensors;
}

std::string tensorName(const TensorSpec &spec, uint32_t layer) {
  return spec.scope == Model ? std::string(spec.name) : fmt::format("blk.{}.{}", layer, spec.name);
}

bool hasTensor(const TensorSpec &spec, const ModelDescription &description, uint32_t layer) {
  if (spec.present && !spec.present(description))
    return false;
  switch (spec.scope) {
  case Model:
    return true;
  case Layer:
    return layer < description.layers;
  case DenseLayer:
    return layer < description.denseLayers;
  case ExpertLayer:
    return layer >= description.denseLayers && layer < description.layers;
  }
  return false;
}

std::optional<NamedTensor> parseTensorName(std::string_view name) {
  uint32_t layer = 0;
  constexpr std::string_view kPrefix = "blk.";
  bool layered = name.starts_with(kPrefix);
  if (layered) {
    const char *begin = name.data() + kPrefix.size(), *end = name.data() + name.size();
    auto [after, error] = std::from_chars(begin, end, layer);
    // "blk.03." would name layer 3 a second time.
    bool canonical = error == std::errc() && after != end && *after == '.' && (*begin != '0' || after == begin + 1);
    if (!canonical)
      return std::nullopt;
    name = name.substr(static_cast<size_t>(after + 1 - name.data()));
  }
  const auto *found = std::find_if(std::begin(kTensors), std::end(kTensors), [&](const TensorSpec &spec) {
    return spec.name == name && (spec.scope != Model) == layered;
  });
  if (found == std::end(kTensors))
    return std::nullopt;
  return NamedTensor{found, layer};
}

} // namespace strata
