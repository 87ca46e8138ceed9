// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Support/Size.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

TEST(Size, UnitsArePowersOf1024Or1000) {
  EXPECT_EQ(parseSize("8GiB"), uint64_t(8) << 30);
  EXPECT_EQ(parseSize("8 GB"), 8000000000u);
  EXPECT_EQ(parseSize("1.5MiB"), 1572864u);
  EXPECT_EQ(parseSize("34058272768B"), 34058272768u);
}

TEST(Size, WhatIsNoSizeIsRefused) {
  for (const char *text : {"", "8", "GiB", "8gib", "8GiBx", "-1B", "nanGiB", "infB", "1e3GiB", "9223372036854775808B"})
    EXPECT_FALSE(parseSize(text)) << text;
}

TEST(Size, AreFormattedWithTheLargestUnit) {
  EXPECT_EQ(formatSize(0), "0 B");
  EXPECT_EQ(formatSize(1023), "1023 B");
  EXPECT_EQ(formatSize(24772608), "23.625 MiB");
  EXPECT_EQ(formatSize(378060636160), "352.096 GiB");
  EXPECT_EQ(formatCount(7), "7");
  EXPECT_EQ(formatCount(378060636160), "378,060,636,160");
  EXPECT_EQ(formatCount(123456), "123,456");
}

} // namespace
} // namespace strata
