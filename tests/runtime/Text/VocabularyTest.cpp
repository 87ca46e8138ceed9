// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tests/runtime/Text/SmallVocabulary.h"

#include <gmock/gmock.h>

using namespace strata;
using namespace strata::text;
using testing::HasSubstr;

namespace {

/// Expects creating to fail with G48 and a sentence with `part` in it.
void expectG48(const SmallVocabulary &vocabulary, std::string_view part) {
  Result<Vocabulary> result = vocabulary.create();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ExitCode::Input);
  EXPECT_EQ(result.error().id, "G48");
  EXPECT_THAT(result.error().message, HasSubstr(part));
}

TEST(Vocabulary, G48TokensUnlikeEmbeddingRows) {
  SmallVocabulary vocabulary;
  vocabulary.source.embeddingRows = vocabulary.tokens.size();
  EXPECT_TRUE(vocabulary.create());
  vocabulary.source.embeddingRows = vocabulary.tokens.size() + 1;
  expectG48(vocabulary, "token_embd.weight");
}

TEST(Vocabulary, G48TokenTypesUnlikeTokens) {
  SmallVocabulary vocabulary;
  vocabulary.source.types.pop_back();
  expectG48(vocabulary, "token_type has");
  vocabulary.source.types.clear();
  expectG48(vocabulary, "token_type has 0 entries");
}

TEST(Vocabulary, G48UnknownTokenType) {
  for (int64_t type : {int64_t(-1), int64_t(7), int64_t(1) << 40}) {
    SmallVocabulary vocabulary;
    vocabulary.source.types[3] = type;
    expectG48(vocabulary, "token 3");
  }
}

TEST(Vocabulary, G48MalformedMerges) {
  for (const char *merge : {"", " ", "ab", "a ", " b", "a b c", "a  b"}) {
    SmallVocabulary vocabulary;
    vocabulary.merges.push_back(merge);
    expectG48(vocabulary, "instead of two tokens");
  }
}

TEST(Vocabulary, G48MergesNamingUnknownTokens) {
  for (const char *merge : {"zz a", "a zz", "a z"}) {
    SmallVocabulary vocabulary;
    vocabulary.merges.push_back(merge);
    expectG48(vocabulary, "does not exist");
  }
}

TEST(Vocabulary, G48SpecialIdsPastTheEnd) {
  SmallVocabulary good;
  uint64_t end = good.tokens.size();
  for (uint64_t id : {end, uint64_t(1) << 32, UINT64_MAX}) {
    SmallVocabulary bos, eos, pad;
    bos.source.bos = id;
    expectG48(bos, "bos_token_id");
    eos.source.eos = id;
    expectG48(eos, "eos_token_id");
    pad.source.pad = id;
    expectG48(pad, "padding_token_id");
  }
}

TEST(Vocabulary, G48ByteTokensWithoutTwoHexDigits) {
  for (const char *name : {"<0x4>", "<0x041>", "<0xGG>", "<0x-1>", "<0x+1>", "0x41", "", "<0x41"}) {
    SmallVocabulary vocabulary;
    vocabulary.add(name, TokenType::Byte);
    expectG48(vocabulary, "byte token");
  }
}

TEST(Vocabulary, NamesInErrorsAreEscaped) {
  SmallVocabulary vocabulary;
  vocabulary.merges.push_back("\x1B[2J");
  expectG48(vocabulary, "\\x1b[2J");
}

TEST(Vocabulary, BytesOfEachType) {
  SmallVocabulary vocabulary;
  int32_t spelled = vocabulary.add("Ġé", TokenType::Normal); // é spells the byte 0xE9
  int32_t unspelled = vocabulary.add("日", TokenType::Normal);
  int32_t byte = vocabulary.add("<0xff>", TokenType::Byte);
  int32_t special = vocabulary.add("<Ġ>", TokenType::Control);
  int32_t unused = vocabulary.add("[PAD1]", TokenType::Unused);
  Vocabulary made = vocabulary.create().value();
  EXPECT_EQ(made.bytes(spelled), " \xE9");
  EXPECT_EQ(made.bytes(unspelled), "日");
  EXPECT_EQ(made.bytes(byte), "\xFF");
  EXPECT_EQ(made.bytes(special), "<Ġ>");
  EXPECT_EQ(made.bytes(unused), "");
  EXPECT_EQ(made.bytes(-1), "");
  EXPECT_EQ(made.bytes(unused + 1), "");
}

TEST(Vocabulary, LongestSpecialWins) {
  SmallVocabulary vocabulary;
  int32_t shortOne = vocabulary.add("<a>", TokenType::Control);
  int32_t longOne = vocabulary.add("<a>b>", TokenType::UserDefined);
  vocabulary.add("<b", TokenType::Normal);
  Vocabulary made = vocabulary.create().value();
  auto match = [&](std::string_view text) {
    std::optional<Vocabulary::Special> special = made.longestSpecial(text);
    return special ? std::pair(special->id, special->length) : std::pair(-1, size_t(0));
  };
  EXPECT_EQ(match("<a>x"), std::pair(shortOne, size_t(3)));
  EXPECT_EQ(match("<a>b"), std::pair(shortOne, size_t(3)));
  EXPECT_EQ(match("<a>b>"), std::pair(longOne, size_t(5)));
  EXPECT_EQ(match("<b"), std::pair(-1, size_t(0)));
  EXPECT_EQ(match("x<a>"), std::pair(-1, size_t(0)));
  EXPECT_EQ(match(""), std::pair(-1, size_t(0)));
  EXPECT_EQ(made.findSpecial("<a>b>"), longOne);
  EXPECT_EQ(made.findSpecial("<a>b"), std::nullopt);
  EXPECT_EQ(made.findSpecial("<b"), std::nullopt);
}

} // namespace
