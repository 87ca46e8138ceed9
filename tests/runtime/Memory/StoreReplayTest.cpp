// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The expert store keeps what replay says: the same hits for every policy, and what every layer holds afterwards.

#include "runtime/Memory/ExpertStore.h"
#include "runtime/Memory/Reads/SimulatedReads.h"
#include "runtime/Routing/ExpertCache.h"
#include "tests/runtime/Text/AllocationCount.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

namespace strata::test {
namespace {

constexpr uint64_t kSlabBytes = 64;

/// Layers 3, 4, ... of one file, nothing to check.
ExpertCatalogue catalogueOf(uint32_t layers, uint32_t experts) {
  ExpertCatalogue made;
  uint64_t offset = 0;
  for (uint32_t layer = 0; layer < layers; ++layer) {
    ExpertLayer one;
    one.layer = layer + 3;
    one.experts = experts;
    for (SlabTable &slabs : one.matrices) {
      slabs = {"t", 0, offset, kSlabBytes, {}};
      offset += experts * kSlabBytes;
    }
    made.table.push_back(one);
  }
  made.finish();
  return made;
}

/// A random plan and trace, run by the store and by one ExpertCache for each layer.
struct Comparison {
  explicit Comparison(uint32_t seed) : random(seed) {
    layers = 1 + random() % 3;
    experts = 2 + random() % 14;
    perToken = 1 + random() % std::min(experts, 4u);
    kind = kCachePolicies[seed % 4];
    reads = std::make_unique<SimulatedReads>(
        std::vector<std::vector<std::byte>>(1, std::vector<std::byte>(layers * experts * 3 * kSlabBytes)), seed,
        SimulatedFaults{});
    ExpertStoreOptions options;
    options.wantedAtOnce = perToken;
    options.sharedSlots = perToken;
    for (uint32_t layer = 0; layer < layers; ++layer) {
      std::vector<uint32_t> held(experts);
      std::iota(held.begin(), held.end(), 0u);
      std::shuffle(held.begin(), held.end(), random);
      held.resize(random() % (experts + 1));
      auto slots = static_cast<uint32_t>(held.size());
      uint32_t pinned = pinnedSlots(kind, slots);
      options.layers.push_back(
          {layer + 3, slots - pinned, {held.begin(), held.begin() + pinned}, {held.begin() + pinned, held.end()}});
      caches.emplace_back(kind, experts, held, pinned);
    }
    auto created = ExpertStore::create(catalogueOf(layers, experts), *reads, makeCachePolicy(kind), options);
    if (!created || !(*created)->load({}))
      throw std::runtime_error("the store cannot be made");
    store = *std::move(created);
  }

  std::vector<uint16_t> choices() {
    std::vector<uint16_t> all(experts);
    std::iota(all.begin(), all.end(), uint16_t{0});
    std::shuffle(all.begin(), all.end(), random);
    all.resize(perToken);
    for (uint16_t &expert : all)
      if (random() % 3 != 0) // Some are wanted more often than others.
        expert = static_cast<uint16_t>(expert / 2);
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }

  /// Hits of the store when a token wants `chosen`.
  uint64_t want(uint32_t layer, const std::vector<uint16_t> &chosen) {
    std::copy(chosen.begin(), chosen.end(), wanted.begin());
    uint64_t before = store->statistics().hits;
    auto count = chosen.size();
    if (!store->want(layer + 3, std::span(wanted).first(count), handles))
      throw std::runtime_error("a token's experts find no room");
    uint64_t hits = store->statistics().hits - before;
    for (size_t i = 0; i < count; ++i) {
      if (!store->wait(handles[i]))
        throw std::runtime_error("a read fails");
    }
    for (size_t i = 0; i < count; ++i)
      store->release(handles[i]);
    return hits;
  }

  std::mt19937 random;
  uint32_t layers = 0, experts = 0, perToken = 0;
  CachePolicyKind kind = CachePolicyKind::Lru;
  std::unique_ptr<SimulatedReads> reads;
  std::unique_ptr<ExpertStore> store;
  std::vector<ExpertCache> caches;
  std::array<uint32_t, 4> wanted = {};
  std::array<ExpertStore::Handle, 4> handles = {};
};

TEST(StoreReplay, TheStoreHitsWhatReplayPredicts) {
  std::array<uint64_t, 4> hits = {}, misses = {};
  for (uint32_t seed = 0; seed < 400; ++seed) {
    Comparison both(seed);
    for (int token = 0; token < 300; ++token)
      for (uint32_t layer = 0; layer < both.layers; ++layer) {
        std::vector<uint16_t> chosen = both.choices();
        uint32_t predicted = both.caches[layer].use(chosen);
        ASSERT_EQ(both.want(layer, chosen), predicted) << "seed " << seed << ", token " << token;
        hits[seed % 4] += predicted;
        misses[seed % 4] += chosen.size() - predicted;
        for (uint32_t expert = 0; expert < both.experts; ++expert)
          ASSERT_EQ(both.store->holds({layer + 3, expert}), both.caches[layer].holds(expert)) << "seed " << seed;
      }
  }
  for (size_t policy = 0; policy < 4; ++policy) {
    EXPECT_GT(hits[policy], 10'000u);
    EXPECT_GT(misses[policy], 10'000u);
  }
}

TEST(StoreReplay, NoPolicyAllocates) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    Comparison both(seed);
    std::vector<std::vector<uint16_t>> tokens;
    for (int token = 0; token < 600; ++token)
      tokens.push_back(both.choices());
    size_t before = text::allocationCount();
    for (const std::vector<uint16_t> &chosen : tokens)
      both.want(0, chosen);
    EXPECT_EQ(text::allocationCount(), before) << cachePolicyName(both.kind);
  }
}

TEST(StoreReplay, WhatIsLoadedNeedsASlotOfItsLayer) {
  SimulatedReads reads({std::vector<std::byte>(1 << 16)}, 1, {});
  ExpertStoreOptions options;
  options.sharedSlots = options.wantedAtOnce = 2;
  auto create = [&] {
    return ExpertStore::create(catalogueOf(2, 4), reads, makeCachePolicy(CachePolicyKind::Lru), options);
  };
  options.layers = {{3, 1, {}, {0, 1}}, {4, 1, {}, {}}};
  EXPECT_FALSE(create());
  options.layers = {{3, 1, {}, {0}}, {4, 1, {}, {1}}};
  EXPECT_TRUE(create());
  options.layers = {{3, 1, {4}, {0}}, {4, 1, {}, {1}}};
  EXPECT_FALSE(create());
}

} // namespace
} // namespace strata::test
