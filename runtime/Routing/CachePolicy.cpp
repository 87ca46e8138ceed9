// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Routing/CachePolicy.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace strata {

static constexpr std::array<std::string_view, 4> kNames = {"pinned", "lru", "lfu", "pinned-lru"};

std::string_view cachePolicyName(CachePolicyKind kind) {
  return kNames[static_cast<size_t>(kind)];
}

std::optional<CachePolicyKind> parseCachePolicy(std::string_view name) {
  auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end())
    return std::nullopt;
  return static_cast<CachePolicyKind>(found - kNames.begin());
}

std::string cachePolicyNames() {
  return fmt::format("{}", fmt::join(kNames, ", "));
}

uint32_t pinnedSlots(CachePolicyKind kind, uint32_t slots) {
  switch (kind) {
  case CachePolicyKind::Pinned:
    return slots;
  case CachePolicyKind::PinnedLru:
    return slots / 2;
  case CachePolicyKind::Lru:
  case CachePolicyKind::Lfu:
    break;
  }
  return 0;
}

std::unique_ptr<CachePolicy> makeCachePolicy(CachePolicyKind kind) {
  if (kind == CachePolicyKind::Lfu)
    return std::make_unique<LfuPolicy>();
  return std::make_unique<LruPolicy>();
}

void CachePolicy::prepare(const CacheLayout &layout) {
  slots.assign(layout.groups.size(), {});
  uint32_t count = 0;
  for (size_t slot = 0; slot < slots.size(); ++slot) {
    slots[slot].group = layout.groups[slot];
    count = std::max(count, slots[slot].group + 1);
  }
  groups.assign(count, {});
}

void CachePolicy::makeNewest(uint32_t slot) {
  Slot &moved = slots[slot];
  Group &group = groups[moved.group];
  if (group.newest == slot)
    return;
  if (moved.key != kNone) { // Out of where it was; not the newest, so that there is a later one.
    (moved.earlier == kNone ? group.oldest : slots[moved.earlier].later) = moved.later;
    slots[moved.later].earlier = moved.earlier;
  }
  moved.earlier = group.newest;
  moved.later = kNone;
  (group.newest == kNone ? group.oldest : slots[group.newest].later) = slot;
  group.newest = slot;
}

void CachePolicy::used(uint32_t slot, uint32_t key) {
  count(key);
  makeNewest(slot);
}

void CachePolicy::placed(uint32_t slot, uint32_t key, bool isUsed) {
  if (isUsed)
    count(key);
  makeNewest(slot);
  slots[slot].key = key;
}

std::optional<uint32_t> LruPolicy::victim(uint32_t group, const std::function<bool(uint32_t)> &mayLeave) const {
  if (group >= groups.size())
    return std::nullopt;
  uint32_t slot = groups[group].oldest;
  while (slot != kNone && !mayLeave(slot))
    slot = slots[slot].later;
  return slot == kNone ? std::nullopt : std::optional(slot);
}

void LfuPolicy::prepare(const CacheLayout &layout) {
  CachePolicy::prepare(layout);
  firstKeys = layout.firstKeys;
  counts.assign(firstKeys.back(), 0);
  steps.assign(firstKeys.size() - 1, 0);
}

void LfuPolicy::beginStep(uint32_t layer) {
  if (++steps[layer] % kAgeingSteps != 0)
    return;
  for (uint32_t key = firstKeys[layer]; key < firstKeys[layer + 1]; ++key)
    counts[key] /= 2;
}

std::optional<uint32_t> LfuPolicy::victim(uint32_t group, const std::function<bool(uint32_t)> &mayLeave) const {
  std::optional<uint32_t> chosen;
  if (group >= groups.size())
    return chosen;
  for (uint32_t slot = groups[group].oldest; slot != kNone; slot = slots[slot].later)
    if ((!chosen || counts[slots[slot].key] < counts[slots[*chosen].key]) && mayLeave(slot))
      chosen = slot;
  return chosen;
}

} // namespace strata
