// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Text/Tokenizer.h"
#include "runtime/Text/StreamingDecoder.h"
#include "tests/runtime/Text/RandomText.h"
#include "tests/runtime/Text/SmallVocabulary.h"

#include <gmock/gmock.h>

using namespace strata;
using namespace strata::text;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string_view> pieces;
  PreTokenizer preTokenizer = PreTokenizer::create("deepseek-v3").value();
  EXPECT_TRUE(preTokenizer.split(text, pieces));
  return {pieces.begin(), pieces.end()};
}

TEST(PreTokenizer, Words) {
  EXPECT_THAT(split("Hello, big world"), ElementsAre("Hello", ",", " big", " world"));
  EXPECT_THAT(split("don't"), ElementsAre("don", "'t"));
  EXPECT_THAT(split(".hidden-file"), ElementsAre(".hidden", "-file"));
}

TEST(PreTokenizer, DigitsInThrees) {
  EXPECT_THAT(split("a12345 6"), ElementsAre("a", "123", "45", " ", "6"));
}

TEST(PreTokenizer, HanAndKanaStandApart) {
  EXPECT_THAT(split("abc日本ひカ。x"), ElementsAre("abc", "日本ひカ", "。", "x"));
}

TEST(PreTokenizer, LineEndsAndWhiteSpace) {
  EXPECT_THAT(split("a  b"), ElementsAre("a", " ", " b"));
  EXPECT_THAT(split("a \n\n b"), ElementsAre("a", " \n\n", " b"));
  EXPECT_THAT(split("!?\n\nb"), ElementsAre("!?\n\n", "b"));
  EXPECT_THAT(split("a  "), ElementsAre("a", "  "));
}

// A lookahead sees the end of its piece, not the digits behind it.
TEST(PreTokenizer, ExpressionsSplitThePiecesOfTheFormer) {
  EXPECT_THAT(split("a  1"), ElementsAre("a", "  ", "1"));
}

// U+180E is white space to PCRE2's \s and not to Unicode. U+0085 is white space to both.
TEST(PreTokenizer, WhiteSpaceIsUnicodes) {
  EXPECT_THAT(split("  \u180Ex"), ElementsAre(" ", " ", "\u180Ex"));
  EXPECT_THAT(split("  \u0085.\n"), ElementsAre("  ", "\u0085", ".\n"));
}

TEST(PreTokenizer, LongRunsStayWithinTheLimits) {
  for (std::string_view unit : {"a", " ", "\n", "1", ".", "日", "\x01", " \n", "\u0301", " a"}) {
    std::string text;
    while (text.size() < 1000000)
      text += unit;
    std::vector<std::string_view> pieces;
    PreTokenizer preTokenizer = PreTokenizer::create("deepseek-v3").value();
    Result<void> result = preTokenizer.split(text, pieces);
    ASSERT_TRUE(result) << unit << ": " << result.error().message;
    size_t size = 0;
    for (std::string_view piece : pieces)
      size += piece.size();
    EXPECT_EQ(size, text.size());
  }
}

TEST(PreTokenizer, MatchLimitIsAClearError) {
  PreTokenizer preTokenizer = PreTokenizer::create("deepseek-v3", {.base = 1, .perByte = 0}).value();
  std::vector<std::string_view> pieces;
  Result<void> result = preTokenizer.split(std::string(100000, ' ') + "x", pieces);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ExitCode::Input);
  EXPECT_THAT(result.error().message, HasSubstr("match limit exceeded"));
}

Tokenizer smallTokenizer() {
  return Tokenizer(SmallVocabulary().create().value());
}

std::vector<std::string> tokenTexts(const Tokenizer &tokenizer, std::string_view text, bool parseSpecial = false) {
  std::vector<std::string> texts;
  std::vector<int32_t> ids = tokenizer.encode(text, parseSpecial).value();
  for (int32_t id : ids)
    texts.emplace_back(tokenizer.vocabulary().bytes(id));
  return texts;
}

TEST(Tokenizer, MergesByRankThenFromTheLeft) {
  Tokenizer tokenizer = smallTokenizer();
  EXPECT_THAT(tokenTexts(tokenizer, "aab"), ElementsAre("a", "ab"));
  EXPECT_THAT(tokenTexts(tokenizer, "aaa"), ElementsAre("aa", "a"));
  EXPECT_THAT(tokenTexts(tokenizer, "aaaaa"), ElementsAre("aaaa", "a"));
  EXPECT_THAT(tokenTexts(tokenizer, "abab"), ElementsAre("ab", "ab"));
}

TEST(Tokenizer, SpecialTokensOnlyWhenAsked) {
  Tokenizer tokenizer = smallTokenizer();
  EXPECT_THAT(tokenizer.encode("<bos><eos>", true).value(), ElementsAre(0, 1));
  EXPECT_THAT(tokenTexts(tokenizer, "ab<bos>ab", true), ElementsAre("ab", "<bos>", "ab"));
  EXPECT_THAT(tokenTexts(tokenizer, "<eos>"), ElementsAre("<", "e", "o", "s", ">"));
}

