// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Base/Utf8.h"

#include <gtest/gtest.h>
#include <string>

using namespace strata;

static std::string encode(uint32_t point) {
  auto tail = [&](int shift) { return static_cast<char>(0x80 | (point >> shift & 0x3F)); };
  if (point < 0x80)
    return {static_cast<char>(point)};
  if (point < 0x800)
    return {static_cast<char>(0xC0 | point >> 6), tail(0)};
  if (point < 0x10000)
    return {static_cast<char>(0xE0 | point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | point >> 18), tail(12), tail(6), tail(0)};
}

TEST(Utf8, AcceptsEveryScalarAndNoSurrogate) {
  for (uint32_t point = 0; point <= 0x10FFFF; ++point) {
    std::string text = encode(point);
    bool surrogate = point >= 0xD800 && point < 0xE000;
    ASSERT_EQ(utf8CharacterLength(text, 0), surrogate ? 0 : text.size()) << point;
  }
}

TEST(Utf8, RefusesWhatIsNotACharacter) {
  for (const char *text :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xff", "\xc3", "\xe2\x82", "\xf0\x9f\xa6", "\xe2\x82\x41"})
    EXPECT_FALSE(isValidUtf8(text)) << text;
}

TEST(Utf8, ReadsInsideAText) {
  EXPECT_EQ(utf8CharacterLength("aé", 1), 2u);
  EXPECT_EQ(utf8CharacterLength("aé", 2), 0u);
  EXPECT_TRUE(isValidUtf8("aé🦊"));
  EXPECT_FALSE(isValidUtf8("aé🦊\x80"));
}

TEST(Utf8, PrintableHasNoControls) {
  EXPECT_TRUE(isPrintableUtf8("tokenizer.ggml.tokens ▁"));
  EXPECT_TRUE(isPrintableUtf8("\u00a0"));
  for (const char *text : {"\n", "a\x1f", "\x7f", "\u0080", "a\u009f"})
    EXPECT_FALSE(isPrintableUtf8(text)) << text;
}
