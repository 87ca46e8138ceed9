// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Sessions whose experts come from the disk: the same bits as with all of them in memory, or an error with a code.

#include "runtime/Memory/Quarantine.h"
#include "tests/runtime/Exec/StreamingModel.h"

#include <gmock/gmock.h>

namespace strata::test {
namespace {

std::vector<Row> promptThenDecode(Session &session, size_t tokens = 20) {
  SequenceId sequence = expectValue(session.openSequence());
  std::vector<Row> rows = runPrompt(session, sequence, randomTokens(tokens, 1), WantedRows::all);
  for (int32_t token = 0; token < 8; ++token)
    rows.push_back(decodeOne(session, sequence, token));
  session.closeSequence(sequence);
  return rows;
}

const std::vector<Row> &expected() {
  static const std::vector<Row> rows = promptThenDecode(*openSession());
  return rows;
}

TEST(Streaming, SameBitsWhereverExpertsAre) {
  for (Placement placement : {Placement{4, 0, 0}, Placement{4, 4, 0}, Placement{3, 1, 1}, Placement{1, 0, 2},
                              Placement{1, 0, 1}, Placement{2, 0, 0}, Placement{0, 0, 2}, Placement{0, 0, 4}})
    for (uint32_t threads : {1u, 2u, 4u})
      for (bool waits : {false, true}) {
        SCOPED_TRACE(testing::Message() << placement.ram << " in RAM, " << placement.pinned << " pinned, "
                                        << placement.shared << " shared, " << threads << " threads");
        SessionOptions options;
        options.threads = threads;
        options.waitForAllExperts = waits;
        auto session = openStreaming(placement, options);
        EXPECT_EQ(promptThenDecode(*session), expected()) << "cold";
        EXPECT_EQ(promptThenDecode(*session), expected()) << "warm";
      }
}

TEST(Streaming, SameBitsInWhateverOrderExpertsCome) {
  auto session = openStreaming({0, 0, 2});
  simulated->faults.slow = 300;
  for (int again = 0; again < 10; ++again)
    EXPECT_EQ(promptThenDecode(*session), expected());
}

TEST(Streaming, SameBitsFromEveryBackEnd) {
  uint64_t opened = 0;
  for (ReadBackend backend :
       {ReadBackend::Automatic, ReadBackend::Uring, ReadBackend::PreadPool, ReadBackend::Buffered}) {
    for (uint32_t depth : {1u, 3u}) {
      SessionOptions options;
      options.readBackend = backend;
      options.readDepth = depth;
      options.checksums = expertChecksums();
      LoadedArtifact loaded =
          expectValue(LoadedArtifact::load(artifactFile(streamingArtifact({1, 0, 1})), "test.strata"));
      LocatedModel model = expectValue(locateModel(loaded, testModel().path()));
      auto session = Session::create(std::move(loaded), model, options);
      if (!session && backend == ReadBackend::Uring && session.error().id == "F12")
        continue;
      ASSERT_TRUE(session) << session.error().message;
      ++opened;
      EXPECT_THAT((*session)->readsDescription(), testing::HasSubstr("reads"));
      EXPECT_THAT((*session)->readsDescription(), testing::HasSubstr(std::to_string(depth)));
      EXPECT_EQ(promptThenDecode(**session), expected());
      EXPECT_EQ(promptThenDecode(**session), expected()) << "warm";
    }
  }
  EXPECT_GE(opened, 6u) << "io_uring alone may be refused";
}

TEST(Streaming, ThePlanSaysHowManyReadsAtOneTime) {
  schema::ArtifactT artifact = streamingArtifact({1, 0, 1});
  EXPECT_THAT(openSession(artifact, SessionOptions{})->readsDescription(), testing::HasSubstr("16"));
  artifact.machine->read_depth = 7;
  EXPECT_THAT(openSession(artifact, SessionOptions{})->readsDescription(), testing::HasSubstr("7"));
  SessionOptions options;
  options.readDepth = 5;
  EXPECT_THAT(openSession(artifact, options)->readsDescription(), testing::HasSubstr("5"));
}

TEST(Streaming, SameBitsInChunksAndSuspended) {
  SessionOptions options;
  options.chunkTokens = 7;
  auto session = openStreaming({1, 0, 3, 2}, options);
  EXPECT_EQ(promptThenDecode(*session), expected());

  SequenceId other = expectValue(session->openSequence()), sequence = expectValue(session->openSequence());
  runPrompt(*session, other, randomTokens(9, 2));
  std::vector<Row> rows, others, alone;
  PromptStep prompt = expectValue(
      session->startPrompt(sequence, randomTokens(20, 1), WantedRows::all,
                           [&](uint32_t, std::span<const float> row) { rows.emplace_back(row.begin(), row.end()); }));
  for (int32_t token = 0; !expectValue(prompt.advance()); token = (token + 1) % kVocabulary)
    if (others.size() < 40)
      others.push_back(decodeOne(*session, other, token));
  EXPECT_EQ(rows, std::vector<Row>(expected().begin(), expected().begin() + 20));

  auto resident = openSession();
  other = expectValue(resident->openSequence());
  runPrompt(*resident, other, randomTokens(9, 2));
  for (size_t i = 0; i < others.size(); ++i)
    alone.push_back(decodeOne(*resident, other, static_cast<int32_t>(i % kVocabulary)));
  EXPECT_EQ(others, alone);
}

TEST(Streaming, WithCompany) {
  auto session = openStreaming({1, 0, 3, kSequences}), resident = openSession();
  for (Session *each : {session.get(), resident.get()})
    for (uint32_t sequence = 0; sequence < kSequences; ++sequence)
      runPrompt(*each, expectValue(each->openSequence()), randomTokens(3 + sequence, sequence));
  for (int step = 0; step < 5; ++step) {
    std::vector<DecodeRow> rows;
    for (uint32_t sequence = 0; sequence < kSequences; ++sequence)
      rows.push_back({sequence, static_cast<int32_t>((step * 7 + sequence) % kVocabulary)});
    expectDone(session->decode(rows));
    expectDone(resident->decode(rows));
    for (size_t row = 0; row < rows.size(); ++row)
      EXPECT_TRUE(std::equal(session->logits(row).begin(), session->logits(row).end(), resident->logits(row).begin()));
  }
}

TEST(Streaming, APromptReadsEveryExpertOnce) {
  auto session = openStreaming({2, 0, 1});
  SequenceId sequence = expectValue(session->openSequence());
  runPrompt(*session, sequence, randomTokens(70, 5));
  PhaseStatistics first = session->statistics(schema::Phase::prompt);
  EXPECT_EQ(first.tokens, 70u);
  EXPECT_EQ(first.experts.misses, kExperts);
  EXPECT_EQ(first.experts.hits, 0u);
  EXPECT_GT(first.experts.bytesRead, 0u);
  session->closeSequence(sequence);
  sequence = expectValue(session->openSequence());
  runPrompt(*session, sequence, randomTokens(70, 6));
  PhaseStatistics second = session->statistics(schema::Phase::prompt);
  EXPECT_EQ(second.experts.hits, 2u) << "the first two have stayed in the cache";
  EXPECT_EQ(second.experts.misses - first.experts.misses, 2u);
  decodeOne(*session, sequence, 1);
  PhaseStatistics decode = session->statistics(schema::Phase::decode);
  EXPECT_EQ(decode.tokens, 1u);
  EXPECT_EQ(decode.experts.hits + decode.experts.misses, 2u);
}

TEST(Streaming, ALongPromptIsReadBeforeItsLayersRun) {
  constexpr uint32_t kSlabs = 3; // Of an expert.
  for (auto [tokens, expected] : {std::pair(20u, 2 * kSlabs), std::pair(3u, 0u)}) {
    auto session = openStreaming({1, 0, 1});
    uint64_t loading = simulated->submitted; // What is always needed.
    EXPECT_GT(loading, 0u);
    SequenceId sequence = expectValue(session->openSequence());
    PromptStep prompt = expectValue(session->startPrompt(sequence, randomTokens(tokens, 1), WantedRows::last, nullptr));
    EXPECT_EQ(prompt.progress().layer, 0u);
    EXPECT_EQ(prompt.progress().share, 0);
    EXPECT_FALSE(expectValue(prompt.advance()));
    EXPECT_EQ(simulated->submitted - loading, expected) << "in both buffers, if nearly all experts will be used";
    double before = prompt.progress().share;
    EXPECT_GT(before, 0);
    while (!expectValue(prompt.advance())) {
      EXPECT_GT(prompt.progress().share, before);
      before = prompt.progress().share;
    }
    EXPECT_EQ(prompt.progress().layer + 1, prompt.progress().layers);
    EXPECT_EQ(prompt.progress().share, 1);
    PhaseStatistics counted = session->statistics(schema::Phase::prompt);
    EXPECT_EQ(counted.experts.hits, 0u) << "what was read ahead was not there before";
    EXPECT_GT(counted.taken.count(), 0);
    EXPECT_GT(counted.weightBytes, 0u);
    session->closeSequence(sequence);
  }
}

/// Every answer is right to the bit or ends with a coded error; when the disk is well again, so are answers.
TEST(Streaming, TenThousandSeeds) {
  std::unique_ptr<Session> session = openStreaming({0, 0, 2});
  auto resident = openSession();
  auto answer = [](Session &of) -> Result<Row> {
    STRATA_ASSIGN(SequenceId sequence, of.openSequence());
    Row row;
    auto run = [&]() -> Result<void> {
      std::vector<int32_t> tokens = randomTokens(30, 3); // Enough to use all experts.
      STRATA_ASSIGN(PromptStep prompt, of.startPrompt(sequence, tokens, WantedRows::last, nullptr));
      for (bool done = false; !done;) {
        STRATA_ASSIGN(done, prompt.advance());
      }
      DecodeRow next = {sequence, 5};
      STRATA_TRY(of.decode({&next, 1}));
      row.assign(of.logits(0).begin(), of.logits(0).end());
      return {};
    };
    Result<void> done = run();
    of.closeSequence(sequence);
    if (!done)
      return tl::unexpected<Error>(done.error());
    return row;
  };
  Row right = expectValue(answer(*resident));
  uint64_t errors = 0, good = 0;
  for (uint64_t seed = 0; seed < 10'000; ++seed) {
    std::mt19937_64 random(seed);
    simulated->faults = {uint32_t(random() % 200), uint32_t(random() % 200), uint32_t(random() % 100),
                         uint32_t(random() % 100), uint32_t(random() % 20),  uint32_t(random() % 4)};
    Result<Row> made = answer(*session);
    if (made) {
      ASSERT_EQ(*made, right) << "seed " << seed;
      ++good;
    } else {
      ASSERT_FALSE(made.error().id.empty()) << made.error().message;
      ASSERT_NE(made.error().code, ExitCode::Bug) << made.error().message;
      ++errors;
    }
    simulated->faults = {};
    simulated->returnLost();
    simulated->passTime(Quarantine::kTime);
    if (!made) {
      ASSERT_EQ(expectValue(answer(*session)), right) << "seed " << seed;
    }
  }
  EXPECT_GT(good, 5'000u);
  EXPECT_GT(errors, 50u) << "the faults were too few to test anything";
}

TEST(Streaming, F05_DamageEndsAnAnswerAndNotTheNext) {
  auto session = openStreaming({0, 0, 2});
  auto good = simulated->contents;
  const schema::Artifact &root = session->artifact().root();
  for (const schema::Tensor *tensor : *root.tensors())
    if (tensor->tier() == schema::Tier::disk)
      simulated->contents[0][tensor->offset() + 5] ^= std::byte{1}; // Expert 0.
  SequenceId sequence = expectValue(session->openSequence());
  std::vector<int32_t> tokens = randomTokens(30, 1);
  PromptStep prompt = expectValue(session->startPrompt(sequence, tokens, WantedRows::last, nullptr));
  Result<bool> done = false;
  while (done && !*done)
    done = prompt.advance();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().id, "F05");
  EXPECT_EQ(done.error().code, ExitCode::Input);
  EXPECT_THAT(done.error().message, testing::HasSubstr("two-layers.gguf, byte "));
  EXPECT_THAT(done.error().message, testing::HasSubstr("_exps.weight\", expert 0: "));
  EXPECT_EQ(session->positions(sequence), 0u) << "nothing of the prompt is part of the sequence";
  session->closeSequence(sequence);
  simulated->contents = good;
  simulated->passTime(Quarantine::kTime);
  EXPECT_EQ(promptThenDecode(*session), expected());
}

TEST(Streaming, F16_NoRoomForAnExpert) {
  LoadedArtifact loaded = expectValue(LoadedArtifact::load(artifactFile(streamingArtifact({0, 0, 0})), "test.strata"));
  LocatedModel model = expectValue(locateModel(loaded, testModel().path()));
  auto session = Session::create(std::move(loaded), model, SessionOptions{});
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().id, "F16");
}

} // namespace
} // namespace strata::test
