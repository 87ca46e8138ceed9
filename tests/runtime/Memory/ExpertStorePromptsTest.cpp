// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The expert store in prompts: experts that come by once, are read ahead, and are lent other layers' buffers.

#include "tests/runtime/Memory/ExpertStoreBench.h"

namespace strata::test {
namespace {

TEST(ExpertStorePrompts, PromptsDriveNothingOut) {
  ExpertStoreBench bench({}, 1, 2, {{1, 3, {}, {}}});
  auto pass = [&](uint32_t expert) {
    auto handle = bench.store->tryWant(1, expert, ExpertUse::Prompt);
    ASSERT_TRUE(handle);
    ASSERT_TRUE(bench.store->wait(*handle));
    EXPECT_TRUE(bench.isRight(*handle, 1, expert));
    bench.store->release(*handle);
  };
  for (uint32_t expert : {4u, 5u}) // One place of the cache stays free.
    EXPECT_FALSE(bench.use(1, expert));
  for (uint32_t expert = 0; expert < kExperts; ++expert)
    pass(expert);
  EXPECT_TRUE(bench.store->holds({1, 4}) && bench.store->holds({1, 5}) && bench.store->holds({1, 0}));
  EXPECT_EQ(bench.store->statistics().hits, 2u);
  EXPECT_EQ(bench.store->statistics().misses, 8u);
}

TEST(ExpertStorePrompts, ReadAheadTakesFreeBuffersOnly) {
  ExpertStoreBench bench({}, 1, 2, {{1, 1, {}, {}}});
  EXPECT_FALSE(bench.use(2, 7)) << "in a shared buffer";
  EXPECT_TRUE(bench.store->readAhead(1, 0)) << "in the layer's own";
  EXPECT_TRUE(bench.store->readAhead(1, 1)) << "in the other shared one";
  EXPECT_FALSE(bench.store->readAhead(1, 2)) << "nothing is driven out";
  EXPECT_TRUE(bench.store->readAhead(1, 1)) << "it is here";
  EXPECT_TRUE(bench.store->holds({2, 7}));
  EXPECT_EQ(bench.store->statistics().misses, 1u) << "nobody has asked for them";
  EXPECT_FALSE(bench.use(1, 0));
  EXPECT_FALSE(bench.use(1, 0));
  EXPECT_EQ(bench.store->statistics().misses, 2u) << "it was read for this";
  EXPECT_EQ(bench.store->statistics().hits, 1u);
  EXPECT_EQ(bench.reads.submitted, 3u * kExpertMatrices) << "each once";
}

TEST(ExpertStorePrompts, PromptsAreLentFreeBuffersOfOtherLayers) {
  ExpertStoreBench bench({}, 1, 1, {{1, 1, {}, {}}, {2, 3, {}, {}}});
  EXPECT_FALSE(bench.use(2, 7)) << "in one of its layer's own";
  std::vector<ExpertStore::Handle> handles;
  for (uint32_t expert = 0; expert < 4; ++expert) {
    auto handle = bench.store->tryWant(1, expert, ExpertUse::Prompt);
    ASSERT_TRUE(handle) << "one of its own, one shared, two lent: " << expert;
    handles.push_back(*handle);
  }
  EXPECT_FALSE(bench.store->tryWant(1, 4, ExpertUse::Prompt)) << "what layer 2 uses is not driven out";
  EXPECT_FALSE(bench.store->tryWant(1, 4, ExpertUse::Decode));
  for (uint32_t expert = 0; expert < 4; ++expert) {
    ASSERT_TRUE(bench.store->wait(handles[expert]));
    EXPECT_TRUE(bench.isRight(handles[expert], 1, expert));
    bench.store->release(handles[expert]);
  }
  EXPECT_TRUE(bench.store->holds({1, 0})) << "in its layer's own";
  EXPECT_FALSE(bench.store->expects({1, 2}) || bench.store->expects({1, 3})) << "given back";
  EXPECT_TRUE(bench.store->holds({2, 7}));
  for (uint32_t expert : {5u, 6u, 7u}) // All three places of layer 2 are its own again.
    EXPECT_FALSE(bench.use(2, expert));
  for (uint32_t expert : {5u, 6u, 7u})
    EXPECT_TRUE(bench.store->holds({2, expert}));
}

TEST(ExpertStorePrompts, DecodingIsLentNothing) {
  ExpertStoreBench bench({}, 1, 1, {{1, 1, {}, {}}, {2, 3, {}, {}}});
  std::array<uint32_t, 3> experts = {0, 1, 2};
  std::array<ExpertStore::Handle, 3> handles;
  EXPECT_FALSE(bench.store->want(1, experts, handles)) << "one of its own and one shared";
}

TEST(ExpertStorePrompts, SmallBuffersAreNotLentToLargeExperts) {
  ExpertCatalogue made = catalogue();
  for (SlabTable &slabs : made.table[1].matrices) {
    slabs.slabBytes = 100;
    slabs.checksums.clear();
  }
  SimulatedReads reads(fileContents(), 1, {});
  ExpertStoreOptions options;
  options.sharedSlots = 1;
  options.layers = {{2, 3, {}, {}}};
  auto store = ExpertStore::create(made, reads, std::make_unique<LruPolicy>(), options);
  ASSERT_TRUE(store);
  EXPECT_TRUE((*store)->tryWant(1, 0, ExpertUse::Prompt)) << "in the shared one";
  EXPECT_FALSE((*store)->tryWant(1, 1, ExpertUse::Prompt));
  EXPECT_FALSE((*store)->readAhead(1, 1));
  for (uint32_t expert = 0; expert < 3; ++expert)
    EXPECT_TRUE((*store)->tryWant(2, expert, ExpertUse::Prompt));
}

TEST(ExpertStorePrompts, WhatNobodyAskedForLeavesLentBuffers) {
  ExpertStoreBench bench({}, 1, 1, {{1, 1, {}, {}}, {2, 3, {}, {}}});
  for (uint32_t expert = 0; expert < 5; ++expert)
    EXPECT_TRUE(bench.store->readAhead(1, expert));
  EXPECT_FALSE(bench.store->readAhead(1, 5));
  EXPECT_FALSE(bench.use(1, 2)) << "it was read ahead into a lent buffer, which it leaves";
  bench.store->forgetAhead(1);
  for (uint32_t expert : {0u, 1u}) // In the layer's own and, as a cache, in the shared one.
    EXPECT_TRUE(bench.store->expects({1, expert}));
  for (uint32_t expert : {2u, 3u, 4u})
    EXPECT_FALSE(bench.store->expects({1, expert}));
  for (uint32_t expert : {5u, 6u, 7u}) {
    EXPECT_FALSE(bench.use(2, expert)) << "whatever the disk still wrote into its buffer";
    EXPECT_TRUE(bench.store->holds({2, expert}));
  }
}

TEST(ExpertStorePrompts, DecodingTakesItsLayersBuffersBack) {
  ExpertStoreBench bench({}, 1, 1, {{1, 1, {}, {}}, {2, 3, {}, {}}});
  for (uint32_t expert = 0; expert < 5; ++expert)
    EXPECT_TRUE(bench.store->readAhead(1, expert));
  std::vector<ExpertStore::Handle> handles;
  for (uint32_t expert = 0; expert < 3; ++expert) { // Another sequence decodes while the prompt is suspended.
    std::optional<ExpertStore::Handle> handle;
    while (!(handle = bench.store->tryWant(2, expert, ExpertUse::Decode)))
      ASSERT_TRUE(bench.store->waitForReads());
    handles.push_back(*handle);
  }
  for (uint32_t expert = 0; expert < 3; ++expert) {
    ASSERT_TRUE(bench.store->wait(handles[expert]));
    EXPECT_TRUE(bench.isRight(handles[expert], 2, expert));
    bench.store->release(handles[expert]);
    EXPECT_TRUE(bench.store->holds({2, expert}));
  }
}

TEST(ExpertStorePrompts, ReadAheadThatFailsIsReadAgain) {
  ExpertStoreBench bench;
  bench.reads.badRanges = {{BadRange::Kind::Error, 0, 0, fileContents()[0].size()}};
  EXPECT_TRUE(bench.store->readAhead(1, 3));
  for (uint32_t other = 0; other < kExperts; ++other) // Time passes.
    EXPECT_FALSE(bench.use(2, other));
  EXPECT_FALSE(bench.store->expects({1, 3})) << "it failed, and nobody was told";
  uint64_t submitted = bench.reads.submitted;
  EXPECT_TRUE(bench.store->readAhead(1, 3)) << "there is nothing to do";
  EXPECT_EQ(bench.reads.submitted, submitted) << "it is in quarantine";
  bench.reads.badRanges.clear();
  bench.reads.passTime(Quarantine::kTime);
  EXPECT_FALSE(bench.use(1, 3));
}

/// What a prompt and another sequence's decoding do in turn while buffers are lent and the disk fails.
struct Mixture {
  ExpertStoreBench &bench;
  std::mt19937_64 random;
  uint64_t right = 0, errors = 0, lent = 0;

