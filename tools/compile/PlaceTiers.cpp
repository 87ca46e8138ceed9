// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/compile/PlaceTiers.h"

#include "dialects/Plan/PlanOps.h"

#include "mlir/IR/Builders.h"

#include <algorithm>
#include <fmt/format.h>

namespace strata::compile {

namespace {

/// Where one layer's experts are.
struct LayerSets {
  std::vector<bool> gpu, ram, disk, pinned, promptGpu;
  bool operator==(const LayerSets &) const = default;
};

LayerSets setsOf(const Plan &plan, uint32_t layer) {
  LayerSets sets;
  for (uint32_t expert = 0; expert < plan.expertsPerLayer; ++expert) {
    Tier tier = plan.expertTier(layer, expert);
    sets.gpu.push_back(tier == Tier::Gpu);
    sets.ram.push_back(tier == Tier::Ram);
    sets.disk.push_back(tier == Tier::Disk);
    sets.pinned.push_back(plan.isPinnedInRam(layer, expert));
    sets.promptGpu.push_back(plan.promptDevice() == ComputeDevice::Gpu);
  }
  return sets;
}

void emitExperts(mlir::OpBuilder &builder, uint32_t first, uint32_t count, const LayerSets &sets,
                 plan::CachePolicy policy) {
  auto set = [&](const std::vector<bool> &members) { return plan::ExpertSetAttr::of(builder.getContext(), members); };
  plan::ExpertSetAttr ram = set(sets.ram), pinned = set(sets.pinned);
  plan::ExpertsOp::create(builder, builder.getUnknownLoc(), first, count, static_cast<uint32_t>(sets.gpu.size()),
                          set(sets.gpu), ram, set(sets.disk), pinned, static_cast<uint32_t>(ram.size() - pinned.size()),
                          policy, set(sets.gpu), set(sets.promptGpu));
}

void emitStaging(mlir::OpBuilder &builder, plan::DeviceKind device, plan::Tier tier, uint64_t bytes) {
  auto sizes = plan::SizesAttr::get(builder.getContext(), {static_cast<int64_t>(bytes)});
  bool ring = device == plan::DeviceKind::gpu && tier == plan::Tier::ram;
  plan::ArenaOp::create(builder, builder.getUnknownLoc(), ring ? "ring" : "staging", plan::ArenaKind::staging, device,
                        tier, sizes, sizes);
}

plan::Tier mirror(Tier tier) {
  return tier == Tier::Gpu ? plan::Tier::gpu : tier == Tier::Ram ? plan::Tier::ram : plan::Tier::disk;
}

plan::CachePolicy mirror(CachePolicyKind kind) {
  switch (kind) {
  case CachePolicyKind::Pinned:
    return plan::CachePolicy::pinned;
  case CachePolicyKind::Lfu:
    return plan::CachePolicy::lfu;
  case CachePolicyKind::PinnedLru:
    return plan::CachePolicy::pinned_lru;
  case CachePolicyKind::Lru:
    break;
  }
  return plan::CachePolicy::lru;
}

/// Bytes of the planner's arenas with a name in a tier.
uint64_t arenaBytes(const Plan &plan, std::string_view name, Tier tier) {
  uint64_t bytes = 0;
  for (const PlannedArena &arena : plan.arenas)
    if (arena.name == name && arena.tier == tier)
      bytes += arena.bytes;
  return bytes;
}

void emitBudgets(mlir::OpBuilder &builder, const Plan &plan, uint64_t workerScratch) {
  for (Tier tier : {Tier::Gpu, Tier::Ram, Tier::Disk}) {
    const TierUse &use = plan.of(tier);
    if (tier == Tier::Gpu && !plan.hasGpu)
      continue;
    uint64_t reserved = tier == Tier::Gpu   ? arenaBytes(plan, "driver", tier)
                        : tier == Tier::Ram ? arenaBytes(plan, "process", tier) + workerScratch
                                            : 0;
    plan::BudgetOp::create(builder, builder.getUnknownLoc(), mirror(tier), use.budget, reserved, use.headRoom);
  }
}

} // namespace

Result<void> placeTiers(mlir::ModuleOp module, const Plan &plan, uint64_t workerScratch) {
  auto builder = mlir::OpBuilder::atBlockBegin(module.getBody());
  emitBudgets(builder, plan, workerScratch);
  if (plan.inOneTier())
    return {};
  for (const PlannedArena &arena : plan.arenas)
    if (arena.name == "staging")
      emitStaging(builder, plan.hasGpu ? plan::DeviceKind::gpu : plan::DeviceKind::host, mirror(arena.tier),
                  arena.bytes);
  auto layers = static_cast<uint32_t>(plan.layers.size());
  if (plan.hasGpu && plan.output != Tier::Gpu) {
    if (plan.expertTiers.empty())
      return fail(
          ExitCode::Machine, "",
          fmt::format("the GPU has room for {} of {} layers, and a model without routed experts is compiled for "
                      "one device only: give the GPU more memory, or choose --machine=host",
                      plan.denseLayersIn(Tier::Gpu), layers));
    plan::HostLayersOp::create(builder, builder.getUnknownLoc(), plan.denseLayersIn(Tier::Gpu), layers);
  }
  for (uint32_t first = plan.denseLayers, next; first < layers; first = next) {
    LayerSets sets = setsOf(plan, first);
    for (next = first + 1; next < layers && setsOf(plan, next) == sets;)
      ++next;
    emitExperts(builder, first, next - first, sets, mirror(plan.cachePolicy));
  }
  return {};
}

void placeSomewhere(mlir::ModuleOp module, const TierShape &shape) {
  auto builder = mlir::OpBuilder::atBlockBegin(module.getBody());
  auto emit = [&](uint32_t first, uint32_t end, bool onGpu) {
    LayerSets sets;
    for (uint32_t expert = 0; expert < shape.experts; ++expert) {
      bool inGpu = onGpu && expert == 0 && shape.experts > 1;
      sets.gpu.push_back(inGpu);
      sets.ram.push_back(false);
      sets.disk.push_back(!inGpu);
      sets.pinned.push_back(false);
      sets.promptGpu.push_back(shape.hasGpu);
    }
    if (first < end)
      emitExperts(builder, first, end - first, sets, plan::CachePolicy::lru);
  };
  uint32_t divide = std::clamp(shape.gpuLayers.value_or(shape.layers), shape.denseLayers, shape.layers);
  emit(shape.denseLayers, divide, shape.hasGpu);
  emit(divide, shape.layers, false);
  if (shape.gpuLayers)
    plan::HostLayersOp::create(builder, builder.getUnknownLoc(), *shape.gpuLayers, shape.layers);
  if (!shape.hasGpu)
    return;
  emitStaging(builder, plan::DeviceKind::gpu, plan::Tier::gpu, 0);
  emitStaging(builder, plan::DeviceKind::gpu, plan::Tier::ram, 0);
}

} // namespace strata::compile
