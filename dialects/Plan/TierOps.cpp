// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Operations of plans over several tiers: where experts are, what a tier has room for, and what devices tell each
// other.

#include "dialects/Plan/PlanOps.h"

using namespace mlir;
using namespace strata::plan;

std::optional<DeviceKind> strata::plan::deviceOf(Operation *step) {
  if (auto dispatch = dyn_cast<DispatchOp>(step))
    return dispatch.getDevice();
  if (auto transfer = dyn_cast<TransferOp>(step))
    return transfer.getDevice();
  if (auto wait = dyn_cast<WaitOp>(step))
    return wait.getDevice();
  return std::nullopt;
}

//===-- Experts and budgets -------------------------------------------------------------------------------------===//

ExpertSetAttr ExpertsOp::getTierSet(Tier tier) {
  return tier == Tier::gpu ? getGpu() : tier == Tier::ram ? getRam() : getDisk();
}

ExpertSetAttr ExpertsOp::getGpuSet(Phase phase) {
  return phase == Phase::decode ? getDecodeGpu() : getPromptGpu();
}

LogicalResult ExpertsOp::verify() {
  constexpr uint32_t kMost = std::numeric_limits<int32_t>::max();
  if (getLayers() == 0 || getLayers() > kMost || getFirstLayer() > kMost - getLayers())
    return emitOpError("the count of layers must not be zero, nor the last one beyond 2^31 - 1");
  std::vector<std::pair<int32_t, int32_t>> all;
  for (ExpertSetAttr set : {getGpu(), getRam(), getDisk(), getPinned(), getDecodeGpu(), getPromptGpu()})
    for (auto [first, last] : set.getRanges())
      if (uint32_t(last) >= getExperts())
        return emitOpError() << "there is no expert " << last << " of " << getExperts();
  for (Tier tier : {Tier::gpu, Tier::ram, Tier::disk})
    llvm::append_range(all, getTierSet(tier).getRanges());
  llvm::sort(all);
  int64_t next = 0;
  for (auto [first, last] : all) {
    if (first < next)
      return emitOpError() << "expert " << first << " is in two tiers";
    if (first > next)
      return emitOpError() << "expert " << next << " is in no tier";
    next = int64_t(last) + 1;
  }
  if (next != getExperts())
    return emitOpError() << "expert " << next << " is in no tier";
  if (!getPinned().within(getRam()))
    return emitOpError("experts are pinned that are not in ram");
  if (getSlots() + getPinned().size() != getRam().size())
    return emitOpError() << "ram has " << getRam().size() << " experts, but " << getPinned().size()
                         << " that are pinned and " << getSlots() << " slots";
  if (getPolicy() == CachePolicy::pinned && getSlots() != 0)
    return emitOpError() << "the policy pinned has no slots, and these are " << getSlots();
  for (Phase phase : {Phase::decode, Phase::prompt})
    if (!getGpu().within(getGpuSet(phase)))
      return emitOpError() << "the host would compute experts in a " << stringifyPhase(phase)
                           << " program that it does not see: they are in gpu";
  if (!getDecodeGpu().within(getGpu()))
    return emitOpError("the gpu would compute experts when decoding that it does not see: they are not in gpu");
  return success();
}

LogicalResult HostLayersOp::verify() {
  constexpr uint32_t kMost = std::numeric_limits<int32_t>::max();
  if (getLayers() == 0 || getLayers() > kMost || getFirstLayer() > getLayers())
    return emitOpError() << "there is no layer " << getFirstLayer() << " of " << getLayers();
  if (*(*this)->getParentOfType<ModuleOp>().getOps<HostLayersOp>().begin() != *this)
    return emitOpError("a module has at most one");
  return success();
}

LogicalResult BudgetOp::verify() {
  for (uint64_t size : {getBytes(), getReserved(), getHeadRoom()})
    if (size > uint64_t(std::numeric_limits<int64_t>::max()))
      return emitOpError("a size must not be negative");
  for (auto other : (*this)->getParentOfType<ModuleOp>().getOps<BudgetOp>()) {
    if (other == *this)
      break;
    if (other.getTier() == getTier())
      return emitOpError() << "the tier " << stringifyTier(getTier()) << " has two budgets";
  }
  return success();
}

//===-- Transfers -----------------------------------------------------------------------------------------------===//

/// The device of a buffer's arena; nothing if there is no such arena, which the buffer's own verifier refuses.
static std::optional<DeviceKind> deviceOfBuffer(Value value) {
  auto buffer = value.getDefiningOp<BufferOp>();
  ArenaOp arena = buffer ? buffer.getArenaOp() : ArenaOp();
  if (!arena)
    return std::nullopt;
  return arena.getDevice();
}

DeviceKind TransferOp::getDevice() {
  return deviceOfBuffer(getSource()).value_or(DeviceKind::host);
}

LogicalResult TransferOp::verify() {
  BufferType from = getSource().getType(), to = getDestination().getType();
  if (from.getColumns() != to.getColumns() || from.getElement() != to.getElement())
    return emitOpError("copies rows of one kind: source and destination must agree in columns and element");
  Rows stage = cast<StageOp>((*this)->getParentOp()).getRows();
  for (BufferType type : {from, to})
    if (!sees(stage, type.getRows()))
      return emitOpError() << "a stage over " << stringifyRows(stage) << " rows does not see a buffer of "
                           << stringifyRows(type.getRows()) << " rows";
  if (deviceOfBuffer(getSource()) == deviceOfBuffer(getDestination()))
    return emitOpError("source and destination must be on different devices");
  return success();
}

LogicalResult WaitOp::verify() {
  auto transfer = getEvent().getDefiningOp<TransferOp>();
  if (!transfer)
    return emitOpError("waits for the event of a plan.transfer");
  if (transfer.getDevice() == getDevice())
    return emitOpError() << "the " << stringifyDeviceKind(getDevice())
                         << " need not wait for a transfer that is a step of its own";
  return success();
}

LogicalResult StreamOp::verifySymbolUses(SymbolTableCollection &symbols) {
  for (auto [symbol, tier] : {std::pair(getRingAttr(), Tier::ram), std::pair(getStagingAttr(), Tier::gpu)}) {
    auto arena = symbols.lookupNearestSymbolFrom<ArenaOp>((*this)->getParentOfType<ModuleOp>(), symbol);
    if (!arena || arena.getKind() != ArenaKind::staging || arena.getDevice() != DeviceKind::gpu ||
        arena.getTier() != tier)
      return emitOpError() << symbol << " is not the gpu's arena of kind staging in " << stringifyTier(tier);
  }
  return success();
}
