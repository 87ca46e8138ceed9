// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Support/Rope.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

namespace strata {
namespace {

constexpr Yarn kV31 = {.factor = 40, .originalContext = 4096, .betaFast = 32, .betaSlow = 1, .mscaleAllDimensions = 1};

TEST(Rope, YarnRangeOfV31) {
  auto [low, high] = yarnCorrectionRange(10000, 64, kV31);
  EXPECT_EQ(low, 10);
  EXPECT_EQ(high, 23);
}

TEST(Rope, YarnKeepsFastPairsAndDividesSlowOnes) {
  std::vector<float> plain = ropeFrequencies(10000, 64);
  std::vector<float> scaled = ropeFrequencies(10000, 64, kV31);
  ASSERT_EQ(plain.size(), 32u);
  ASSERT_EQ(scaled.size(), 32u);
  EXPECT_EQ(scaled[0], 1.0f);
  for (size_t pair = 0; pair < 32; ++pair) {
    double exact = std::pow(10000.0, -2.0 * double(pair) / 64);
    double divided = std::clamp((double(pair) - 10) / 13, 0.0, 1.0);
    EXPECT_NEAR(plain[pair] / exact, 1, 3e-7) << pair;
    EXPECT_NEAR(scaled[pair] / (exact * (1 - divided) + exact / 40 * divided), 1, 3e-7) << pair;
  }
  for (size_t pair = 0; pair <= 10; ++pair)
    EXPECT_EQ(scaled[pair], plain[pair]) << pair;
}

TEST(Rope, AttentionScaleOfV31) {
  EXPECT_FLOAT_EQ(attentionScale(192), 0.0721687836f);
  EXPECT_FLOAT_EQ(attentionScale(192, kV31), 0.1352337789f);
}

TEST(Rope, EmptyYarnRangeDividesByNoZero) {
  // One rotation and a little more end in the same pair.
  Yarn yarn = {.factor = 4, .originalContext = 1, .betaFast = 2, .betaSlow = 1, .mscaleAllDimensions = 1};
  auto [low, high] = yarnCorrectionRange(10000, 2, yarn);
  EXPECT_EQ(low, high);
  for (float frequency : ropeFrequencies(10000, 2, yarn))
    EXPECT_TRUE(std::isfinite(frequency));
}

} // namespace
} // namespace strata
