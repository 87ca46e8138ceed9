// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Artifact/OperationSignatures.h"

#include <array>

namespace strata::artifact {

using Rule = OperandRule;
using enum OperandRole;
using enum OperandUse;

static constexpr std::array kEmbedReads = {Rule{"tokens", Tokens, "1"}, Rule{"weight", Weight, "V E"}};
static constexpr std::array kEmbedWrites = {Rule{"result", Numbers, "E"}};

static constexpr std::array kNormReads = {Rule{"input", Numbers, "K"}, Rule{"weight", Vector, "K"}};
static constexpr std::array kSameWrites = {Rule{"result", Numbers, "K"}};

static constexpr std::array kQuantiseReads = {Rule{"input", Numbers, "K"}};
static constexpr std::array kQuantiseWrites = {Rule{"result", Quantised, "K"}};

static constexpr std::array kBothWrites = {Rule{"result", Numbers, "K"}, Rule{"quantised result", Quantised, "K"}};

static constexpr std::array kAddReads = {Rule{"left", Numbers, "K", Residual}, Rule{"right", Numbers, "K", Residual}};

static constexpr std::array kMatmulReads = {Rule{"input", Product, "K"}, Rule{"weight", Weight, "N K"},
                                            Rule{"residual", Numbers, "N", OptionalResidual}};
static constexpr std::array kMatmulWrites = {Rule{"result", Numbers, "N"}};

static constexpr std::array kGatedMatmulReads = {Rule{"input", Product, "K"}, Rule{"gate weight", Weight, "N K"},
                                                 Rule{"up weight", Weight, "N K"}};

static constexpr std::array kHeadMatmulReads = {Rule{"input", Product, "H*K"}, Rule{"weight", Weight, "H N K"}};
static constexpr std::array kHeadMatmulWrites = {Rule{"result", Numbers, "H*N"}};

static constexpr std::array kQueryRopeReads = {Rule{"queries", Numbers, "H*P+H*R"}, Rule{"positions", Positions, "1"}};
static constexpr std::array kQueryRopeWrites = {Rule{"unrotated part", Numbers, "H*P"},
                                                Rule{"rotated part", Numbers, "H*R"}};

static constexpr std::array kKvAppendReads = {Rule{"input", Numbers, "L+R"}, Rule{"weight", Vector, "L"},
                                              Rule{"positions", Positions, "1"}, Rule{"sequences", Sequences, "1"}};
static constexpr std::array kKvAppendWrites = {Rule{"cache", Cache, ""}};

static constexpr std::array kAttentionReads = {Rule{"absorbed queries", Numbers, "H*L"},
                                               Rule{"rotated queries", Numbers, "H*R"}, Rule{"cache", Cache, ""},
                                               Rule{"positions", Positions, "1"}, Rule{"sequences", Sequences, "1"}};
static constexpr std::array kAttentionWrites = {Rule{"result", Numbers, "H*L"}};
static constexpr std::array kSplitsWrites = {Rule{"splits", Numbers, "H*s*L+H*s*2"}};
static constexpr std::array kCombineReads = {Rule{"splits", Numbers, "H*s*L+H*s*2"}, Rule{"positions", Positions, "1"}};

static constexpr std::array kRouteReads = {Rule{"scores", Numbers, "X"}, Rule{"bias", Vector, "X", Optional}};
static constexpr std::array kRouteWrites = {Rule{"ids", Integers, "k"}, Rule{"weights", Numbers, "k"}};

static constexpr std::array kGateUpReads = {Rule{"input", Product, "E"},
                                            Rule{"ids", Experts, "k"},
                                            Rule{"gate", Weight, "X F E"},
                                            Rule{"up", Weight, "X F E"},
                                            Rule{"shared gate", Weight, "S E", Shared},
                                            Rule{"shared up", Weight, "S E", Shared}};
static constexpr std::array kGateUpWrites = {Rule{"result", Numbers, "k*F+S"}};

static constexpr std::array kDownReads = {Rule{"hidden", Product, "k*F+S"},
                                          Rule{"ids", Experts, "k"},
                                          Rule{"weights", Numbers, "k"},
                                          Rule{"down", Weight, "X E F"},
                                          Rule{"shared down", Weight, "E S", Shared},
                                          Rule{"residual", Numbers, "E", OptionalResidual}};
static constexpr std::array kDownWrites = {Rule{"result", Numbers, "E"}};

static constexpr std::array kExpertsReads = {Rule{"input", Product, "E", Plain, 0},
                                             Rule{"ids", Experts, "k"},
                                             Rule{"weights", Numbers, "k"},
                                             Rule{"gate", Weight, "X F E", Plain, 0},
                                             Rule{"up", Weight, "X F E", Plain, 0},
                                             Rule{"down", Weight, "X E F", Plain, 1},
                                             Rule{"shared gate", Weight, "S E", Shared, 0},
                                             Rule{"shared up", Weight, "S E", Shared, 0},
                                             Rule{"shared down", Weight, "E S", Shared, 1},
                                             Rule{"residual", Numbers, "E", Residual},
                                             Rule{"routed sum", Numbers, "E", Scratch},
                                             Rule{"rows", Integers, "1", Scratch},
                                             Rule{"hidden", Numbers, "M", ChunkScratch},
                                             Rule{"quantised hidden", Quantised, "M", ChunkScratch}};
static constexpr std::array kExpertsWrites = {
    Rule{"result", Numbers, "E"}, Rule{"routed sum", Numbers, "E", Scratch}, Rule{"rows", Integers, "1", Scratch},
    Rule{"hidden", Numbers, "M", ChunkScratch}, Rule{"quantised hidden", Quantised, "M", ChunkScratch}};

/// The same but for its scratch and the residual, which another device may add.
static constexpr auto kGroupedReads = [] {
  std::array<Rule, 17> rules = {};
  for (size_t i = 0; i < 11; ++i)
    rules[i] = kExpertsReads[i];
  rules[9].use = OptionalResidual;
  rules[11] = {"pairs", Integers, "k", Scratch};
  rules[12] = {"places", Integers, "k", Scratch};
  rules[13] = {"offsets", Integers, "X+1", ChunkScratch};
  rules[14] = {"hidden", Numbers, "M", ChunkScratch};
  rules[15] = {"quantised hidden", Quantised, "M", ChunkScratch};
  rules[16] = {"partial results", Numbers, "E", ChunkScratch};
  return rules;
}();
static constexpr auto kGroupedWrites = [] {
  std::array<Rule, 8> rules = {Rule{"result", Numbers, "E"}};
  for (size_t i = 1; i < rules.size(); ++i)
    rules[i] = kGroupedReads[9 + i];
  return rules;
}();

static constexpr std::array kTransferReads = {Rule{"source", Copied, "K"}};
static constexpr std::array kTransferWrites = {Rule{"copy", Copied, "K"}};
static constexpr std::array kStreamReads = {Rule{"gate", Weight, "X F E", Plain, 0},
                                            Rule{"up", Weight, "X F E", Plain, 0},
                                            Rule{"down", Weight, "X E F", Plain, 1}};
static constexpr std::span<const Rule> kNothing = {};

using schema::Operation;
using schema::Parameters;

/// In the order of the schema's enumerators.
static constexpr std::array<OperationSignature, 22> kSignatures = {{
    {Operation::embed, Parameters::NoParameters, kEmbedReads, kEmbedWrites},
    {Operation::rms_norm, Parameters::NormParameters, kNormReads, kSameWrites},
    {Operation::quantise, Parameters::NoParameters, kQuantiseReads, kQuantiseWrites},
    {Operation::matmul, Parameters::NoParameters, kMatmulReads, kMatmulWrites},
    {Operation::gated_matmul, Parameters::NoParameters, kGatedMatmulReads, kMatmulWrites},
    {Operation::head_matmul, Parameters::HeadParameters, kHeadMatmulReads, kHeadMatmulWrites},
    {Operation::query_rope, Parameters::RopeParameters, kQueryRopeReads, kQueryRopeWrites},
    {Operation::kv_append, Parameters::KvAppendParameters, kKvAppendReads, kKvAppendWrites},
    {Operation::attention_splits, Parameters::AttentionParameters, kAttentionReads, kSplitsWrites},
    {Operation::attention_combine, Parameters::AttentionParameters, kCombineReads, kAttentionWrites},
    {Operation::attention, Parameters::AttentionParameters, kAttentionReads, kAttentionWrites},
    {Operation::route, Parameters::RouteParameters, kRouteReads, kRouteWrites},
    {Operation::experts_gate_up, Parameters::ExpertParameters, kGateUpReads, kGateUpWrites},
    {Operation::experts_down, Parameters::ExpertParameters, kDownReads, kDownWrites},
    {Operation::experts, Parameters::ExpertParameters, kExpertsReads, kExpertsWrites},
    {Operation::add, Parameters::NoParameters, kAddReads, kSameWrites},
    {Operation::experts_grouped, Parameters::ExpertParameters, kGroupedReads, kGroupedWrites},
    {Operation::rms_norm_quantise, Parameters::NormParameters, kNormReads, kQuantiseWrites},
    {Operation::rms_norm_both, Parameters::NormParameters, kNormReads, kBothWrites},
    {Operation::transfer, Parameters::EventParameters, kTransferReads, kTransferWrites},
    {Operation::wait, Parameters::EventParameters, kNothing, kNothing},
    {Operation::stream, Parameters::StreamParameters, kStreamReads, kNothing},
}};

static constexpr bool inOrder() {
  for (size_t i = 0; i < kSignatures.size(); ++i)
    if (static_cast<size_t>(kSignatures[i].operation) != i)
      return false;
  return kSignatures.size() == static_cast<size_t>(Operation::MAX) + 1;
}
static_assert(inOrder());

const OperationSignature &operationSignature(schema::Operation operation) {
  return kSignatures[static_cast<size_t>(operation)];
}

} // namespace strata::artifact
