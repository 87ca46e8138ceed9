// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The expert store on simulated reads: whatever the disk does, an expert's bytes are right or there is a coded error.

#include "tests/runtime/Memory/ExpertStoreBench.h"

#include "tests/runtime/Text/AllocationCount.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

namespace strata::test {
namespace {

using testing::HasSubstr;

/// Steps of three experts at random; how many wrong bytes were seen, which is never one, and errors without a code.
struct Outcome {
  uint64_t wrong = 0, right = 0, errors = 0, uncoded = 0;
};

Outcome runSteps(ExpertStoreBench &bench, uint64_t seed, int steps) {
  std::mt19937_64 random(seed);
  Outcome outcome;
  auto count = [&](const Error &error) {
    ++outcome.errors;
    outcome.uncoded += error.id.empty() || error.code == ExitCode::Bug;
  };
  for (int step = 0; step < steps; ++step) {
    uint32_t layer = 1 + random() % kLayers;
    std::array<uint32_t, 3> experts;
    for (uint32_t &expert : experts)
      expert = random() % kExperts;
    std::array<ExpertStore::Handle, 3> handles;
    if (auto wanted = bench.store->want(layer, experts, handles); !wanted) {
      count(wanted.error());
      continue;
    }
    for (size_t i = 0; i < experts.size(); ++i) {
      auto waited = bench.store->wait(handles[i]);
      if (!waited)
        count(waited.error());
      else
        ++(bench.isRight(handles[i], layer, experts[i]) ? outcome.right : outcome.wrong);
    }
    for (ExpertStore::Handle handle : handles)
      bench.store->release(handle);
  }
  return outcome;
}

TEST(ExpertStore, TenThousandSeeds) {
  Outcome all;
  for (uint64_t seed = 0; seed < 10'000; ++seed) {
    std::mt19937_64 random(seed);
    SimulatedFaults faults = randomFaults(random);
    ExpertStoreBench bench(faults, seed);
    Outcome outcome = runSteps(bench, seed, 5);
    // Once the disk is well again, so is everything.
    bench.heal();
    ASSERT_FALSE(bench.use(1, seed % kExperts)) << "seed " << seed;
    ASSERT_EQ(outcome.wrong, 0u) << "seed " << seed;
    ASSERT_EQ(outcome.uncoded, 0u) << "seed " << seed;
    all.right += outcome.right;
    all.errors += outcome.errors;
  }
  EXPECT_GT(all.right, 100'000u);
  EXPECT_GT(all.errors, 100u) << "the faults were too few to test anything";
}

TEST(ExpertStore, F01_OnceIsRepaired) {
  ExpertStoreBench bench({.errors = 150});
  Outcome outcome = runSteps(bench, 3, 100);
  EXPECT_EQ(outcome.wrong, 0u);
  EXPECT_GT(bench.store->statistics().retries, 20u);
  EXPECT_GT(outcome.right, 290u);
}

TEST(ExpertStore, F02_AlwaysOnARange) {
  ExpertStoreBench bench;
  bench.reads.badRanges = {{BadRange::Kind::Error, 0, 100 + 2 * kSlabBytes[0] + 4200, 1}};
  auto error = bench.use(1, 2);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ExitCode::Machine);
  EXPECT_EQ(error->id, "F02");
  EXPECT_THAT(error->message, HasSubstr("a.gguf, byte 8192: tensor \"blk.1.ffn_0_exps.weight\", expert 2: "));
  EXPECT_FALSE(bench.use(1, 0)) << "others go on";
  EXPECT_FALSE(bench.use(2, 2));
  bench.reads.badRanges.clear();
  bench.reads.passTime(Quarantine::kTime);
  EXPECT_FALSE(bench.use(1, 2)) << "and the next answer is right";
}

TEST(ExpertStore, F02_QuarantineFailsAtOnce) {
  ExpertStoreBench bench;
  EXPECT_FALSE(bench.use(1, 6));
  bench.reads.badRanges = {{BadRange::Kind::Error, 0, 100 + 2 * kSlabBytes[0] + 4200, 1}};
  std::optional<Error> first = bench.use(1, 2);
  ASSERT_TRUE(first);
  uint64_t submitted = bench.reads.submitted, evictions = bench.store->statistics().evictions;
  bench.reads.passTime(std::chrono::milliseconds(2500));
  for (int again = 0; again < 3; ++again) {
    std::optional<Error> error = bench.use(1, 2);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->id, "F02");
    EXPECT_EQ(error->code, ExitCode::Machine);
    EXPECT_EQ(error->message, first->message + " (tried 2.5 s ago, and tried again 10 s after that)");
  }
  EXPECT_EQ(bench.reads.submitted, submitted) << "nothing is read";
  EXPECT_EQ(bench.store->statistics().evictions, evictions) << "and nothing makes room";
  EXPECT_EQ(bench.store->statistics().quarantined, 1u);
  EXPECT_EQ(bench.store->statistics().refused, 3u);

