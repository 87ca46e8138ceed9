// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Plan/TierUse.h"

#include "runtime/Schema/SlotBytes.h"

using namespace mlir;
using namespace strata;
using namespace strata::plan;

std::optional<uint64_t> plan::arenaBytes(ArenaOp arena) {
  SettingsOp settings = SettingsOp::lookup(arena);
  if (!arena.getBytes() || !settings)
    return std::nullopt;
  size_t chosen = 0;
  switch (arena.getKind()) {
  case ArenaKind::weights:
  case ArenaKind::experts:
  case ArenaKind::staging:
    break;
  case ArenaKind::kv:
    chosen = static_cast<size_t>(settings.getKv());
    break;
  case ArenaKind::decode:
    chosen = static_cast<size_t>(settings.getDecodeActivations());
    break;
  case ArenaKind::prompt:
  case ArenaKind::chunk:
    chosen = static_cast<size_t>(settings.getPromptActivations());
    break;
  }
  return static_cast<uint64_t>(arena.getBytes()->getValues()[chosen]);
}

Checked plan::residentBytes(ModuleOp plan, Tier tier) {
  Checked bytes = 0;
  for (auto tensor : plan.getOps<TensorOp>())
    if (tensor.getTier() == tier)
      bytes += Checked(*weightBytes(tensor.getType())).alignUp(kAlignment) * tensor.getTensorCount();
  return bytes;
}

Checked plan::expertBytes(ModuleOp plan, Tier tier) {
  Checked bytes = 0;
  for (auto tensor : plan.getOps<TensorOp>()) {
    if (tensor.getTier())
      continue;
    int64_t experts = tensor.getType().getShape().front();
    Checked all = *weightBytes(tensor.getType());
    if (!(all % experts).atMost(0))
      return Checked(-1);
    Checked slab = tier == Tier::ram ? slabBufferBytes(all / experts) : (all / experts).alignUp(kAlignment);
    for (uint64_t layer = *tensor.getFirstLayer(), end = layer + *tensor.getLayers(); layer < end; ++layer)
      if (ExpertsOp line = findExperts(plan, layer))
        bytes += slab * line.getTierSet(tier).size();
  }
  return bytes;
}

Checked plan::cacheBytes(KvCacheOp cache, uint64_t numberBytes) {
  KvType type = cache.getType();
  return Checked(cache.getLayers()) * cache.getBlocks() * cache.getBlockPositions() * numberBytes *
         (Checked(type.getLatent()) + type.getRope());
}

Checked plan::tierBytes(ModuleOp plan, Tier tier) {
  Checked bytes = 0;
  if (tier == Tier::disk) {
    for (auto tensor : plan.getOps<TensorOp>())
      bytes += Checked(*weightBytes(tensor.getType())) * tensor.getTensorCount();
    return bytes;
  }
  for (auto arena : plan.getOps<ArenaOp>())
    if (arena.getTier() == tier)
      bytes += arenaBytes(arena).value_or(0);
  return bytes;
}

TensorOp plan::findTensor(WeightOp weight, std::optional<uint32_t> layer) {
  for (auto tensor : weight->getParentOfType<ModuleOp>().getOps<TensorOp>()) {
    if (tensor.getNameAttr() != weight.getNameAttr() || tensor.getType() != weight.getType())
      continue;
    if (!layer || (*tensor.getFirstLayer() <= *layer && *layer - *tensor.getFirstLayer() < *tensor.getLayers()))
      return tensor;
  }
  return {};
}

ExpertsOp plan::findExperts(ModuleOp plan, uint64_t layer) {
  for (auto line : plan.getOps<ExpertsOp>())
    if (line.hasLayer(layer))
      return line;
  return {};
}

bool plan::readsByExperts(DispatchOp dispatch) {
  auto module = dispatch->getParentOfType<ModuleOp>();
  return llvm::any_of(dispatch.getReads(), [&](Value read) {
    auto weight = read.getDefiningOp<WeightOp>();
    return weight && llvm::any_of(module.getOps<TensorOp>(), [&](TensorOp tensor) {
             return tensor.getNameAttr() == weight.getNameAttr() && !tensor.getTier();
           });
  });
}
