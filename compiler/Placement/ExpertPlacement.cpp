// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Placement/ExpertPlacement.h"

#include "compiler/Placement/Allocation.h"

namespace strata {

uint64_t expertBytes(const Plan &plan, const LayerWeights &layer, Tier tier) {
  return tier == Tier::Ram && plan.expertsApart ? layer.expertBuffers : layer.expert;
}

/// Of the layers that have experts.
static std::vector<uint64_t> expertSizes(const Plan &plan, const ModelWeights &weights, Tier tier) {
  std::vector<uint64_t> sizes;
  for (size_t i = weights.description.denseLayers; i < weights.layers.size(); ++i)
    sizes.push_back(expertBytes(plan, weights.layers[i], tier));
  return sizes;
}

static Tier &tierOf(Plan &plan, uint32_t layer, uint32_t expert) {
  return plan.expertTiers[size_t{layer} * plan.expertsPerLayer + expert];
}

/// The host sees no experts in GPU memory, so that those of its layers are not there.
static bool mayHold(const Plan &plan, Tier tier, uint32_t expertLayer) {
  return tier != Tier::Gpu || plan.layers[plan.denseLayers + expertLayer].dense == Tier::Gpu;
}

/// Of those that no faster tier has the most used of every layer; without usage counts the lowest numbers.
static void placeEqually(Plan &plan, std::span<const uint64_t> sizes, Tier tier, uint64_t budget) {
  std::vector<std::vector<uint32_t>> left;
  std::vector<uint32_t> available;
  for (uint32_t layer = 0; layer < sizes.size(); ++layer) {
    left.push_back(plan.mostUsed(plan.denseLayers + layer, Tier::Disk));
    available.push_back(mayHold(plan, tier, layer) ? static_cast<uint32_t>(left.back().size()) : 0);
  }
  std::vector<uint32_t> counts = allocateEqually(sizes, available, budget);
  for (uint32_t layer = 0; layer < sizes.size(); ++layer)
    for (uint32_t i = 0; i < counts[layer]; ++i)
      tierOf(plan, layer, left[layer][i]) = tier;
}

static void placeByUsage(Plan &plan, std::span<const uint64_t> sizes, Tier tier, uint64_t budget) {
  for (const RankedExpert &one : rankExperts(plan.expertsPerLayer, plan.usage)) {
    Tier &now = tierOf(plan, one.layer, one.expert);
    if (now != Tier::Disk || sizes[one.layer] > budget || !mayHold(plan, tier, one.layer))
      continue;
    budget -= sizes[one.layer];
    now = tier;
  }
}

void distributeExperts(Plan &plan, const ModelWeights &weights, uint64_t gpuBudget, uint64_t ramBudget) {
  plan.expertTiers.assign(weights.routedExperts(), Tier::Disk);
  for (Tier tier : {Tier::Gpu, Tier::Ram}) {
    if (tier == Tier::Gpu && !plan.hasGpu)
      continue;
    uint64_t budget = tier == Tier::Gpu ? gpuBudget : ramBudget;
    std::vector<uint64_t> sizes = expertSizes(plan, weights, tier);
    // What may leave is a cache: it is equal per layer, as replay measures it.
    bool leaves = tier == Tier::Ram && plan.cachePolicy != CachePolicyKind::Pinned;
    if (plan.usage.empty() || leaves)
      placeEqually(plan, sizes, tier, budget);
    else
      placeByUsage(plan, sizes, tier, budget);
  }
}

void countExperts(Plan &plan, const ModelWeights &weights) {
  plan.pinnedInRam.assign(plan.expertTiers.size(), false);
  for (Tier tier : {Tier::Gpu, Tier::Ram, Tier::Disk})
    plan.of(tier).experts = plan.of(tier).expertBytes = 0;
  for (uint32_t layer = plan.denseLayers; layer < plan.layers.size(); ++layer) {
    plan.layers[layer].experts = {};
    for (uint32_t expert = 0; expert < plan.expertsPerLayer; ++expert) {
      Tier tier = plan.expertTier(layer, expert);
      ++plan.layers[layer].experts[static_cast<size_t>(tier)];
      ++plan.of(tier).experts;
      plan.of(tier).expertBytes += expertBytes(plan, weights.layers[layer], tier);
    }
    std::vector<uint32_t> inRam = plan.mostUsed(layer, Tier::Ram);
    inRam.resize(pinnedSlots(plan.cachePolicy, static_cast<uint32_t>(inRam.size())));
    for (uint32_t expert : inRam)
      plan.pinnedInRam[size_t{layer - plan.denseLayers} * plan.expertsPerLayer + expert] = true;
  }
}

} // namespace strata
