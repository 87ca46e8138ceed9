// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Base/Checked.h"

#include <gtest/gtest.h>

using strata::Checked;

static constexpr uint64_t kLargest = std::numeric_limits<uint64_t>::max();

TEST(Checked, ComputesWhatFits) {
  EXPECT_EQ((Checked(6) * 7 + 8).value(), 50u);
  EXPECT_EQ((Checked(50) - 8).value(), 42u);
  EXPECT_EQ((Checked(50) / 8).value(), 6u);
  EXPECT_EQ((Checked(50) % 8).value(), 2u);
  EXPECT_EQ((Checked(kLargest) + 0).value(), kLargest);
  EXPECT_EQ((Checked(kLargest) - kLargest).value(), 0u);
  Checked sum = 1;
  sum += 2;
  sum *= 3;
  EXPECT_EQ(sum.value(), 9u);
}

TEST(Checked, NoticesOverflow) {
  EXPECT_FALSE((Checked(kLargest) + 1).valid());
  EXPECT_FALSE((Checked(kLargest) * 2).valid());
  EXPECT_FALSE((Checked(1ull << 32) * (1ull << 32)).valid());
  EXPECT_TRUE((Checked(1ull << 32) * ((1ull << 32) - 1)).valid());
}

TEST(Checked, NoticesUnderflow) {
  EXPECT_FALSE((Checked(0) - 1).valid());
  EXPECT_FALSE((Checked(5) - 6).valid());
}

TEST(Checked, NoticesDivisionByZero) {
  EXPECT_FALSE((Checked(5) / 0).valid());
  EXPECT_FALSE((Checked(5) % 0).valid());
  EXPECT_FALSE(Checked(5).alignUp(0).valid());
}

TEST(Checked, RefusesNegativeNumbers) {
  EXPECT_FALSE(Checked(-1).valid());
  EXPECT_FALSE(Checked(std::numeric_limits<int64_t>::min()).valid());
  EXPECT_TRUE(Checked(std::numeric_limits<int64_t>::max()).valid());
  EXPECT_TRUE(Checked(int8_t(0)).valid());
}

TEST(Checked, StaysInvalid) {
  Checked invalid = Checked(0) - 1;
  EXPECT_FALSE((invalid + 1).valid());
  EXPECT_FALSE((Checked(1) + invalid).valid());
  EXPECT_FALSE((invalid * 0).valid());
  EXPECT_FALSE((Checked(0) / invalid).valid());
  EXPECT_FALSE((invalid % 2).valid());
  EXPECT_FALSE(invalid.alignUp(32).valid());
  EXPECT_FALSE(Checked(1).alignUp(invalid).valid());
  EXPECT_EQ(invalid.value(), 0u);
  EXPECT_EQ(invalid.as<uint64_t>(), std::nullopt);
}

TEST(Checked, AlignsUp) {
  EXPECT_EQ(Checked(0).alignUp(32).value(), 0u);
  EXPECT_EQ(Checked(1).alignUp(32).value(), 32u);
  EXPECT_EQ(Checked(32).alignUp(32).value(), 32u);
  EXPECT_EQ(Checked(33).alignUp(1).value(), 33u);
  EXPECT_EQ(Checked(7).alignUp(3).value(), 9u);
}

// The padding macro of the field wraps to 0 here and so passes the guard that follows it.
TEST(Checked, AlignUpDoesNotWrap) {
  EXPECT_FALSE(Checked(kLargest).alignUp(32).valid());
  EXPECT_FALSE(Checked(kLargest - 3).alignUp(32).valid());
  EXPECT_EQ(Checked(kLargest - 31).alignUp(32).value(), kLargest - 31);
}

TEST(Checked, NarrowsOnlyWhatFits) {
  EXPECT_EQ(Checked(255).as<uint8_t>(), 255);
  EXPECT_EQ(Checked(256).as<uint8_t>(), std::nullopt);
  EXPECT_EQ(Checked(1ull << 31).as<int32_t>(), std::nullopt);
  EXPECT_EQ(Checked(kLargest).as<uint64_t>(), kLargest);
}

TEST(Checked, ComparesOnlyWhatIsValid) {
  EXPECT_TRUE(Checked(5).atMost(5));
  EXPECT_FALSE(Checked(6).atMost(5));
  EXPECT_FALSE((Checked(0) - 1).atMost(5));
  EXPECT_FALSE(Checked(0).atMost(Checked(-1)));
}
