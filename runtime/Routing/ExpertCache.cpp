// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Routing/ExpertCache.h"

#include <algorithm>
#include <numeric>

namespace strata {

ExpertCache::ExpertCache(CachePolicyKind kind, uint32_t experts, uint32_t slotCount, std::span<const uint64_t> usage)
    : policy(makeCachePolicy(kind)) {
  std::vector<uint32_t> order(experts);
  std::iota(order.begin(), order.end(), 0u);
  if (!usage.empty())
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return usage[a] > usage[b]; });
  order.resize(std::min(slotCount, experts));
  fill(experts, order, pinnedSlots(kind, slotCount));
}

ExpertCache::ExpertCache(CachePolicyKind kind, uint32_t experts, std::span<const uint32_t> held, uint32_t pinned)
    : policy(makeCachePolicy(kind)) {
  fill(experts, held, pinned);
}

void ExpertCache::fill(uint32_t experts, std::span<const uint32_t> held, uint32_t pinned) {
  policy->prepare({{0, experts}, std::vector<uint32_t>(held.size(), 0)});
  slotOf.assign(experts, kNone);
  slots.resize(held.size());
  for (auto slot = static_cast<uint32_t>(held.size()); slot-- > 0;) {
    slots[slot] = {held[slot], 0, slot < pinned};
    slotOf[held[slot]] = slot;
    policy->placed(slot, held[slot], false);
  }
}

uint32_t ExpertCache::use(std::span<const uint16_t> chosen, std::vector<Admission> *admissions) {
  if (admissions)
    admissions->clear();
  ++step;
  policy->beginStep(0);
  uint32_t hits = 0;
  for (uint16_t expert : chosen)
    if (holds(expert)) {
      ++hits;
      slots[slotOf[expert]].lastStep = step;
      policy->used(slotOf[expert], expert);
    }
  auto mayLeave = [this](uint32_t slot) { return !slots[slot].pinned && slots[slot].lastStep != step; };
  for (uint16_t expert : chosen) {
    if (holds(expert))
      continue;
    std::optional<uint32_t> slot = policy->victim(0, mayLeave);
    if (!slot) {
      policy->passed(expert);
      continue;
    }
    uint32_t evicted = slots[*slot].expert;
    slotOf[evicted] = kNone;
    slotOf[expert] = *slot;
    slots[*slot] = {expert, step, false};
    policy->placed(*slot, expert, true);
    if (admissions)
      admissions->push_back({expert, evicted});
  }
  return hits;
}

} // namespace strata
