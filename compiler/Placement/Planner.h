// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The plan: where every byte of a model lives on a machine. Plain numbers in, plain numbers out.
#pragma once

#include "compiler/Machine/Machine.h"
#include "compiler/Placement/ModelWeights.h"
#include "compiler/Placement/PlanSummary.h"
#include "runtime/Routing/CachePolicy.h"
#include "runtime/Routing/RoutingTrace.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace strata {

/// Where bytes live. Tiers are exclusive: what is in one is not kept in another.
enum class Tier : uint8_t { Gpu, Ram, Disk };
inline constexpr size_t kTiers = 3;
/// "gpu", "ram", "disk".
std::string_view tierName(Tier tier);

/// What computes.
enum class ComputeDevice : uint8_t { Host, Gpu };

/// Sizes of arenas that somebody knows better than ArenaEstimate.h, as the compiler does once it has the programs.
struct ArenaBytes {
  uint64_t promptRow = 0; ///< For every token of a prompt's pass.
  uint64_t chunk = 0;
  uint64_t decode = 0;
  uint64_t host = 0;          ///< In RAM, for the host's part of a plan with a GPU,
  uint64_t hostPromptRow = 0; ///< and there for every token of a prompt's pass.
};

struct PlanRequest {
  PlanSettings settings;
  /// False: settings.promptTokens is a wish, halved as long as the fixed parts do not fit.
  bool promptTokensGiven = false;
  uint64_t gpuHeadRoom = uint64_t{1} << 30; ///< Left free on the GPU.
  uint64_t ramHeadRoom = uint64_t{1} << 30; ///< Left free in RAM.
  /// How often each expert was used, `experts` numbers for every layer that has them; empty: not known.
  std::vector<uint64_t> usage;
  /// What `usage` was counted from, if that has an order: then caches are predicted by a replay.
  std::shared_ptr<const RoutingTrace> trace;
  std::optional<CachePolicyKind> cachePolicy; ///< Nothing: Pinned with usage counts, else Lru.
  std::optional<ArenaBytes> arenas;           ///< Nothing: estimated.
};

struct LayerPlacement {
  /// All but the routed experts, and the layer's part of the KV cache. Where it is in RAM the host computes the layer;
  /// beside a GPU that computes its routed experts in prompts, and has none of them.
  Tier dense = Tier::Ram;
  std::array<uint32_t, kTiers> experts = {}; ///< How many are in each tier.
};

/// Memory of a tier that holds neither weights nor cache.
struct PlannedArena {
  std::string name;
  Tier tier = Tier::Ram;
  uint64_t bytes = 0;
};

struct TierUse {
  uint64_t budget = 0; ///< What the machine has; 0 for a disk of unknown capacity.
  uint64_t headRoom = 0;
  uint64_t dense = 0;
  uint64_t kv = 0;
  uint64_t scratch = 0; ///< The arenas together.
  uint64_t expertBytes = 0;
  uint64_t experts = 0;
  uint64_t used() const { return dense + kv + scratch + expertBytes; }
  /// Neither used nor head room; 0 if the tier is overdrawn.
  uint64_t free() const { return used() + headRoom <= budget ? budget - used() - headRoom : 0; }
};

/// By how much a plan does not fit, and why.
struct Shortfall {
  Tier tier = Tier::Ram;
  uint64_t bytes = 0;
  std::string why; ///< "the fixed parts of 12.4 GiB and the head room of 1.0 GiB"
};

struct Plan {
  PlanSettings settings;              ///< With the prompt tokens that were chosen.
  uint64_t promptTokensWished = 0;    ///< More than settings.promptTokens if they were halved.
  std::vector<LayerPlacement> layers; ///< All of the model's.
  Tier output = Tier::Ram;            ///< Of the last norm and the output matrix.
  uint64_t embedding = 0;             ///< Bytes. A token needs one row, so that it is in RAM unless all fits the GPU.
  Tier embeddingTier = Tier::Ram;
  std::vector<Tier> expertTiers; ///< By layer that has experts, then expert; empty if the fixed parts do not fit.
  std::vector<PlannedArena> arenas;
  std::array<TierUse, kTiers> tiers;  ///< By Tier.
  std::optional<Shortfall> shortfall; ///< Nothing: the plan fits.
  std::vector<uint64_t> usage;        ///< The request's.
  std::shared_ptr<const RoutingTrace> trace;
  CachePolicyKind cachePolicy = CachePolicyKind::Lru; ///< Of the experts in RAM; those on the GPU are pinned.
  std::vector<bool> pinnedInRam;                      ///< As expertTiers: it is in RAM and stays there.
  uint32_t denseLayers = 0, expertsPerLayer = 0;
  bool hasGpu = false;
  /// Experts in RAM are each in buffers of its own, since some are elsewhere; else they are parts of whole tensors.
  bool expertsApart = false;

  const TierUse &of(Tier tier) const { return tiers[static_cast<size_t>(tier)]; }
  TierUse &of(Tier tier) { return tiers[static_cast<size_t>(tier)]; }
  /// Of a layer that has experts. On disk: where it is until it is used.
  Tier expertTier(uint32_t layer, uint32_t expert) const {
    return expertTiers[size_t{layer - denseLayers} * expertsPerLayer + expert];
  }
  /// Compute goes to where the expert is: what is not on the GPU is computed by the host.
  ComputeDevice decodeDevice(uint32_t layer, uint32_t expert) const {
    return expertTier(layer, expert) == Tier::Gpu ? ComputeDevice::Gpu : ComputeDevice::Host;
  }
  /// In a prompt an expert is used by many tokens: with a GPU all are computed there.
  ComputeDevice promptDevice() const { return hasGpu ? ComputeDevice::Gpu : ComputeDevice::Host; }
  bool isPinnedInRam(uint32_t layer, uint32_t expert) const {
    return pinnedInRam[size_t{layer - denseLayers} * expertsPerLayer + expert];
  }
  /// Slots in RAM that are a cache, for as many experts as are in tier ram and not pinned.
  uint32_t cacheSlots(uint32_t layer) const;
  /// Of all layers.
  uint64_t cacheSlots() const;
  /// The usage counts of a layer that has experts; empty if there are none.
  std::span<const uint64_t> usageOf(uint32_t layer) const;
  /// The experts of a layer in a tier, the most used first; of equals, and without usage counts, the lowest numbers.
  std::vector<uint32_t> mostUsed(uint32_t layer, Tier tier) const;
  /// True if everything is where the device that computes prompts is: then it computes all, and nothing moves.
  bool inOneTier() const;
  /// Layers whose dense part is in a tier. Those on the GPU are the first ones.
  uint32_t denseLayersIn(Tier tier) const;
};

/// The tier of a tensor that is no routed expert.
Tier tensorTier(const Plan &plan, const WeightTensor &tensor);

/// Decides. What does not fit goes down a tier: experts from the GPU to RAM to disk, the output matrix and the last
/// layers as a whole from the GPU to RAM. Exit code 2 for settings that overflow and for a policy that pins by usage
/// counts without any, 1 for usage counts of another model. A plan that does
/// not fit has a shortfall.
Result<Plan> makePlan(const ModelWeights &weights, const MachineDescription &machine, const PlanRequest &request);

} // namespace strata