  // With others, in one want; what needs only those is right.
  std::array<uint32_t, 3> experts = {2, 6, 2};
  std::array<ExpertStore::Handle, 3> handles;
  ASSERT_TRUE(bench.store->want(1, experts, handles));
  EXPECT_FALSE(bench.store->isReady(handles[0]) || bench.store->isReading(handles[0]));
  EXPECT_TRUE(bench.store->slab(handles[0], ExpertMatrix::Gate).empty());
  bench.store->waitForAny(handles);
  EXPECT_EQ(bench.store->wait(handles[2]).error().id, "F02");
  EXPECT_TRUE(bench.store->wait(handles[1]));
  EXPECT_TRUE(bench.isRight(handles[1], 1, 6));
  for (ExpertStore::Handle handle : handles)
    bench.store->release(handle);
  EXPECT_FALSE(bench.store->expects({1, 2}));
  EXPECT_FALSE(bench.use(1, 0) || bench.use(2, 2)) << "others go on, also of the same number";
}

TEST(ExpertStore, F02_QuarantineEnds) {
  ExpertStoreBench bench;
  bench.reads.badRanges = {{BadRange::Kind::Error, 0, 100 + 2 * kSlabBytes[0] + 4200, 1}};
  ASSERT_TRUE(bench.use(1, 2));
  auto tried = bench.reads.now();
  bench.reads.passTime(Quarantine::kTime - std::chrono::nanoseconds(1));
  uint64_t submitted = bench.reads.submitted;
  ASSERT_TRUE(bench.use(1, 2));
  EXPECT_EQ(bench.reads.submitted, submitted);
  bench.reads.passTime(std::chrono::nanoseconds(1));
  std::optional<Error> again = bench.use(1, 2);
  ASSERT_TRUE(again) << "the disk is still bad";
  EXPECT_GT(bench.reads.submitted, submitted) << "but it was asked";
  EXPECT_GE(bench.reads.now() - tried, Quarantine::kTime);
  EXPECT_EQ(bench.store->statistics().quarantined, 2u);
  submitted = bench.reads.submitted;
  ASSERT_TRUE(bench.use(1, 2)) << "and is not asked for the time that follows";
  EXPECT_EQ(bench.reads.submitted, submitted);
  bench.reads.badRanges.clear();
  bench.reads.passTime(Quarantine::kTime);
  EXPECT_FALSE(bench.use(1, 2));
  EXPECT_TRUE(bench.store->holds({1, 2}));
}

TEST(ExpertStore, F09_IsNotQuarantined) {
  ExpertStoreBench bench({.never = 1000}, 1, 3);
  ASSERT_TRUE(bench.use(1, 0));
  EXPECT_EQ(bench.store->statistics().quarantined, 0u);
}

TEST(ExpertStore, F02_ThroughTheCache) {
  ExpertStoreBench bench;
  bench.reads.badRanges = {{BadRange::Kind::ErrorUnlessThroughCache, 0, 100, 1}};
  EXPECT_FALSE(bench.use(1, 0));
  EXPECT_EQ(bench.store->statistics().retries, 3u);
}

TEST(ExpertStore, F03_F04_ShortAndInterrupted) {
  ExpertStoreBench bench({.shortReads = 500, .interruptions = 300});
  Outcome outcome = runSteps(bench, 5, 200);
  EXPECT_EQ(outcome.right, 600u);
  EXPECT_GT(bench.store->statistics().retries, 100u);
}

TEST(ExpertStore, F05_AThousandCorruptions) {
  ExpertStoreBench bench({.corruptions = 300});
  Outcome all;
  for (uint64_t seed = 0; bench.reads.corrupted < 1000; ++seed) {
    bench.reads.passTime(Quarantine::kTime);
    Outcome outcome = runSteps(bench, seed, 10);
    all.wrong += outcome.wrong;
    all.right += outcome.right;
    all.uncoded += outcome.uncoded;
  }
  EXPECT_EQ(all.wrong, 0u);
  EXPECT_EQ(all.uncoded, 0u);
  EXPECT_GT(all.right, 100u);
  // Those that fell into the pages around a slab harm nobody.
  EXPECT_GT(bench.store->statistics().damagedReads, 500u);
}

TEST(ExpertStore, F05_DamagedOnTheDisk) {
  ExpertStoreBench bench;
  uint64_t offset = 100 + 3 * kSlabBytes[0];
  bench.reads.badRanges = {{BadRange::Kind::Corrupt, 1, offset, 1}};
  for (int again = 0; again < 2; ++again) {
    bench.reads.passTime(Quarantine::kTime);
    auto error = bench.use(2, 3);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, ExitCode::Input);
    EXPECT_EQ(error->id, "F05");
    EXPECT_THAT(error->message, HasSubstr("b.gguf, byte " + std::to_string(offset) +
                                          ": tensor \"blk.2.ffn_0_exps.weight\", expert 3: its data is damaged"));
  }
  EXPECT_EQ(bench.store->statistics().damagedReads, 4u);
  EXPECT_FALSE(bench.store->holds({2, 3}));
}

