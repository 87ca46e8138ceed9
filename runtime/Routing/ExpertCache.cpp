// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Routing/ExpertCache.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>

namespace strata {

static constexpr std::array<std::string_view, 4> kNames = {"pinned", "lru", "lfu", "pinned-lru"};

std::string_view cachePolicyName(CachePolicy policy) {
  return kNames[static_cast<size_t>(policy)];
}

std::optional<CachePolicy> parseCachePolicy(std::string_view name) {
  auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end())
    return std::nullopt;
  return static_cast<CachePolicy>(found - kNames.begin());
}

static uint32_t pinnedSlots(CachePolicy policy, uint32_t slots) {
  switch (policy) {
  case CachePolicy::Pinned:
    return slots;
  case CachePolicy::PinnedLru:
    return slots / 2;
  case CachePolicy::Lru:
  case CachePolicy::Lfu:
    break;
  }
  return 0;
}

ExpertCache::ExpertCache(CachePolicy cachePolicy, uint32_t experts, uint32_t slots, std::span<const uint64_t> usage)
    : policy(cachePolicy), entries(experts) {
  std::vector<uint32_t> order(experts);
  std::iota(order.begin(), order.end(), 0u);
  if (!usage.empty())
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return usage[a] > usage[b]; });
  uint32_t pinned = pinnedSlots(policy, slots);
  for (uint32_t i = 0; i < std::min(slots, experts); ++i) {
    entries[order[i]].resident = true;
    entries[order[i]].pinned = i < pinned;
  }
}

/// Of equals the least recently used, then the highest number.
bool ExpertCache::leavesBefore(uint32_t a, uint32_t b) const {
  auto key = [&](uint32_t expert) {
    const Entry &entry = entries[expert];
    return std::tuple(policy == CachePolicy::Lfu ? entry.count : 0, entry.lastStep, ~expert);
  };
  return key(a) < key(b);
}

std::optional<uint32_t> ExpertCache::victim() const {
  std::optional<uint32_t> chosen;
  for (uint32_t expert = 0; expert < entries.size(); ++expert) {
    const Entry &entry = entries[expert];
    bool mayLeave = entry.resident && !entry.pinned && entry.lastStep != step;
    if (mayLeave && (!chosen || leavesBefore(expert, *chosen)))
      chosen = expert;
  }
  return chosen;
}

void ExpertCache::age() {
  for (Entry &entry : entries)
    entry.count /= 2;
}

uint32_t ExpertCache::use(std::span<const uint16_t> chosen, std::vector<Admission> *admissions) {
  if (admissions)
    admissions->clear();
  ++step;
  if (step % kAgeingSteps == 0)
    age();
  uint32_t hits = 0;
  for (uint16_t expert : chosen) {
    hits += entries[expert].resident;
    entries[expert].lastStep = step;
    ++entries[expert].count;
  }
  for (uint16_t expert : chosen) {
    if (entries[expert].resident)
      continue;
    std::optional<uint32_t> evicted = victim();
    if (!evicted)
      break;
    entries[*evicted].resident = false;
    entries[expert].resident = true;
    if (admissions)
      admissions->push_back({expert, *evicted});
  }
  return hits;
}

} // namespace strata
