// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What usage counts are worth: nothing where they are chance, much where they are not.
#include "compiler/Placement/UsageGain.h"

#include "tests/compiler/Placement/PlacementFixture.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

using namespace strata;

namespace {

constexpr uint32_t kLayers = 58, kExperts = 256, kUsed = 8;

/// Counts of `tokens` tokens whose experts are drawn with the weight 1 + skew * their place in a shuffled order.
std::vector<uint64_t> drawn(uint32_t tokens, double skew) {
  std::vector<uint64_t> counts(kLayers * kExperts);
  for (uint32_t layer = 0; layer < kLayers; ++layer) {
    std::mt19937 random(layer), uses(tokens); // The same order for any number of tokens, and other draws.
    std::vector<double> weights(kExperts);
    for (uint32_t i = 0; i < kExperts; ++i)
      weights[i] = 1 + skew * i;
    std::shuffle(weights.begin(), weights.end(), random);
    std::discrete_distribution<uint32_t> pick(weights.begin(), weights.end());
    for (uint32_t use = 0; use < tokens * kUsed; ++use)
      ++counts[layer * kExperts + pick(uses)];
  }
  return counts;
}

struct Case {
  ModelWeights weights = v31Weights();
  MachineDescription machine = machineOf("ovh-ai1-1-gpu");

  UsageGain gain(const std::vector<uint64_t> &usage) const {
    return gainOfUsage(valueOrThrow(makePlan(weights, machine, defaultRequest())), weights, machine, usage);
  }
};

} // namespace

TEST(WithoutChance, EqualUseIsEqualAgain) {
  std::vector<uint64_t> counts = drawn(500, 0), shrunk = withoutChance(counts, kExperts);
  for (uint32_t layer = 0; layer < kLayers; ++layer) {
    auto begin = shrunk.begin() + layer * kExperts;
    auto [least, most] = std::minmax_element(begin, begin + kExperts);
    auto seen = counts.begin() + layer * kExperts;
    auto [fewest, mostSeen] = std::minmax_element(seen, seen + kExperts);
    EXPECT_LT(static_cast<double>(*most) / static_cast<double>(*least), 1.7) << layer;
    EXPECT_GT(static_cast<double>(*mostSeen) / static_cast<double>(*fewest), 3) << layer;
    EXPECT_NEAR(std::accumulate(begin, begin + kExperts, 0.0), 1024.0 * 500 * kUsed, 200);
  }
}

TEST(WithoutChance, ManyCountsStayAsTheyAre) {
  std::vector<uint64_t> counts = {1'000'000, 0, 500'000, 20}, shrunk = withoutChance(counts, 4);
  for (size_t i = 0; i < counts.size(); ++i)
    EXPECT_NEAR(static_cast<double>(shrunk[i]) / 1024, static_cast<double>(counts[i]), 10);
}

TEST(WithoutChance, ExtremesAreNumbers) {
  EXPECT_EQ(withoutChance(std::vector<uint64_t>(8, 0), 4), std::vector<uint64_t>(8, 0));
  std::vector<uint64_t> saturated = withoutChance(std::vector<uint64_t>{~uint64_t{0}, 0, ~uint64_t{0}, 5}, 4);
  EXPECT_GT(saturated[0], saturated[1]);
  EXPECT_EQ(saturated[0], saturated[2]);
  EXPECT_TRUE(withoutChance({}, 0).empty());
}

TEST(UsageGain, ChanceIsWorthNothing) {
  Case one;
  for (uint32_t tokens : {1u, 20u, 500u}) {
    UsageGain gain = one.gain(drawn(tokens, 0));
    EXPECT_LT(gain.gain(), 0.05) << tokens << ": less than what is said";
    EXPECT_GT(gain.gain(), -0.03) << tokens;
  }
}

TEST(UsageGain, SkewIsWorthPinning) {
  Case one;
  UsageGain gain = one.gain(drawn(2000, 1));
  EXPECT_GT(gain.gain(), 0.05);
  EXPECT_GT(gain.then.hitRate, gain.now.hitRate);
  EXPECT_LT(gain.then.hitRate, 0.5) << "the tenth that is used most has a fifth of the uses";
  EXPECT_GT(gain.now.hitRate, 0.15);
}

TEST(UsageGain, NeverMoreThanTheTruth) {
  // Predicted by 300 tokens, measured with 3,000 others of the same model: the shrunk prediction holds, the plain one
  // promises more.
  Case one;
  std::vector<uint64_t> few = drawn(300, 0.02);
  double promised = one.gain(few).then.hitRate;
  PlanRequest request = defaultRequest();
  request.usage = few;
  Plan plan = valueOrThrow(makePlan(one.weights, one.machine, request));
  double plain = predict(plan, one.weights, one.machine).traced->hitRate;
  plan.usage = drawn(3000, 0.02);
  double truth = predict(plan, one.weights, one.machine).traced->hitRate;
  EXPECT_NEAR(promised, truth, 0.02);
  EXPECT_GT(plain, truth + 0.02);
}
