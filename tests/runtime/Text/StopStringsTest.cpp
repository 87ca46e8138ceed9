// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Text/StopStrings.h"

#include <gmock/gmock.h>

using namespace strata;
using namespace strata::text;

namespace {

struct Shown {
  std::string text;
  bool stopped;
  bool operator==(const Shown &) const = default;
};
void PrintTo(const Shown &shown, std::ostream *out) {
  *out << '"' << shown.text << "\" stopped " << shown.stopped;
}

/// Feeds `text` cut at the set bits of `cuts`.
Shown feedCut(std::string_view text, unsigned cuts, const std::vector<std::string> &strings) {
  StopStrings stop = StopStrings::create(strings).value();
  Shown shown{};
  size_t begin = 0;
  for (size_t at = 1; at <= text.size(); ++at) {
    if (at < text.size() && !(cuts & (1U << (at - 1))))
      continue;
    shown.text += stop.feed(text.substr(begin, at - begin));
    begin = at;
  }
  shown.text += stop.flush();
  shown.stopped = stop.stopped();
  return shown;
}

void expectHoweverCut(std::string_view text, const std::vector<std::string> &strings, const Shown &wanted) {
  ASSERT_LT(text.size(), 16U);
  for (unsigned cuts = 0; cuts < 1U << (text.size() - 1); ++cuts)
    ASSERT_EQ(feedCut(text, cuts, strings), wanted) << text << " cut at " << cuts;
}

TEST(StopStrings, StopsHoweverTheTextIsCut) {
  expectHoweverCut("Hello END more", {"END"}, {"Hello ", true});
  expectHoweverCut("Hello EN more", {"END"}, {"Hello EN more", false});
  expectHoweverCut("Hello EN", {"END"}, {"Hello EN", false});
  expectHoweverCut("EENEND", {"END"}, {"EEN", true});
  expectHoweverCut("ababac", {"abac"}, {"ab", true});
  expectHoweverCut("stop", {"stop"}, {"", true});
}

TEST(StopStrings, FirstCompletedWins) {
  expectHoweverCut("abcde", {"abcde", "c"}, {"ab", true});
  expectHoweverCut("abcde", {"c", "abc"}, {"", true});
  expectHoweverCut("xbcd", {"abcd", "bc"}, {"x", true});
}

TEST(StopStrings, WithholdsOnlyWhatMayBeAStopString) {
  StopStrings stop = StopStrings::create({"\n\nUser:"}).value();
  EXPECT_EQ(stop.feed("Yes.\n"), "Yes.");
  EXPECT_EQ(stop.feed("\nUs"), "");
  EXPECT_EQ(stop.feed("eful."), "\n\nUseful.");
  EXPECT_EQ(stop.feed("\n\nUser:"), "");
  EXPECT_TRUE(stop.stopped());
  EXPECT_EQ(stop.feed("more"), "");
  EXPECT_EQ(stop.flush(), "");
}

TEST(StopStrings, NoneShowsEverything) {
  StopStrings stop = StopStrings::create({}).value();
  EXPECT_EQ(stop.feed("text"), "text");
  EXPECT_FALSE(stop.stopped());
}

TEST(StopStrings, EmptyOrBrokenStringsAreCommandLineErrors) {
  for (const char *bad : {"", "\xE2\x96", "\x81"}) {
    Result<StopStrings> stop = StopStrings::create({"good", bad});
    ASSERT_FALSE(stop);
    EXPECT_EQ(stop.error().code, ExitCode::CommandLine);
  }
}

} // namespace
