// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Plan/VerifyTiers.h"

#include "passes/Plan/TierUse.h"

using namespace mlir;
using namespace strata;
using namespace strata::plan;

/// One cache, for either encoding.
static LogicalResult verifyCacheArena(ArenaOp arena) {
  KvCacheOp held;
  for (auto cache : arena->getParentOfType<ModuleOp>().getOps<KvCacheOp>()) {
    if (cache.getArenaAttr().getAttr() != arena.getSymNameAttr())
      continue;
    if (held)
      return cache.emitOpError() << "is a second cache in @" << arena.getSymName();
    held = cache;
  }
  if (!held || !arena.getBytes())
    return success();
  for (auto [bytes, numberBytes] : llvm::zip(arena.getBytes()->getValues(), ArrayRef<uint64_t>({2, 4})))
    if (Checked needed = cacheBytes(held, numberBytes); !needed.atMost(bytes))
      return arena.emitOpError() << "@" << arena.getSymName() << " has " << bytes << " bytes for "
                                 << (needed.valid() ? std::to_string(needed.value()) : "2^64 or more");
  return success();
}

static LogicalResult verifyArena(ArenaOp arena) {
  ModuleOp plan = arena->getParentOfType<ModuleOp>();
  // A GPU copies from pinned RAM, but computes with nothing that is there.
  bool pinned =
      arena.getKind() == ArenaKind::staging && arena.getDevice() == DeviceKind::gpu && arena.getTier() == Tier::ram;
  if (!pinned && !sees(arena.getDevice(), arena.getTier()))
    return arena.emitOpError() << "@" << arena.getSymName() << ": the " << stringifyDeviceKind(arena.getDevice())
                               << " does not see " << stringifyTier(arena.getTier());
  for (auto other : plan.getOps<ArenaOp>()) {
    if (other == arena)
      break;
    if (other.getKind() == arena.getKind() && other.getDevice() == arena.getDevice() &&
        other.getTier() == arena.getTier())
      return arena.emitOpError() << "@" << arena.getSymName() << " is a second arena of kind "
                                 << stringifyArenaKind(arena.getKind()) << " on the "
                                 << stringifyDeviceKind(arena.getDevice()) << " in " << stringifyTier(arena.getTier());
  }
  Checked needed = 0;
  if (arena.getKind() == ArenaKind::weights)
    needed = residentBytes(plan, arena.getTier());
  else if (arena.getKind() == ArenaKind::experts)
    needed = expertBytes(plan, arena.getTier());
  else if (arena.getKind() == ArenaKind::kv)
    return verifyCacheArena(arena);
  if (arena.getBytes() && !needed.atMost(arena.getBytes()->getValues()[0]))
    return arena.emitOpError() << "@" << arena.getSymName() << " has " << arena.getBytes()->getValues()[0]
                               << " bytes for " << (needed.valid() ? std::to_string(needed.value()) : "2^64 or more");
  return success();
}

/// What is in a tier has an arena there.
static LogicalResult verifyHasArena(ModuleOp plan, ArenaKind kind, Tier tier, Checked bytes) {
  if (bytes.atMost(0))
    return success();
  for (auto arena : plan.getOps<ArenaOp>())
    if (arena.getKind() == kind && arena.getTier() == tier)
      return success();
  return plan.emitError() << "the plan has " << (kind == ArenaKind::weights ? "weights" : "experts") << " in "
                          << stringifyTier(tier) << " and no arena of kind " << stringifyArenaKind(kind) << " there";
}

static LogicalResult verifyBudget(BudgetOp budget) {
  if (budget.getTier() == Tier::disk && budget.getBytes() == 0)
    return success(); // Its capacity is not known.
  Checked arenas = tierBytes(budget->getParentOfType<ModuleOp>(), budget.getTier());
  if ((arenas + budget.getReserved() + budget.getHeadRoom()).atMost(budget.getBytes()))
    return success();
  return budget.emitOpError() << "the plan needs " << (arenas.valid() ? std::to_string(arenas.value()) : "2^64 or more")
                              << " bytes of " << stringifyTier(budget.getTier()) << ", which has " << budget.getBytes()
                              << ", with " << budget.getReserved() << " reserved and " << budget.getHeadRoom()
                              << " of head room";
}

static LogicalResult verifyExperts(ExpertsOp line) {
  for (auto other : line->getParentOfType<ModuleOp>().getOps<ExpertsOp>()) {
    if (other == line)
      break;
    bool apart = other.getFirstLayer() >= uint64_t(line.getFirstLayer()) + line.getLayers() ||
                 line.getFirstLayer() >= uint64_t(other.getFirstLayer()) + other.getLayers();
    if (!apart)
      return line.emitOpError() << "layer " << std::max(line.getFirstLayer(), other.getFirstLayer())
                                << " is in two lines";
  }
  return success();
}

