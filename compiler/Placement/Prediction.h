// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a plan will cost: bytes and seconds, term by term, before anything runs.
#pragma once

#include "compiler/Placement/Planner.h"

#include <array>
#include <optional>
#include <string_view>
#include <vector>

namespace strata {

/// The parts of a token's or a prompt's time.
enum class CostTerm : uint8_t { DenseWeights, Attention, GpuExperts, HostExperts, DiskReads, Transfers, Products };
inline constexpr size_t kCostTerms = 7;
/// "disk reads".
std::string_view costTermName(CostTerm term);

/// Seconds by term, and how long it takes with those that run at one time counted once.
struct Cost {
  std::array<double, kCostTerms> seconds = {};
  double total = 0;
  CostTerm bottleneck = CostTerm::DenseWeights; ///< The largest term of those that make up the total.

  double of(CostTerm term) const { return seconds[static_cast<size_t>(term)]; }
};

/// One decoded token of one sequence at the end of its context.
struct TokenPrediction {
  double hitRate = 0;                          ///< Share of expert reads that GPU and RAM serve.
  std::array<double, kTiers> expertBytes = {}; ///< Read from each tier.
  std::array<double, kTiers> denseBytes = {};  ///< With the KV cache.
  Cost cost;
  double tokensPerSecond() const { return cost.total > 0 ? 1 / cost.total : 0; }
};

/// The time to the first token of the first prompt: with caches that are still empty, and are filled by it.
struct PromptPrediction {
  uint64_t tokens = 0;
  uint64_t passes = 0;  ///< Over the model: one for every settings.promptTokens.
  double diskBytes = 0; ///< Expected, with uniform routing.
  /// Of the transfers, what no computing hides: rows that go to the other device.
  double exchangeSeconds = 0;
  Cost cost;
};

struct Prediction {
  TokenPrediction uniform;               ///< Every expert is used equally often.
  std::optional<TokenPrediction> traced; ///< By the usage counts, or a replay of their trace.
  TokenPrediction skewed;                ///< With the hit rate of skewedHitRate(), if a cache learns it.
  std::vector<PromptPrediction> prompts; ///< Of 75 to 32,768 tokens, as far as they fit the context.
  double loadSeconds = 0;                ///< Until all that is resident has been read; 0 without a disk.
  double denseLoadSeconds = 0;           ///< Until the first token could be made: all but experts.
  Figure disk;                           ///< The bandwidth that disk reads were counted with; 0 without a disk.
  uint32_t readDepth = 0;                ///< Reads under way at one time that reach it; 0 without a disk.

  /// By the usage counts if there are any, else skewed.
  const TokenPrediction &best() const { return traced ? *traced : skewed; }
};

/// Predicts a plan that fits.
Prediction predict(const Plan &plan, const ModelWeights &weights, const MachineDescription &machine);

/// A token when `hitRate` of its expert reads are served from memory, divided between GPU and RAM as their experts are.
TokenPrediction predictToken(const Plan &plan, const ModelWeights &weights, const MachineDescription &machine,
                             double hitRate);

/// The hit rate that models of this kind reach in conversations when `residency` of their experts are in memory:
/// residency to the power 0.43, which is 0.46 at 0.163 as published for a sibling. An assumption.
double skewedHitRate(double residency);

/// Share of all experts that are in GPU memory or RAM.
double residency(const Plan &plan);

} // namespace strata
