// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Sessions on the host device: the same bits however the work is cut.

#include "tests/runtime/Exec/ExecTest.h"

#include <cmath>

namespace strata::test {
namespace {

/// Logits of all positions of a prompt, then of eight decoded tokens.
std::vector<Row> promptThenDecode(Session &session, const std::vector<int32_t> &prompt) {
  SequenceId sequence = expectValue(session.openSequence());
  std::vector<Row> rows = runPrompt(session, sequence, prompt, WantedRows::all);
  for (int32_t token = 0; token < 8; ++token)
    rows.push_back(decodeOne(session, sequence, token));
  session.closeSequence(sequence);
  return rows;
}

TEST(Session, LogitsAreFiniteAndDependOnTheTokens) {
  auto session = openSession();
  std::vector<int32_t> tokens = randomTokens(20, 1);
  std::vector<Row> rows = promptThenDecode(*session, tokens);
  ASSERT_EQ(rows.size(), 28u);
  for (const Row &row : rows) {
    ASSERT_EQ(row.size(), kVocabulary);
    for (float number : row)
      ASSERT_TRUE(std::isfinite(number));
  }
  tokens[0] = (tokens[0] + 1) % kVocabulary;
  std::vector<Row> other = promptThenDecode(*session, tokens);
  EXPECT_NE(rows.front(), other.front());
  EXPECT_NE(rows.back(), other.back()) << "the first token must be seen by the last one";
}

/// The forms have different sums, and prompts i8 activations where decoding has i16: with f32 they come close.
TEST(Session, PromptAndDecodeAgree) {
  SessionOptions options;
  options.activations = schema::ActivationEncoding::f32;
  options.kv = schema::KvEncoding::f32;
  auto session = openSession(options);
  EXPECT_TRUE(session->differsFromPlan());
  std::vector<int32_t> tokens = randomTokens(150, 2);
  SequenceId first = expectValue(session->openSequence()), second = expectValue(session->openSequence());
  std::vector<Row> prompt = runPrompt(*session, first, tokens, WantedRows::all);
  ASSERT_EQ(prompt.size(), tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    Row decoded = decodeOne(*session, second, tokens[i]);
    for (size_t j = 0; j < decoded.size(); ++j)
      ASSERT_NEAR(decoded[j], prompt[i][j], 1e-4) << "position " << i;
  }
}

TEST(Session, SameBitsForAnyChunking) {
  std::vector<int32_t> tokens = randomTokens(65, 3);
  std::vector<Row> whole = promptThenDecode(*openSession(), tokens);
  for (uint32_t chunk : {1u, 5u, 15u}) {
    SessionOptions options;
    options.chunkTokens = chunk;
    EXPECT_EQ(promptThenDecode(*openSession(options), tokens), whole) << "chunks of " << chunk;
  }
}

TEST(Session, SameBitsForAnyNumberOfThreads) {
  std::vector<int32_t> tokens = randomTokens(40, 4);
  SessionOptions options;
  options.threads = 1;
  std::vector<Row> one = promptThenDecode(*openSession(options), tokens);
  for (uint32_t threads : {2u, 3u, 5u}) {
    options.threads = threads;
    EXPECT_EQ(promptThenDecode(*openSession(options), tokens), one) << threads << " threads";
  }
}

/// 150 tokens take ceil(150 / 70) = 3 passes; a prompt that is given in two is the same prompt.
TEST(Session, SameBitsForAnyNumberOfPasses) {
  std::vector<int32_t> tokens = randomTokens(150, 5);
  auto session = openSession();
  SequenceId whole = expectValue(session->openSequence());
  std::vector<Row> rows = runPrompt(*session, whole, tokens, WantedRows::all);
  ASSERT_EQ(rows.size(), tokens.size());
  EXPECT_EQ(session->positions(whole), tokens.size());
  SequenceId parts = expectValue(session->openSequence());
  std::vector<int32_t> beginning(tokens.begin(), tokens.begin() + 77), rest(tokens.begin() + 77, tokens.end());
  EXPECT_EQ(runPrompt(*session, parts, beginning).front(), rows[76]);
  EXPECT_EQ(runPrompt(*session, parts, rest).front(), rows[149]);
}

TEST(Session, SameBitsAloneOrInCompany) {
  auto session = openSession();
  std::vector<std::vector<int32_t>> prompts = {randomTokens(30, 6), randomTokens(63, 7), randomTokens(100, 8)};
  std::vector<std::vector<Row>> alone;
  for (const auto &prompt : prompts)
    alone.push_back(promptThenDecode(*session, prompt));
  std::vector<SequenceId> sequences;
  for (const auto &prompt : prompts) {
    sequences.push_back(expectValue(session->openSequence()));
    runPrompt(*session, sequences.back(), prompt);
  }
  for (int32_t token = 0; token < 8; ++token) {
    // In another order each time.
    std::vector<DecodeRow> rows;
    for (size_t i = 0; i < 3; ++i)
      rows.push_back({sequences[(i + static_cast<size_t>(token)) % 3], token});
    expectDone(session->decode(rows));
    for (size_t i = 0; i < 3; ++i) {
      size_t which = (i + static_cast<size_t>(token)) % 3;
      std::span<const float> logits = session->logits(i);
      EXPECT_EQ(Row(logits.begin(), logits.end()), alone[which][prompts[which].size() + static_cast<size_t>(token)]);
    }
  }
}

/// Between any two units of a prompt another sequence decodes: neither notices.
TEST(Session, PromptIsSuspendedForDecodeSteps) {
  auto session = openSession();
  std::vector<int32_t> first = randomTokens(20, 9), second = randomTokens(90, 10);
  std::vector<Row> firstAlone = promptThenDecode(*session, first), secondAlone = promptThenDecode(*session, second);
  SequenceId decoding = expectValue(session->openSequence()), prompting = expectValue(session->openSequence());
  runPrompt(*session, decoding, first);
  std::vector<Row> rows;
  PromptStep prompt =
      expectValue(session->startPrompt(prompting, second, WantedRows::last, [&](uint32_t position, auto logits) {
        EXPECT_EQ(position, second.size() - 1);
        rows.emplace_back(logits.begin(), logits.end());
      }));
  uint64_t units = 0;
  for (bool done = false; !done; ++units) {
    EXPECT_EQ(prompt.unitsDone(), units);
    done = expectValue(prompt.advance());
    if (units < 8) {
      EXPECT_EQ(decodeOne(*session, decoding, static_cast<int32_t>(units)), firstAlone[first.size() + units]);
    }
  }
  EXPECT_EQ(units, prompt.units());
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0], secondAlone[second.size() - 1]);
  EXPECT_EQ(decodeOne(*session, prompting, 0), secondAlone[second.size()]);
}

