// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Support/FormatCount.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

TEST(FormatCount, GroupsDigitsByThree) {
  EXPECT_EQ(formatCount(0), "0");
  EXPECT_EQ(formatCount(999), "999");
  EXPECT_EQ(formatCount(1000), "1,000");
  EXPECT_EQ(formatCount(123456), "123,456");
  EXPECT_EQ(formatCount(378060636160), "378,060,636,160");
}

} // namespace
} // namespace strata
