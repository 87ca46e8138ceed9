// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Base/Size.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace strata;

TEST(ParseSize, KnowsBothKindsOfUnits) {
  EXPECT_EQ(parseSize("8GiB").value(), 8ull << 30);
  EXPECT_EQ(parseSize("8GB").value(), 8'000'000'000u);
  EXPECT_EQ(parseSize("1KB").value(), 1'000u);
  EXPECT_EQ(parseSize("1KiB").value(), 1'024u);
  EXPECT_EQ(parseSize("3MB").value(), 3'000'000u);
  EXPECT_EQ(parseSize("3MiB").value(), 3u << 20);
  EXPECT_EQ(parseSize("2TB").value(), 2'000'000'000'000u);
  EXPECT_EQ(parseSize("2TiB").value(), 2ull << 40);
  EXPECT_EQ(parseSize("34058272768B").value(), 34'058'272'768u);
  EXPECT_EQ(parseSize("0B").value(), 0u);
}

TEST(ParseSize, TakesDecimals) {
  EXPECT_EQ(parseSize("31.5GiB").value(), (31ull << 30) + (1ull << 29));
  EXPECT_EQ(parseSize("0.5KB").value(), 500u);
  EXPECT_EQ(parseSize("1.0625KiB").value(), 1'088u);
}

TEST(ParseSize, RefusesTheRest) {
  for (const char *text :
       {"", "8", "8.5", "GiB", "8 GiB", "8gib", "8G", "-8GiB", "+8GiB", "8.GiB", ".5GiB", "8GiBs", "0x8GiB", "8.5.5GiB",
        "99999999999999999999B", "18446744073709551615KB", "1.99999999999999999999GiB"}) {
    auto size = parseSize(text);
    ASSERT_FALSE(size.has_value()) << text;
    EXPECT_EQ(size.error().code, ExitCode::CommandLine);
    EXPECT_EQ(size.error().id, "");
    EXPECT_THAT(size.error().message, testing::HasSubstr("\"" + std::string(text) + "\""));
    EXPECT_THAT(size.error().message, testing::HasSubstr("write it as 8GiB or 8GB"));
  }
}

TEST(ParseSize, SaysWhenTheUnitIsMissing) {
  EXPECT_EQ(parseSize("8").error().message, "the size \"8\" has no unit; write it as 8GiB or 8GB");
}

TEST(FormatBytes, ChoosesTheUnit) {
  EXPECT_EQ(formatBytes(0), "0 B");
  EXPECT_EQ(formatBytes(1'023), "1023 B");
  EXPECT_EQ(formatBytes(1'024), "1.0 KiB");
  EXPECT_EQ(formatBytes(1'536), "1.5 KiB");
  EXPECT_EQ(formatBytes((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(formatBytes(378'060'636'160), "352.1 GiB");
  EXPECT_EQ(formatBytes(24'772'608), "23.6 MiB");
  EXPECT_EQ(formatBytes(~0ull), "16.0 EiB");
}