/// Blocks are given out in the order of need, so that sequences' blocks lie between one another's.
TEST(Session, SequencesCrossBlockBoundaries) {
  auto session = openSession();
  std::vector<int32_t> tokens = randomTokens(kContext, 11);
  SequenceId alone = expectValue(session->openSequence());
  std::vector<Row> expected;
  for (int32_t token : tokens)
    expected.push_back(decodeOne(*session, alone, token));
  session->closeSequence(alone);
  SequenceId a = expectValue(session->openSequence()), b = expectValue(session->openSequence());
  std::vector<Row> ofA, ofB;
  for (int32_t token : tokens) {
    ofA.push_back(decodeOne(*session, a, token));
    ofB.push_back(decodeOne(*session, b, token));
  }
  EXPECT_EQ(ofA, expected);
  EXPECT_EQ(ofB, expected);
}

TEST(Session, KeptPrefixIsTheSamePrefix) {
  auto session = openSession();
  std::vector<int32_t> tokens = randomTokens(140, 12), other = randomTokens(140, 13);
  std::copy(tokens.begin(), tokens.begin() + 66, other.begin());
  std::vector<Row> expected = promptThenDecode(*session, other);
  SequenceId sequence = expectValue(session->openSequence());
  runPrompt(*session, sequence, tokens);
  expectDone(session->truncate(sequence, 66));
  EXPECT_EQ(session->positions(sequence), 66u);
  std::vector<Row> rows = runPrompt(*session, sequence, {other.begin() + 66, other.end()});
  EXPECT_EQ(rows.front(), expected[139]);
  EXPECT_EQ(decodeOne(*session, sequence, 0), expected[140]);
}

TEST(Session, CancelledPromptLeavesWholePasses) {
  auto session = openSession();
  std::vector<int32_t> tokens = randomTokens(150, 14);
  std::vector<Row> expected = promptThenDecode(*session, tokens);
  SequenceId sequence = expectValue(session->openSequence());
  {
    PromptStep prompt = expectValue(session->startPrompt(sequence, tokens, WantedRows::last, {}));
    while (session->positions(sequence) == 0)
      EXPECT_FALSE(expectValue(prompt.advance()));
    expectValue(prompt.advance());
  }
  EXPECT_EQ(session->positions(sequence), kPromptTokens);
  std::vector<int32_t> rest(tokens.begin() + kPromptTokens, tokens.end());
  EXPECT_EQ(runPrompt(*session, sequence, rest).front(), expected[149]);
}

/// Positions that nothing computed count like others, in every block and with either encoding of the cache.
TEST(Session, FilledPositionsDependOnTheSeedAlone) {
  for (schema::KvEncoding kv : {schema::KvEncoding::f16, schema::KvEncoding::f32}) {
    SessionOptions options;
    options.kv = kv;
    auto session = openSession(options);
    auto decodeAfter = [&](uint32_t positions, uint64_t seed) {
      SequenceId sequence = expectValue(session->openSequence());
      expectDone(session->fillPositions(sequence, positions, seed));
      EXPECT_EQ(session->positions(sequence), positions);
      Row row = decodeOne(*session, sequence, 1);
      EXPECT_EQ(session->positions(sequence), positions + 1);
      EXPECT_EQ(runPrompt(*session, sequence, {2, 3}).front().size(), kVocabulary);
      session->closeSequence(sequence);
      return row;
    };
    Row row = decodeAfter(100, 1);
    for (float number : row)
      ASSERT_TRUE(std::isfinite(number));
    decodeAfter(130, 2); // Leaves something else in the cache.
    EXPECT_EQ(decodeAfter(100, 1), row);
    EXPECT_NE(decodeAfter(100, 2), row);
    EXPECT_NE(decodeAfter(36, 1), row) << "positions of the second block must be seen";
    decodeAfter(0, 1);
  }
}

} // namespace
} // namespace strata::test
