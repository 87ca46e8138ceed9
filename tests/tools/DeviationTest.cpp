// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/run/Deviation.h"

#include <cmath>
#include <gmock/gmock.h>
#include <limits>

namespace strata::run {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

TEST(Deviation, DefinitionOfTheIssue) {
  Deviation deviation;
  // Row means 2 and 10; (x - g) 0, 0, 0.5 and 1, 0, 0.
  deviation.addRow(std::vector<float>{1, 2, 3.5F}, std::vector<float>{1, 2, 3});
  deviation.addRow(std::vector<float>{9, 10, 12}, std::vector<float>{8, 10, 12});
  EXPECT_DOUBLE_EQ(deviation.largest(), 1);
  EXPECT_DOUBLE_EQ(deviation.nmse(), (0.25 + 1) / (2 + 8));
  EXPECT_THAT(deviation.rowNmse(), testing::ElementsAre(0.25 / 2, 1.0 / 8));
}

TEST(Deviation, NotANumberIsNeverSmall) {
  Deviation deviation;
  deviation.addRow(std::vector<float>{1, kNaN, 3}, std::vector<float>{1, 2, 3});
  deviation.addRow(std::vector<float>{1, 2, 4}, std::vector<float>{1, 2, 3});
  EXPECT_TRUE(std::isnan(deviation.largest()));
  EXPECT_TRUE(std::isnan(deviation.nmse()));
  EXPECT_TRUE(std::isnan(median(deviation.rowNmse())));
}

TEST(Deviation, Median) {
  EXPECT_DOUBLE_EQ(median({3, 1, 2}), 2);
  EXPECT_DOUBLE_EQ(median({4, 1, 3, 2}), 2.5);
  EXPECT_TRUE(std::isnan(median({})));
}

TEST(GreedyAgreement, CountsStepsWithAGap) {
  GoldenCase golden;
  golden.prompt = {7, 7};
  golden.greedy = {1, 2, 0};
  golden.greedyGap = {5, 0.5, 5};
  GreedyAgreement greedy;
  std::vector<float> choosesOne = {0, 3, 1};
  greedy.addRow(golden, 0, choosesOne, 1); // Inside the prompt: nothing is chosen.
  EXPECT_EQ(greedy.counted, 0U);
  greedy.addRow(golden, 1, choosesOne, 1); // Step 0, right.
  greedy.addRow(golden, 2, choosesOne, 1); // Step 1, wrong, but its gap allows it.
  greedy.addRow(golden, 3, choosesOne, 1); // Step 2, wrong.
  greedy.addRow(golden, 4, choosesOne, 1); // Past the greedy tokens.
  EXPECT_EQ(greedy.counted, 2U);
  EXPECT_EQ(greedy.equal, 1U);
}

} // namespace
} // namespace strata::run
