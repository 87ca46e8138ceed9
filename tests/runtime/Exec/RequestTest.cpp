// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a session refuses.

#include "tests/runtime/Exec/ExecTest.h"

#include <gmock/gmock.h>

namespace strata::test {
namespace {

using testing::HasSubstr;

class Request : public testing::Test {
protected:
  template <typename T> static void expectRefusal(const Result<T> &result, ExitCode code, const std::string &text) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code);
    EXPECT_THAT(result.error().message, HasSubstr(text));
  }
  Result<PromptStep> start(const std::vector<int32_t> &tokens) {
    return session->startPrompt(sequence, tokens, WantedRows::last, {});
  }
  Result<void> decode(std::vector<DecodeRow> rows) { return session->decode(rows); }

  std::unique_ptr<Session> session = openSession();
  SequenceId sequence = expectValue(session->openSequence());
};

TEST_F(Request, PromptWithoutTokens) {
  expectRefusal(start({}), ExitCode::Input, "the prompt has no tokens");
}

TEST_F(Request, PromptLongerThanTheContext) {
  expectRefusal(start(randomTokens(201, 1)), ExitCode::Input,
                "the prompt of 201 tokens is longer than the context: 200 of 200 positions are left");
  runPrompt(*session, sequence, randomTokens(60, 1));
  expectRefusal(start(randomTokens(141, 1)), ExitCode::Input, "140 of 200 positions are left");
  runPrompt(*session, sequence, randomTokens(140, 1));
  EXPECT_EQ(session->positions(sequence), 200u);
}

TEST_F(Request, FullContext) {
  runPrompt(*session, sequence, randomTokens(200, 2));
  expectRefusal(decode({{sequence, 1}}), ExitCode::Input, "the context of 200 positions is full");
}

TEST_F(Request, FilledWithMoreThanTheContext) {
  expectRefusal(session->fillPositions(sequence, 201, 1), ExitCode::Input,
                "201 positions do not fit the context of 200");
  EXPECT_EQ(session->positions(sequence), 0u);
  expectDone(session->fillPositions(sequence, 200, 1));
  expectRefusal(decode({{sequence, 1}}), ExitCode::Input, "the context of 200 positions is full");
  expectRefusal(session->fillPositions(sequence, 10, 1), ExitCode::Bug, "is filled but not empty");
}

TEST_F(Request, TokenOutsideTheVocabulary) {
  for (int32_t token : {-1, int32_t(kVocabulary), std::numeric_limits<int32_t>::max()}) {
    expectRefusal(start({1, token}), ExitCode::Input, "is not in the vocabulary of 40");
    expectRefusal(decode({{sequence, token}}), ExitCode::Input, "is not in the vocabulary of 40");
  }
  EXPECT_EQ(session->positions(sequence), 0u);
}

TEST_F(Request, MoreSequencesThanCompiledFor) {
  expectValue(session->openSequence());
  SequenceId third = expectValue(session->openSequence());
  expectRefusal(session->openSequence(), ExitCode::Input, "all 3 sequences are in use");
  session->closeSequence(third);
  EXPECT_EQ(expectValue(session->openSequence()), third);
  EXPECT_EQ(session->positions(third), 0u);
}

TEST_F(Request, ChunksLargerThanTheArena) {
  LoadedArtifact loaded = expectValue(LoadedArtifact::load(artifactFile(testModel().artifact()), "a.strata"));
  LocatedModel model = expectValue(locateModel(loaded, testModel().path()));
  SessionOptions options;
  options.chunkTokens = 17;
  expectRefusal(Session::create(std::move(loaded), model, options), ExitCode::CommandLine, "at most 16");
}

/// Far beyond any machine: refused before anything is allocated.
TEST_F(Request, F16_MoreMemoryThanThereIs) {
  schema::ArtifactT artifact = testModel().artifact();
  artifact.arenas[2]->bytes[1] = uint64_t(1) << 60;
  artifact.prediction->ram_bytes = uint64_t(1) << 61;
  LoadedArtifact loaded = expectValue(LoadedArtifact::load(artifactFile(artifact), "a.strata"));
  LocatedModel model = expectValue(locateModel(loaded, testModel().path()));
  auto made = Session::create(std::move(loaded), model, {});
  expectRefusal(made, ExitCode::Machine, "bytes of memory");
  EXPECT_EQ(made.error().id, "F16");
}

TEST_F(Request, G35_ShortModel) {
  TestModel other;
  LoadedArtifact loaded = expectValue(LoadedArtifact::load(artifactFile(other.artifact()), "a.strata"));
  std::string cut = other.folder().write("cut.gguf", testModelFile().substr(0, testModelFile().size() - 64));
  LocatedModel model = expectValue(locateModel(loaded, cut));
  auto made = Session::create(std::move(loaded), model, {});
  expectRefusal(made, ExitCode::Input, "cut.gguf");
  EXPECT_EQ(made.error().id, "G35");
}

TEST_F(Request, A11_OtherTensors) {
  schema::ArtifactT artifact = testModel().artifact();
  artifact.tensors[2]->offset -= 32;
  LoadedArtifact loaded = expectValue(LoadedArtifact::load(artifactFile(artifact), "a.strata"));
  LocatedModel model = expectValue(locateModel(loaded, testModel().path()));
  auto made = Session::create(std::move(loaded), model, {});
  expectRefusal(made, ExitCode::Input, "the artifact says");
  EXPECT_EQ(made.error().id, "A11");
}

/// Mistakes of ours end as such, and not in a crash.
TEST_F(Request, Misuse) {
  expectRefusal(decode({}), ExitCode::Bug, "has 1 to 3 rows and not 0");
  expectRefusal(decode({{sequence, 1}, {sequence, 1}}), ExitCode::Bug, "is twice in a decode step");
  expectRefusal(decode({{2, 1}}), ExitCode::Bug, "sequence 2 is not open");
  expectRefusal(decode({{77, 1}}), ExitCode::Bug, "sequence 77 is not open");
  expectRefusal(session->truncate(sequence, 1), ExitCode::Bug, "has fewer than 1 positions");
  expectRefusal(session->truncate(2, 0), ExitCode::Bug, "is not open");
  expectRefusal(session->startPrompt(2, randomTokens(2, 3), WantedRows::last, {}), ExitCode::Bug, "is not open");
  EXPECT_EQ(session->positions(99), 0u);
  session->closeSequence(99);
  PromptStep prompt = expectValue(start(randomTokens(5, 3)));
  expectRefusal(start(randomTokens(5, 3)), ExitCode::Bug, "another prompt runs");
  expectRefusal(decode({{sequence, 1}}), ExitCode::Bug, "is decoded while its prompt runs");
  expectRefusal(session->truncate(sequence, 0), ExitCode::Bug, "is cut while its prompt runs");
  session->closeSequence(sequence);
  expectRefusal(prompt.advance(), ExitCode::Bug, "a prompt that is over cannot go on");
}

TEST_F(Request, WhatASessionSaysOfItself) {
  EXPECT_EQ(session->vocabulary(), kVocabulary);
  EXPECT_EQ(session->context(), kContext);
  EXPECT_EQ(session->sequences(), kSequences);
  EXPECT_GE(session->threads(), 1u);
  EXPECT_FALSE(session->differsFromPlan());
  EXPECT_EQ(session->activations(schema::Phase::decode), schema::ActivationEncoding::i16);
  EXPECT_EQ(session->activations(schema::Phase::prompt), schema::ActivationEncoding::i8);
  EXPECT_EQ(session->kv(), schema::KvEncoding::f16);
}

} // namespace
} // namespace strata::test
