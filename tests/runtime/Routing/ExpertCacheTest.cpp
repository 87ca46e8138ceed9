// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Policies against naive models of them, and what holds of every one.
#include "runtime/Routing/ExpertCache.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <list>
#include <numeric>
#include <random>

using namespace strata;

namespace {

using Choices = std::vector<std::vector<uint16_t>>;

Choices randomChoices(std::mt19937 &random, uint32_t experts, uint32_t perToken, size_t tokens) {
  Choices choices(tokens);
  std::vector<uint16_t> all(experts);
  std::iota(all.begin(), all.end(), uint16_t{0});
  for (auto &token : choices) {
    std::shuffle(all.begin(), all.end(), random);
    token.assign(all.begin(), all.begin() + perToken);
    std::sort(token.begin(), token.end());
  }
  return choices;
}

/// Least recently used first. Of one token's experts those that were there are first, then in their order.
class NaiveLru {
public:
  NaiveLru(uint32_t slots) : capacity(slots) {
    for (uint32_t expert = 0; expert < slots; ++expert)
      order.push_front(expert); // Of those nobody used yet the highest number is first.
  }
  uint32_t use(const std::vector<uint16_t> &chosen) {
    std::vector<uint32_t> missing;
    std::vector<uint32_t> present;
    for (uint16_t expert : chosen)
      (std::find(order.begin(), order.end(), expert) == order.end() ? missing : present).push_back(expert);
    for (uint32_t expert : present)
      order.remove(expert);
    size_t room = capacity - present.size();
    missing.resize(std::min(missing.size(), room));
    while (order.size() + missing.size() > room)
      order.pop_front();
    order.insert(order.end(), present.begin(), present.end());
    order.insert(order.end(), missing.begin(), missing.end());
    return static_cast<uint32_t>(present.size());
  }
  bool holds(uint32_t expert) const { return std::find(order.begin(), order.end(), expert) != order.end(); }

private:
  size_t capacity;
  std::list<uint32_t> order;
};

} // namespace

TEST(ExpertCache, NamesAreThoseOfTheOption) {
  for (CachePolicyKind policy : kCachePolicies)
    EXPECT_EQ(parseCachePolicy(cachePolicyName(policy)), policy);
  EXPECT_EQ(parseCachePolicy("random"), std::nullopt);
}

TEST(ExpertCache, LruIsANaiveLru) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    uint32_t experts = 2 + random() % 12, perToken = 1 + random() % std::min(experts, 4u);
    uint32_t slots = random() % (experts + 1);
    ExpertCache cache(CachePolicyKind::Lru, experts, slots, {});
    NaiveLru naive(slots);
    for (const auto &token : randomChoices(random, experts, perToken, 50)) {
      ASSERT_EQ(cache.use(token), naive.use(token)) << "seed " << seed;
      for (uint32_t expert = 0; expert < experts; ++expert)
        ASSERT_EQ(cache.holds(expert), naive.holds(expert)) << "seed " << seed;
    }
  }
}

TEST(ExpertCache, AdmissionsTellTheWholeStateAndNeverEvictWhatIsUsed) {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    std::mt19937 random(seed);
    CachePolicyKind policy = kCachePolicies[seed % 4];
    uint32_t experts = 2 + random() % 20, perToken = 1 + random() % std::min(experts, 8u);
    uint32_t slots = random() % (experts + 1);
    ExpertCache cache(policy, experts, slots, {});
    std::vector<bool> held(experts);
    std::fill_n(held.begin(), slots, true);
    std::vector<Admission> admissions;
    for (const auto &token : randomChoices(random, experts, perToken, 600)) {
      auto expected = std::count_if(token.begin(), token.end(), [&](uint16_t expert) { return held[expert]; });
      ASSERT_EQ(cache.use(token, &admissions), expected);
      for (const Admission &one : admissions) {
        ASSERT_TRUE(held[one.evicted] && !held[one.expert]);
        ASSERT_FALSE(std::binary_search(token.begin(), token.end(), one.evicted));
        held[one.evicted] = false;
        held[one.expert] = true;
      }
      ASSERT_TRUE(policy != CachePolicyKind::Pinned || admissions.empty());
      for (uint32_t expert = 0; expert < experts; ++expert)
        ASSERT_EQ(cache.holds(expert), held[expert]);
    }
    EXPECT_EQ(std::count(held.begin(), held.end(), true), slots);
  }
}

TEST(ExpertCache, PinnedHoldsTheMostUsed) {
  std::vector<uint64_t> usage = {5, 9, 9, 1};
  ExpertCache cache(CachePolicyKind::Pinned, 4, 2, usage);
  EXPECT_TRUE(cache.holds(1) && cache.holds(2));
  EXPECT_EQ(cache.use(std::vector<uint16_t>{0, 1}), 1u);
  EXPECT_TRUE(cache.holds(1) && cache.holds(2));
}

TEST(ExpertCache, StartsWithWhatItIsGiven) {
  ExpertCache cache(CachePolicyKind::PinnedLru, 6, std::vector<uint32_t>{5, 0, 3}, 1);
  EXPECT_TRUE(cache.holds(5) && cache.holds(0) && cache.holds(3));
  std::vector<Admission> admissions;
  cache.use(std::vector<uint16_t>{1, 2, 4}, &admissions);
  ASSERT_EQ(admissions.size(), 2u) << "one is pinned";
  EXPECT_EQ(admissions[0].evicted, 3u) << "the last one leaves first";
  EXPECT_TRUE(cache.holds(5) && cache.holds(1) && cache.holds(2));
}

TEST(ExpertCache, PinnedLruKeepsHalfAndLetsTheRestGo) {
  std::vector<uint64_t> usage = {9, 8, 7, 6, 0, 0};
  ExpertCache cache(CachePolicyKind::PinnedLru, 6, 4, usage);
  for (uint16_t expert : {4, 5})
    cache.use(std::vector<uint16_t>{expert});
  for (uint32_t expert : {0, 1, 4, 5})
    EXPECT_TRUE(cache.holds(expert)) << expert;
}

TEST(ExpertCache, LfuKeepsTheOftenUsedUntilItsCountHasAged) {
  ExpertCache cache(CachePolicyKind::Lfu, 4, 2, {});
  for (int i = 0; i < 200; ++i)
    cache.use(std::vector<uint16_t>{0});
  cache.use(std::vector<uint16_t>{2});
  cache.use(std::vector<uint16_t>{3});
  EXPECT_TRUE(cache.holds(0)) << "recency would have let it go";
  EXPECT_TRUE(cache.holds(3));
  for (uint64_t i = 0; i < 8 * kAgeingSteps; ++i)
    cache.use(std::vector<uint16_t>{static_cast<uint16_t>(2 + i % 2)});
  EXPECT_FALSE(cache.holds(0)) << "used long ago";
}
