// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The clairvoyant bound against all that a cache could do, and against the policies.
#include "runtime/Routing/Replay.h"

#include <algorithm>
#include <bit>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

using namespace strata;

namespace {

std::vector<uint16_t> randomChoices(std::mt19937 &random, uint32_t experts, uint32_t perToken, size_t tokens) {
  std::vector<uint16_t> all(experts), choices;
  std::iota(all.begin(), all.end(), uint16_t{0});
  for (size_t token = 0; token < tokens; ++token) {
    std::shuffle(all.begin(), all.end(), random);
    std::sort(all.begin(), all.begin() + perToken);
    choices.insert(choices.end(), all.begin(), all.begin() + perToken);
  }
  return choices;
}

/// Tries every content of the cache before every token.
uint64_t bestHits(const std::vector<uint16_t> &choices, uint32_t perToken, uint32_t experts, uint32_t slots) {
  uint32_t sets = 1u << experts;
  std::vector<int64_t> best(sets, -1);
  for (uint32_t held = 0; held < sets; ++held)
    if (static_cast<uint32_t>(std::popcount(held)) <= slots)
      best[held] = 0;
  for (size_t first = 0; first < choices.size(); first += perToken) {
    uint32_t used = 0;
    for (size_t i = first; i < first + perToken; ++i)
      used |= 1u << choices[i];
    std::vector<int64_t> after(sets, -1);
    for (uint32_t held = 0; held < sets; ++held)
      for (uint32_t next = 0; best[held] >= 0 && next < sets; ++next)
        if ((next & ~(held | used)) == 0 && static_cast<uint32_t>(std::popcount(next)) <= slots)
          after[next] = std::max<int64_t>(after[next], best[held] + std::popcount(held & used));
    best = after;
  }
  return static_cast<uint64_t>(*std::max_element(best.begin(), best.end()));
}

} // namespace

TEST(Replay, TheClairvoyantBoundIsTheBestThereIs) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    uint32_t experts = 2 + random() % 4, perToken = 1 + random() % std::min(experts, 3u);
    uint32_t slots = random() % (experts + 1);
    std::vector<uint16_t> choices = randomChoices(random, experts, perToken, 10);
    EXPECT_EQ(clairvoyantHits(choices, perToken, experts, slots), bestHits(choices, perToken, experts, slots))
        << "seed " << seed;
  }
}

TEST(Replay, NoPolicyBeatsTheBoundAndMoreSlotsNeverLowerIt) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    uint32_t experts = 4 + random() % 28, perToken = 1 + random() % 4;
    std::vector<uint16_t> choices = randomChoices(random, experts, perToken, 300);
    uint64_t before = 0;
    for (uint32_t slots = 0; slots <= experts; ++slots) {
      uint64_t bound = clairvoyantHits(choices, perToken, experts, slots);
      EXPECT_GE(bound, before);
      before = bound;
      for (CachePolicyKind policy : kCachePolicies)
        EXPECT_LE(policyHits(policy, choices, perToken, experts, slots, {}), bound);
    }
    EXPECT_EQ(before, choices.size()) << "all fit";
  }
}

TEST(Replay, HeldOutCountsOnlyWithTheFirstHalf) {
  RoutingTrace trace;
  trace.shape = {{}, 0, 1, 4, 1};
  trace.segments.push_back({RoutingPhase::Prompt, 0, 0, {3, 3, 3}});
  trace.segments.push_back({RoutingPhase::Generated, 0, 3, {1, 1, 2, 2}});
  ReplayReport report = *replayTrace(trace, std::vector<uint32_t>{1});
  EXPECT_EQ(report.trainedTokens, 2u);
  EXPECT_EQ(report.measuredTokens, 2u);
  EXPECT_EQ(report.inSample[0].hitRates[0], 0.5) << "pinned: 1 was used as often as 2 and is lower";
  EXPECT_EQ(report.heldOut[0].hitRates[0], 0) << "pinned: 1, and only 2 is used";
  EXPECT_EQ(report.heldOut[0].hitRates[1], 0.5) << "lru: the second 2";
  EXPECT_EQ(report.heldOut[0].bound, 1);
  trace.segments.pop_back();
  EXPECT_FALSE(replayTrace(trace, std::vector<uint32_t>{1}));
}
