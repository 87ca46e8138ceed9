// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Base/Error.h"

#include <gtest/gtest.h>

using namespace strata;

TEST(FormatError, ShowsToolSentenceAndId) {
  EXPECT_EQ(formatError("strata-run", {ExitCode::Input, "G35", "the file is cut"}),
            "strata-run: error: the file is cut [G35]");
  EXPECT_EQ(formatError("strata-run", {ExitCode::CommandLine, "", "no model was given"}),
            "strata-run: error: no model was given");
}

TEST(EscapeName, KeepsWhatIsPrintable) {
  EXPECT_EQ(escapeName("blk.3.ffn_gate_exps.weight"), "blk.3.ffn_gate_exps.weight");
  EXPECT_EQ(escapeName("<｜begin▁of▁sentence｜> é 🦊"), "<｜begin▁of▁sentence｜> é 🦊");
  EXPECT_EQ(escapeName(""), "");
}

TEST(EscapeName, EscapesControlsQuotesAndBackslashes) {
  EXPECT_EQ(escapeName(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(escapeName("\x1b[31m"), "\\x1b[31m");
  EXPECT_EQ(escapeName("\n\t\x7f"), "\\x0a\\x09\\x7f");
  EXPECT_EQ(escapeName("say \"hi\" \\"), "say \\x22hi\\x22 \\x5c");
  EXPECT_EQ(escapeName("\u009b"), "\\xc2\\x9b"); // CSI as one C1 character
}

TEST(EscapeName, EscapesInvalidUtf8) {
  EXPECT_EQ(escapeName("\xff"), "\\xff");
  EXPECT_EQ(escapeName("\xc0\xaf"), "\\xc0\\xaf");                   // overlong
  EXPECT_EQ(escapeName("\xed\xa0\x80"), "\\xed\\xa0\\x80");          // surrogate
  EXPECT_EQ(escapeName("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"); // above U+10FFFF
  EXPECT_EQ(escapeName("a\xe2\x96"), "a\\xe2\\x96");                 // cut
}

TEST(EscapeName, CutsAtEightyCharacters) {
  EXPECT_EQ(escapeName(std::string(80, 'x')), std::string(80, 'x'));
  EXPECT_EQ(escapeName(std::string(81, 'x')), std::string(80, 'x') + "...");
  std::string accents;
  for (int i = 0; i < 80; ++i)
    accents += "é";
  EXPECT_EQ(escapeName(accents), accents);
}

static Result<int> half(int number) {
  if (number % 2 != 0)
    return fail(ExitCode::Input, "X01", "odd");
  return number / 2;
}

static Result<int> quarter(int number) {
  STRATA_ASSIGN(int once, half(number));
  STRATA_TRY(half(once));
  return half(once);
}

TEST(Result, MacrosReturnTheFirstError) {
  EXPECT_EQ(quarter(8).value(), 2);
  ASSERT_FALSE(quarter(6).has_value());
  EXPECT_EQ(quarter(6).error().id, "X01");
  EXPECT_EQ(quarter(3).error().code, ExitCode::Input);
}