/// The weights of a layer are where the device is that computes it, those of the host's and of the head in RAM.
static LogicalResult verifyHostLayers(HostLayersOp split) {
  ModuleOp plan = split->getParentOfType<ModuleOp>();
  for (auto tensor : plan.getOps<TensorOp>()) {
    if (!tensor.getTier())
      continue;
    if (!tensor.getLayers() && *tensor.getTier() != Tier::ram)
      return tensor.emitOpError() << "\"" << tensor.getName() << "\" is in " << stringifyTier(*tensor.getTier())
                                  << ", and plan.host_layers gives the head to the host";
    if (!tensor.getLayers())
      continue;
    bool ofHost = *tensor.getTier() == Tier::ram;
    uint64_t first = *tensor.getFirstLayer(), end = first + *tensor.getLayers();
    if (ofHost ? first < split.getFirstLayer() : end > split.getFirstLayer())
      return tensor.emitOpError() << "\"" << tensor.getName() << "\" of layer "
                                  << (ofHost ? first : std::max<uint64_t>(first, split.getFirstLayer())) << " is in "
                                  << stringifyTier(*tensor.getTier())
                                  << ", and plan.host_layers gives the layer to the " << (ofHost ? "gpu" : "host");
  }
  for (auto line : plan.getOps<ExpertsOp>())
    if (line.getGpu().size() != 0 && uint64_t(line.getFirstLayer()) + line.getLayers() > split.getFirstLayer())
      return line.emitOpError() << "has experts in gpu of layers from " << split.getFirstLayer()
                                << " on, which plan.host_layers gives to the host";
  return success();
}

LogicalResult plan::verifyTiers(ModuleOp plan) {
  for (auto split : plan.getOps<HostLayersOp>())
    if (failed(verifyHostLayers(split)))
      return failure();
  for (auto line : plan.getOps<ExpertsOp>())
    if (failed(verifyExperts(line)))
      return failure();
  for (auto arena : plan.getOps<ArenaOp>())
    if (failed(verifyArena(arena)))
      return failure();
  for (Tier tier : {Tier::gpu, Tier::ram})
    if (failed(verifyHasArena(plan, ArenaKind::weights, tier, residentBytes(plan, tier))) ||
        failed(verifyHasArena(plan, ArenaKind::experts, tier, expertBytes(plan, tier))))
      return failure();
  for (auto tensor : plan.getOps<TensorOp>())
    if (tensor.getTier() == Tier::disk)
      return tensor.emitOpError() << "\"" << tensor.getName() << "\" is on disk as a whole; only experts can be";
  for (auto budget : plan.getOps<BudgetOp>())
    if (failed(verifyBudget(budget)))
      return failure();
  return success();
}

/// True if a stream before `dispatch` in its stage brings the weight.
static bool isStreamed(WeightOp weight, DispatchOp dispatch) {
  for (Operation *user : weight->getUsers())
    if (isa<StreamOp>(user) && user->getBlock() == dispatch->getBlock() && user->isBeforeInBlock(dispatch))
      return true;
  return false;
}

/// Only operations on experts can do with some of them.
static LogicalResult verifyReader(WeightOp weight, DispatchOp dispatch) {
  switch (dispatch.getKind()) {
  case OperationKind::experts_gate_up:
  case OperationKind::experts_down:
  case OperationKind::experts:
  case OperationKind::experts_grouped:
    return success();
  default:
    return dispatch.emitOpError() << "reads \"" << weight.getName()
                                  << "\" as a whole, and it is by experts in the weight table";
  }
}

LogicalResult plan::verifyExpertUses(WeightOp weight, uint32_t layer) {
  for (Operation *user : weight->getUsers())
    if (auto dispatch = dyn_cast<DispatchOp>(user); dispatch && failed(verifyReader(weight, dispatch)))
      return failure();
  ExpertsOp line = findExperts(weight->getParentOfType<ModuleOp>(), layer);
  if (!line)
    return weight.emitOpError() << "\"" << weight.getName() << "\" of layer " << layer
                                << " is by experts, and the layer is in no plan.experts";
  if (cast<RankedTensorType>(weight.getType()).getShape().front() != line.getExperts())
    return weight.emitOpError() << "\"" << weight.getName() << "\" has not the " << line.getExperts()
                                << " experts that plan.experts has in layer " << layer;
  Phase phase = weight->getParentOfType<ProgramOp>().getPhase();
  bool onGpu = false, onHost = false;
  for (Operation *user : weight->getUsers()) {
    auto dispatch = dyn_cast<DispatchOp>(user);
    if (!dispatch)
      continue;
    (dispatch.getDevice() == DeviceKind::gpu ? onGpu : onHost) = true;
    if (dispatch.getDevice() == DeviceKind::gpu && !line.getGpuSet(phase).within(line.getGpu()) &&
        !isStreamed(weight, dispatch))
      return dispatch.emitOpError() << "computes experts of \"" << weight.getName() << "\" in layer " << layer
                                    << " on the gpu that are not there, and no plan.stream before it brings them";
  }
  uint64_t gpuCount = line.getGpuSet(phase).size();
  if ((gpuCount != 0 && !onGpu) || (gpuCount != line.getExperts() && !onHost))
    return weight.emitOpError() << "\"" << weight.getName() << "\" in layer " << layer << ": experts of the "
                                << (gpuCount != 0 && !onGpu ? "gpu" : "host") << " are computed by nothing";
  return success();
}