TEST(Tokenizer, OtherPreTokenizersAreRefusedByName) {
  SmallVocabulary vocabulary;
  vocabulary.source.preTokenizer = "llama-\x1B"
                                   "bpe";
  Tokenizer tokenizer(vocabulary.create().value());
  Result<std::vector<int32_t>> ids = tokenizer.encode("text", false);
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().code, ExitCode::Input);
  EXPECT_THAT(ids.error().message, testing::AllOf(HasSubstr("llama-\\x1bbpe"), HasSubstr("--tokens")));
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{0}), "<bos>") << "ids still decode";
}

TEST(Tokenizer, OtherModelsAreRefusedByName) {
  SmallVocabulary vocabulary;
  vocabulary.source.model = "llama";
  Result<std::vector<int32_t>> ids = Tokenizer(vocabulary.create().value()).encode("text", false);
  ASSERT_FALSE(ids);
  EXPECT_THAT(ids.error().message, testing::AllOf(HasSubstr("\"llama\""), HasSubstr("--tokens")));
}

TEST(Tokenizer, BytesWithoutTokenAreAnError) {
  SmallVocabulary vocabulary;
  vocabulary.source.types[2 + 'x'] = static_cast<int64_t>(TokenType::Unused);
  Result<std::vector<int32_t>> ids = Tokenizer(vocabulary.create().value()).encode("axb", false);
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().code, ExitCode::Input);
  EXPECT_THAT(ids.error().message, HasSubstr("0x78"));
}

TEST(Tokenizer, DecodeSkipsIdsThatNameNoToken) {
  Tokenizer tokenizer = smallTokenizer();
  std::vector<int32_t> ids = {-1, 2 + 'a', 1 << 30};
  EXPECT_EQ(tokenizer.decode(ids), "a");
}

TEST(Tokenizer, RoundTripOfAnyBytes) {
  Tokenizer tokenizer = smallTokenizer();
  RandomText random(3);
  for (int trial = 0; trial < 2000; ++trial) {
    std::string text = trial % 2 ? random.bytes(40) : random.utf8(40);
    ASSERT_EQ(tokenizer.decode(tokenizer.encode(text, trial % 4 < 2).value()), text) << escapeName(text);
  }
}

/// Decodes `pieces` of bytes token by token and checks that each step's text is whole.
std::string decodeInSteps(StreamingDecoder &decoder, std::span<const int32_t> ids) {
  std::string text;
  for (int32_t id : ids) {
    std::string step = decoder.feed(id);
    EXPECT_TRUE(isUtf8(step));
    text += step;
  }
  return text + decoder.flush();
}

// Tokens that are the two halves of a text, for every place to halve it.
TEST(StreamingDecoder, EverySplitOfAText) {
  std::string text = "aé日😀\u0301z￿";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    for (size_t secondCut = cut; secondCut <= text.size(); ++secondCut) {
      SmallVocabulary vocabulary;
      std::vector<int32_t> ids;
      for (std::string_view part :
           {std::string_view(text).substr(0, cut), std::string_view(text).substr(cut, secondCut - cut),
            std::string_view(text).substr(secondCut)})
        ids.push_back(vocabulary.add(std::string(part), TokenType::UserDefined));
      Vocabulary made = vocabulary.create().value();
      StreamingDecoder decoder(made);
      ASSERT_EQ(decodeInSteps(decoder, ids), text) << cut << " " << secondCut;
    }
  }
}

TEST(StreamingDecoder, HoldsBackHalfACharacter) {
  Tokenizer tokenizer = smallTokenizer();
  StreamingDecoder decoder(tokenizer.vocabulary());
  std::vector<int32_t> ids = tokenizer.encode("😀", false).value();
  ASSERT_EQ(ids.size(), 4U);
  EXPECT_EQ(decoder.feed(ids[0]), "");
  EXPECT_EQ(decoder.feed(ids[1]), "");
  EXPECT_EQ(decoder.feed(ids[2]), "");
  EXPECT_EQ(decoder.feed(ids[3]), "😀");
  EXPECT_EQ(decoder.flush(), "");
}

TEST(StreamingDecoder, IncompleteTailBecomesOneReplacement) {
  Tokenizer tokenizer = smallTokenizer();
  StreamingDecoder decoder(tokenizer.vocabulary());
  std::vector<int32_t> ids = tokenizer.encode("a\xF0\x9F\x98", false).value();
  EXPECT_EQ(decodeInSteps(decoder, ids), "a\uFFFD");
  EXPECT_EQ(decoder.flush(), "") << "flushing twice adds nothing";
  EXPECT_EQ(decodeInSteps(decoder, tokenizer.encode("b", false).value()), "b") << "usable again";
}

TEST(StreamingDecoder, InvalidBytesBecomeReplacements) {
  Tokenizer tokenizer = smallTokenizer();
  StreamingDecoder decoder(tokenizer.vocabulary());
  std::vector<int32_t> ids = tokenizer.encode("a\x80\xE2\x96q\xFF", false).value();
  EXPECT_EQ(decodeInSteps(decoder, ids), "a\uFFFD\uFFFDq\uFFFD");
}

} // namespace
