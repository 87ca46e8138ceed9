// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Placement/UsageGain.h"

#include "compiler/Placement/ExpertPlacement.h"

#include <algorithm>
#include <cmath>

namespace strata {

std::vector<uint64_t> withoutChance(std::span<const uint64_t> counts, uint32_t experts) {
  constexpr double kUnit = 1024, kMost = 1e15; // Exact as double, and their sums as uint64_t.
  std::vector<uint64_t> shrunk;
  for (size_t first = 0; first + experts <= counts.size() && experts != 0; first += experts) {
    std::span<const uint64_t> layer = counts.subspan(first, experts);
    double mean = 0, variance = 0;
    for (uint64_t count : layer)
      mean += static_cast<double>(count) / experts;
    for (uint64_t count : layer)
      variance += std::pow(static_cast<double>(count) - mean, 2) / experts;
    // What chance makes the variance in most layers: two standard errors above its mean.
    double chance = mean * (1 + 2 * std::sqrt(2.0 / experts));
    double kept = variance > chance ? 1 - chance / variance : 0;
    for (uint64_t count : layer)
      shrunk.push_back(static_cast<uint64_t>(
          std::min(kMost, std::round(kUnit * (mean + kept * (static_cast<double>(count) - mean))))));
  }
  return shrunk;
}

UsageGain gainOfUsage(const Plan &plan, const ModelWeights &weights, const MachineDescription &machine,
                      std::span<const uint64_t> usage) {
  Plan now = plan;
  now.trace = nullptr;
  now.usage = withoutChance(usage, plan.expertsPerLayer);
  Plan then = now;
  then.cachePolicy = CachePolicyKind::Pinned;
  distributeExperts(then, weights, now.of(Tier::Gpu).expertBytes, now.of(Tier::Ram).expertBytes);
  countExperts(then, weights);
  return {*predict(now, weights, machine).traced, *predict(then, weights, machine).traced};
}

} // namespace strata
