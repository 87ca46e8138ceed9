// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Placement/CacheModel.h"

#include "runtime/Routing/ExpertCache.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace strata {

double lruShare(std::span<const double> uses, uint32_t slots) {
  double all = std::accumulate(uses.begin(), uses.end(), 0.0);
  auto used = static_cast<uint64_t>(std::count_if(uses.begin(), uses.end(), [](double one) { return one > 0; }));
  if (used <= slots)
    return 1;
  if (slots == 0)
    return 0;
  auto held = [&](double time) {
    double sum = 0;
    for (double one : uses)
      sum += 1 - std::exp(-one / all * time);
    return sum;
  };
  // The number held grows with the time: doubled until it is enough, then halved between.
  double low = 0, high = slots;
  while (held(high) < slots && high < 1e300)
    high *= 2;
  constexpr int kHalvings = 60;
  for (int i = 0; i < kHalvings; ++i) {
    double middle = (low + high) / 2;
    (held(middle) < slots ? low : high) = middle;
  }
  double served = 0;
  for (double one : uses)
    served += one / all * (1 - std::exp(-one / all * high));
  return served;
}

namespace {

size_t at(Tier tier) {
  return static_cast<size_t>(tier);
}

/// Hits of the cache in RAM when the trace's generated tokens are run again.
uint64_t replayedHits(const Plan &plan, uint32_t layer) {
  const RoutingShape &shape = plan.trace->shape;
  std::vector<uint32_t> held = plan.mostUsed(layer, Tier::Ram);
  auto pinned = pinnedSlots(plan.cachePolicy, static_cast<uint32_t>(held.size()));
  ExpertCache cache(plan.cachePolicy, plan.expertsPerLayer, held, pinned);
  std::vector<uint16_t> chosen;
  uint64_t hits = 0;
  for (const TraceSegment &segment : plan.trace->segments)
    for (size_t token = 0; segment.phase == RoutingPhase::Generated && token < plan.trace->tokens(segment); ++token) {
      size_t first = token * shape.choicesPerToken() + size_t{layer - plan.denseLayers} * shape.expertsUsed;
      chosen.clear();
      for (size_t i = first; i < first + shape.expertsUsed; ++i)
        if (plan.expertTier(layer, segment.ids[i]) != Tier::Gpu)
          chosen.push_back(segment.ids[i]);
      hits += cache.use(chosen);
    }
  return hits;
}

/// What the cache's own slots serve of the uses of experts that are not pinned.
double cachedUses(const Plan &plan, uint32_t layer, std::vector<double> uses) {
  uint32_t slots = plan.cacheSlots(layer);
  double all = std::accumulate(uses.begin(), uses.end(), 0.0);
  if (plan.cachePolicy != CachePolicyKind::Lfu)
    return all * lruShare(uses, slots);
  std::sort(uses.begin(), uses.end(), std::greater<>());
  uses.resize(std::min<size_t>(uses.size(), slots));
  return std::accumulate(uses.begin(), uses.end(), 0.0);
}

} // namespace

std::array<double, kTiers> servedUses(const Plan &plan, uint32_t layer) {
  std::array<double, kTiers> served = {};
  std::span<const uint64_t> counts = plan.usageOf(layer);
  std::vector<double> others; // Uses of experts that come and go.
  for (uint32_t expert = 0; expert < plan.expertsPerLayer; ++expert) {
    auto count = static_cast<double>(counts[expert]);
    if (plan.expertTier(layer, expert) == Tier::Gpu)
      served[at(Tier::Gpu)] += count;
    else if (plan.isPinnedInRam(layer, expert))
      served[at(Tier::Ram)] += count;
    else
      others.push_back(count);
  }
  double all = std::accumulate(others.begin(), others.end(), served[at(Tier::Ram)]);
  served[at(Tier::Ram)] = plan.trace && plan.cacheSlots(layer) != 0
                              ? static_cast<double>(replayedHits(plan, layer))
                              : served[at(Tier::Ram)] + cachedUses(plan, layer, std::move(others));
  served[at(Tier::Disk)] = std::max(0.0, all - served[at(Tier::Ram)]);
  return served;
}

} // namespace strata
