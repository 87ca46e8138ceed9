// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A trace's generated tokens run again against every cache policy, and against what no policy can beat.
#pragma once

#include "runtime/Routing/ExpertCache.h"
#include "runtime/Routing/RoutingTrace.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace strata {

/// The hits of one layer's cache that knows the future: the clairvoyant bound. `choices` has `perToken` different
/// experts for every token. The cache starts with what is best, may let an expert through without keeping it, and gives
/// up what is used last; no policy with as many slots has more hits.
uint64_t clairvoyantHits(std::span<const uint16_t> choices, uint32_t perToken, uint32_t experts, uint32_t slots);

/// The hits of one layer's cache with a policy that starts with the most used by `usage`.
uint64_t policyHits(CachePolicyKind policy, std::span<const uint16_t> choices, uint32_t perToken, uint32_t experts,
                    uint32_t slots, std::span<const uint64_t> usage);

struct ReplayRow {
  uint32_t slots = 0;                  ///< Of every layer.
  std::array<double, 4> hitRates = {}; ///< By CachePolicyKind.
  double bound = 0;
};

struct ReplayReport {
  uint64_t trainedTokens = 0;      ///< Of `heldOut`; `inSample` trains with all.
  uint64_t measuredTokens = 0;     ///< Of `heldOut`.
  std::vector<ReplayRow> inSample; ///< Counted and measured with all tokens: what a policy would like to have known.
  std::vector<ReplayRow> heldOut;  ///< Counted with the first half, measured with the second.
};

/// Exit code 1 if the trace has fewer than two generated tokens. A row for each of `slots`.
Result<ReplayReport> replayTrace(const RoutingTrace &trace, std::span<const uint32_t> slots);

} // namespace strata
