// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Text/Utf8.h"
#include "runtime/Text/ByteSpelling.h"

#include <gmock/gmock.h>

using namespace strata::text;

namespace {

TEST(Utf8, EveryCodePointIsOneCharacter) {
  for (char32_t codePoint = 0; codePoint < 0x110000; ++codePoint) {
    if (codePoint >= 0xD800 && codePoint < 0xE000)
      continue;
    std::string text;
    appendUtf8(text, codePoint);
    Utf8Step step = utf8Step(text);
    ASSERT_EQ(step.kind, Utf8Kind::Character) << static_cast<uint32_t>(codePoint);
    ASSERT_EQ(step.length, text.size()) << static_cast<uint32_t>(codePoint);
    ASSERT_EQ(decodeUtf8(text), codePoint) << static_cast<uint32_t>(codePoint);
    for (size_t cut = 1; cut < text.size(); ++cut) {
      ASSERT_EQ(utf8Step(text.substr(0, cut)).kind, Utf8Kind::Incomplete);
      ASSERT_EQ(utf8Step(text.substr(0, cut) + "x").kind, Utf8Kind::Invalid);
      ASSERT_EQ(utf8Step(text.substr(0, cut) + "x").length, cut);
    }
  }
}

TEST(Utf8, WhatIsNoCharacter) {
  // A lone continuation, overlong forms, a surrogate, past U+10FFFF, bytes that never occur.
  for (const char *text : {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xED\xA0\x80",
                           "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF"}) {
    Utf8Step step = utf8Step(text);
    EXPECT_EQ(step.kind, Utf8Kind::Invalid);
    EXPECT_EQ(step.length, 1U);
    EXPECT_FALSE(isUtf8(text));
  }
  EXPECT_EQ(validUtf8Prefix("aé\xFFz"), 3U);
  EXPECT_EQ(validUtf8Prefix("aé\xE2\x96"), 3U);
}

TEST(ByteSpelling, IsOneToOneAndGpt2s) {
  for (unsigned byte = 0; byte < 256; ++byte)
    EXPECT_EQ(unspellByte(spellByte(static_cast<uint8_t>(byte))), byte);
  EXPECT_EQ(spellByte(' '), U'Ġ');
  EXPECT_EQ(spellByte('\n'), U'Ċ');
  EXPECT_EQ(spellByte(0), U'Ā');
  EXPECT_EQ(spellByte(0xAD), U'Ń');
  EXPECT_EQ(spellByte('~'), U'~');
  EXPECT_EQ(spellByte(0xFF), U'ÿ');
  EXPECT_EQ(unspellByte(U' '), std::nullopt);
  EXPECT_EQ(unspellByte(0xAD), std::nullopt);
  EXPECT_EQ(unspellByte(0x144), std::nullopt);
  EXPECT_EQ(unspellByte(U'日'), std::nullopt);
}

} // namespace