  uint32_t expert() { return random() % kExperts; }
  void use(uint32_t layer, uint32_t wanted, ExpertUse how) {
    std::optional<ExpertStore::Handle> handle = bench.store->tryWant(layer, wanted, how);
    if (!handle) {
      bench.store->waitForReads();
      return;
    }
    Result<void> waited = bench.store->wait(*handle);
    if (waited) {
      ++right;
      ASSERT_TRUE(bench.isRight(*handle, layer, wanted));
    } else {
      ++errors;
      ASSERT_FALSE(waited.error().id.empty()) << waited.error().message;
    }
    bench.store->release(*handle);
  }
  void step() {
    uint32_t layer = 1 + random() % kLayers;
    switch (random() % 5) {
    case 0:
    case 1:
      return use(layer, expert(), ExpertUse::Prompt);
    case 2:
      return use(layer, expert(), ExpertUse::Decode);
    case 3:
      for (uint32_t ahead = 0; ahead < kExperts && bench.store->readAhead(layer, ahead); ++ahead)
        ++lent;
      return;
    default:
      bench.store->forgetAhead(layer);
    }
  }
};

TEST(ExpertStorePrompts, TenThousandSeeds) {
  uint64_t right = 0, errors = 0, lent = 0;
  for (uint64_t seed = 0; seed < 10'000; ++seed) {
    std::mt19937_64 random(seed);
    SimulatedFaults faults = randomFaults(random);
    ExpertStoreBench bench(faults, seed, random() % 2, {{1, 2, {}, {}}, {2, 3, {}, {}}});
    Mixture mixture{bench, std::mt19937_64(seed)};
    for (int step = 0; step < 12; ++step)
      ASSERT_NO_FATAL_FAILURE(mixture.step()) << "seed " << seed;
    right += mixture.right, errors += mixture.errors, lent += mixture.lent;
    // Once the disk is well again every layer has all its buffers.
    bench.heal();
    for (int again = 0; again < 2; ++again) // Where it was lent a buffer it leaves that the first time.
      for (uint32_t layer : {2u, 1u})
        for (uint32_t expert = 0; expert <= layer; ++expert)
          ASSERT_FALSE(bench.use(layer, expert)) << "seed " << seed;
    for (uint32_t layer : {2u, 1u})
      for (uint32_t expert = 0; expert <= layer; ++expert)
        ASSERT_TRUE(bench.store->holds({layer, expert})) << "seed " << seed;
  }
  EXPECT_GT(right, 30'000u);
  EXPECT_GT(errors, 100u) << "the faults were too few to test anything";
  EXPECT_GT(lent, 30'000u);
}

} // namespace
} // namespace strata::test