TEST(ExpertStore, F06_F07_TruncatedAndOverwritten) {
  ExpertStoreBench bench;
  bench.reads.contents[0].resize(20'000);
  auto error = bench.use(1, 7);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->id, "F06");
  EXPECT_EQ(error->code, ExitCode::Input);
  bench.reads.contents = fileContents();
  bench.reads.contents[0][100 + 7 * kSlabBytes[0] + 17] ^= std::byte{4};
  error = bench.use(1, 7);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->id, "F05");
  bench.reads.contents = fileContents();
  bench.reads.passTime(Quarantine::kTime);
  EXPECT_FALSE(bench.use(1, 7));
}

TEST(ExpertStore, F09_NeverReturns) {
  ExpertStoreBench bench({.never = 1000}, 1, 3);
  auto begun = bench.reads.now();
  auto error = bench.use(1, 0);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->id, "F09");
  EXPECT_EQ(error->code, ExitCode::Machine);
  EXPECT_THAT(error->message, HasSubstr("30.0 s"));
  EXPECT_EQ((bench.reads.now() - begun) / std::chrono::seconds(1), 30);
  bench.reads.faults = {};
  EXPECT_FALSE(bench.use(1, 0)) << "in another buffer";
  for (uint32_t expert = 0; expert < kExperts; ++expert)
    EXPECT_FALSE(bench.use(2, expert)) << "the lost buffer is not used";
  bench.reads.returnLost();
  for (uint32_t expert = 0; expert < kExperts; ++expert)
    EXPECT_FALSE(bench.use(1, expert));
}

TEST(ExpertStore, F10_SlowIsNoError) {
  ExpertStoreBench bench({.slow = 1000});
  EXPECT_EQ(runSteps(bench, 1, 50).errors, 0u);
  EXPECT_EQ(bench.store->statistics().timeouts, 0u);
}

TEST(ExpertStore, HitsAreReadyWhileMissesAreRead) {
  ExpertStoreBench bench;
  EXPECT_FALSE(bench.use(1, 4));
  std::array<uint32_t, 3> experts = {1, 4, 6};
  std::array<ExpertStore::Handle, 3> handles;
  uint64_t before = bench.reads.submitted;
  ASSERT_TRUE(bench.store->want(1, experts, handles));
  EXPECT_EQ(bench.reads.submitted - before, 6u) << "the misses are all submitted at once";
  EXPECT_TRUE(bench.store->isReady(handles[1]));
  EXPECT_TRUE(bench.isRight(handles[1], 1, 4));
  EXPECT_FALSE(bench.store->isReady(handles[0]));
  EXPECT_TRUE(bench.store->slab(handles[0], ExpertMatrix::Up).empty()) << "nobody sees bytes that are not checked";
  ASSERT_TRUE(bench.store->wait(handles[0]));
  ASSERT_TRUE(bench.store->wait(handles[2]));
  EXPECT_TRUE(bench.isRight(handles[0], 1, 1) && bench.isRight(handles[2], 1, 6));
}

TEST(ExpertStore, ConcurrentWantsReadOnce) {
  ExpertStoreBench bench;
  std::array<uint32_t, 2> twice = {5, 5};
  std::array<ExpertStore::Handle, 2> first, second;
  ASSERT_TRUE(bench.store->want(2, twice, first));
  ASSERT_TRUE(bench.store->want(2, twice, second));
  EXPECT_EQ(bench.reads.submitted, 3u);
  ASSERT_TRUE(bench.store->wait(second[1]));
  EXPECT_TRUE(bench.isRight(first[0], 2, 5));
}

TEST(ExpertStore, InUseIsNeverEvicted) {
  ExpertStoreBench bench({}, 1, 3);
  std::array<uint32_t, 3> held = {0, 1, 2};
  std::array<ExpertStore::Handle, 3> handles;
  ASSERT_TRUE(bench.store->want(1, held, handles));
  for (ExpertStore::Handle handle : handles)
    ASSERT_TRUE(bench.store->wait(handle));
  auto error = bench.use(2, 0);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ExitCode::Machine);
  for (size_t i = 0; i < held.size(); ++i)
    EXPECT_TRUE(bench.isRight(handles[i], 1, held[i]));
  bench.store->release(handles[1]);
  EXPECT_FALSE(bench.use(2, 0));
  EXPECT_TRUE(bench.isRight(handles[0], 1, 0) && bench.isRight(handles[2], 1, 2));
  EXPECT_FALSE(bench.store->holds({1, 1}));
}

TEST(ExpertStore, PinnedStayAndTheLeastRecentGoes) {
  ExpertStoreBench bench({}, 1, 3, {{1, 0, {0}, {}}, {2, 0, {7}, {}}});
  ASSERT_TRUE(bench.store->load({}));
  for (uint32_t expert : {1u, 2u, 3u, 1u, 4u}) // 2 is now the least recently used of three.
    EXPECT_FALSE(bench.use(1, expert));
  EXPECT_FALSE(bench.store->holds({1, 2}));
  EXPECT_TRUE(bench.store->holds({1, 1}));
  EXPECT_EQ(bench.store->statistics().hits, 1u);
  runSteps(bench, 1, 100);
  EXPECT_TRUE(bench.store->holds({1, 0}));
  EXPECT_TRUE(bench.store->holds({2, 7}));
}

TEST(ExpertStore, F16_BuffersAreWhatIsPlanned) {
  ExpertStoreBench bench({}, 1, 2, {{1, 2, {5}, {}}});
  EXPECT_EQ(bench.store->slots(), 5u);
  EXPECT_EQ(bench.store->bufferBytes(), 5 * kSlotBytes);
  ExpertStoreOptions options;
  options.layers = {{1, 2, {}, {}}};
  auto refused = ExpertStore::create(catalogue(), bench.reads, std::make_unique<LruPolicy>(), options);
  ASSERT_FALSE(refused) << "no expert of layer 2 would ever have a buffer";
  EXPECT_EQ(refused.error().id, "F16");
  EXPECT_EQ(refused.error().code, ExitCode::Machine);
}

TEST(ExpertStore, LayersKeepTheirOwn) {
  ExpertStoreBench bench({}, 1, 1, {{1, 2, {}, {}}, {2, 3, {}, {}}});
  for (uint32_t expert = 0; expert < kExperts; ++expert)
    EXPECT_FALSE(bench.use(2, expert));
  EXPECT_FALSE(bench.use(1, 0) || bench.use(1, 1));
  for (uint32_t expert = 0; expert < kExperts; ++expert)
    EXPECT_FALSE(bench.use(2, expert));
  EXPECT_TRUE(bench.store->holds({1, 0}) && bench.store->holds({1, 1})) << "layer 2 has not driven them out";
  EXPECT_TRUE(bench.store->holds({2, 7}) && bench.store->holds({2, 6}) && bench.store->holds({2, 5}));
}

TEST(ExpertStore, TimeAndBytesOfTheDisk) {
  ExpertStoreBench bench;
  EXPECT_FALSE(bench.use(1, 0));
  const ExpertStoreStatistics &counts = bench.store->statistics();
  EXPECT_GT(counts.waiting.count(), 0);
  EXPECT_EQ(counts.reading, counts.waiting) << "there was nothing to compute";
  EXPECT_EQ(counts.bytesWhileWaiting, counts.bytesRead);
  auto reading = counts.reading;
  EXPECT_FALSE(bench.use(1, 0));
  EXPECT_EQ(counts.reading, reading) << "a hit reads nothing";
}

TEST(ExpertStore, NoRoomIsSaidNotFailed) {
  ExpertStoreBench bench({}, 1, 2);
  auto first = bench.store->tryWant(1, 0, ExpertUse::Decode), second = bench.store->tryWant(2, 0, ExpertUse::Prompt);
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(bench.store->tryWant(1, 1, ExpertUse::Decode));
  EXPECT_TRUE(bench.store->expects({1, 0}) && !bench.store->expects({1, 1}));
  std::array<ExpertStore::Handle, 2> both = {*first, *second};
  bench.store->waitForAny(both);
  EXPECT_TRUE(bench.store->isReady(*first) || bench.store->isReady(*second));
  ASSERT_TRUE(bench.store->wait(*first));
  bench.store->release(*first);
  EXPECT_TRUE(bench.store->tryWant(1, 1, ExpertUse::Decode));
}

TEST(ExpertStore, StepsAllocateNothing) {
  ExpertStoreBench bench({.shortReads = 100, .interruptions = 100});
  uint64_t before = text::allocationCount();
  runSteps(bench, 2, 100);
  EXPECT_EQ(text::allocationCount(), before);
}

} // namespace
} // namespace strata::test
