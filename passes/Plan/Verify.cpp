// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/Plan/OperandRules.h"
#include "passes/Plan/DeviceOrder.h"
#include "passes/Plan/LiveRanges.h"
#include "passes/Plan/Passes.h"
#include "passes/Plan/TierUse.h"
#include "passes/Plan/VerifyTiers.h"

#include "llvm/ADT/DenseSet.h"

namespace strata::plan {
#define GEN_PASS_DEF_PLANVERIFY
#include "passes/Plan/Passes.h.inc"
} // namespace strata::plan

using namespace mlir;
using namespace strata;
using namespace strata::plan;

namespace {

class PlanVerify : public plan::impl::PlanVerifyBase<PlanVerify> {
public:
  using PlanVerifyBase::PlanVerifyBase;
  void runOnOperation() override;

private:
  LogicalResult verifyPrograms();
  LogicalResult verifyPlacement(ProgramOp program);
  LogicalResult verifyOrder(ProgramOp program);
  LogicalResult verifyBlockOrder(BlockOp block, llvm::DenseSet<Value> &written);
  LogicalResult verifyReads(DispatchOp dispatch, const llvm::DenseSet<Value> &written);
  LogicalResult verifyVisibility(ProgramOp program);
  LogicalResult verifyWeights(RunOp run);
  LogicalResult verifyCache(RunOp run);
  LogicalResult verifyBudget();
};

StringRef nameOf(Value operand) {
  auto buffer = operand.getDefiningOp<BufferOp>();
  return buffer ? buffer.getName() : "the KV cache";
}

bool isInput(Role role) {
  return role == Role::tokens || role == Role::positions || role == Role::sequences;
}

LogicalResult PlanVerify::verifyPrograms() {
  if (getOperation().getOps<SettingsOp>().empty())
    return getOperation().emitError("a plan needs plan.settings");
  for (Phase phase : {Phase::decode, Phase::prompt}) {
    auto programs = getOperation().getOps<ProgramOp>();
    auto count = llvm::count_if(programs, [&](ProgramOp program) { return program.getPhase() == phase; });
    if (count != 1)
      return getOperation().emitError() << "a plan has one " << stringifyPhase(phase) << " program, not " << count;
  }
  return success();
}

//===-- Memory --------------------------------------------------------------------------------------------------===//

LogicalResult PlanVerify::verifyPlacement(ProgramOp program) {
  std::vector<LiveRange> ranges = computeLiveRanges(program);
  for (ActivationEncoding activations : kActivationEncodings) {
    auto encoding = static_cast<size_t>(activations);
    struct Region {
      LiveRange range;
      ArenaOp arena;
      uint64_t begin, end;
    };
    std::vector<Region> regions;
    for (const LiveRange &range : ranges) {
      BufferOp buffer = range.buffer;
      ArenaOp arena = buffer.getArenaOp();
      if (!buffer.getOffsets() || !arena.getBytes())
        return buffer.emitOpError("has no offset, or its arena no size: run --plan-allocate-arenas before");
      Checked begin = buffer.getOffsets()->getValues()[encoding];
      Checked end = begin + buffer.getBytes(activations);
      if (!end.atMost(arena.getBytes()->getValues()[encoding]))
        return buffer.emitOpError() << "\"" << buffer.getName() << "\" is not inside its arena under "
                                    << stringifyActivationEncoding(activations);
      regions.push_back({range, arena, begin.value(), end.value()});
    }
    // By where they begin: then only the regions up to a region's end can overlap it.
    llvm::stable_sort(regions, [](const Region &a, const Region &b) { return a.begin < b.begin; });
    for (size_t i = 0; i < regions.size(); ++i)
      for (size_t j = i + 1; j < regions.size() && regions[j].begin < regions[i].end; ++j) {
        if (regions[i].arena != regions[j].arena || !regions[i].range.meets(regions[j].range))
          continue;
        BufferOp one = regions[i].range.buffer, other = regions[j].range.buffer;
        InFlightDiagnostic error = one.emitOpError();
        error << "\"" << one.getName() << "\" overlaps \"" << other.getName() << "\" while both are live, under "
              << stringifyActivationEncoding(activations);
        error.attachNote(other.getLoc()) << "the other buffer";
        return error;
      }
  }
  return success();
}

LogicalResult PlanVerify::verifyBudget() {
  if (ramBytes == 0)
    return success();
  SettingsOp settings = *getOperation().getOps<SettingsOp>().begin();
  Checked total = tierBytes(getOperation(), Tier::ram);
  if (total.atMost(ramBytes.getValue()))
    return success();
  return settings.emitError() << "the plan needs " << total.value() << " bytes of ram, but its budget is "
                              << ramBytes.getValue() << "; choose a smaller --context or a machine with more";
}

//===-- Order ---------------------------------------------------------------------------------------------------===//

LogicalResult PlanVerify::verifyReads(DispatchOp dispatch, const llvm::DenseSet<Value> &written) {
  unsigned scratch = firstScratchRead(dispatch.getKind()).value_or(std::numeric_limits<unsigned>::max());
  for (auto [position, read] : llvm::enumerate(dispatch.getOrderedReads()))
    if (read && position < scratch && !isa<RankedTensorType>(read.getType()) && !written.contains(read))
      return dispatch.emitOpError() << "reads " << nameOf(read) << " before anything is written to it";
  for (Value write : dispatch.getWrites())
    if (auto buffer = write.getDefiningOp<BufferOp>(); buffer && isInput(buffer.getRole()))
      return dispatch.emitOpError() << "writes the input " << buffer.getName();
  return success();
}

/// `written`: what buffers of the program hold something before the block, and after it.
LogicalResult PlanVerify::verifyBlockOrder(BlockOp block, llvm::DenseSet<Value> &written) {
  llvm::DenseSet<Value> known = written;
  for (auto stage : block.getBody().getOps<StageOp>()) {
    for (Operation &step : stage.getBody().front()) {
      if (auto transfer = dyn_cast<TransferOp>(step)) {
        if (!known.contains(transfer.getSource()))
          return transfer.emitOpError() << "copies " << nameOf(transfer.getSource())
                                        << " before anything is written to it";
        auto destination = transfer.getDestination().getDefiningOp<BufferOp>();
        if (isInput(destination.getRole()))
          return transfer.emitOpError() << "writes the input " << destination.getName();
        known.insert(transfer.getDestination());
      }
      auto dispatch = dyn_cast<DispatchOp>(step);
      if (!dispatch)
        continue;
      if (failed(verifyReads(dispatch, known)))
        return failure();
      // Scratch holds nothing afterwards.
      known.insert(dispatch.getWrites().begin(), dispatch.getWrites().end());
      if (std::optional<unsigned> scratch = firstScratchRead(dispatch.getKind()))
        for (Value read : llvm::drop_begin(dispatch.getOrderedReads(), *scratch))
          known.erase(read);
    }
    // A stage runs again before the next one does: what is there for a chunk only is not there any more.
    for (auto buffer : block.getBody().getOps<BufferOp>())
      if (Rows rows = buffer.getType().getRows(); rows == Rows::chunk || rows == Rows::output)
        known.erase(buffer.getResult());
  }
  for (Value value : known)
    if (auto buffer = value.getDefiningOp<BufferOp>(); buffer && buffer.getRole() != Role::intermediate)
      written.insert(value);
  return success();
}

LogicalResult PlanVerify::verifyOrder(ProgramOp program) {
  llvm::DenseSet<Value> written;
  for (auto buffer : program.getBody().getOps<BufferOp>())
    if (isInput(buffer.getRole()))
      written.insert(buffer.getResult());
  for (auto run : program.getBody().getOps<RunOp>())
    if (failed(verifyBlockOrder(cast<BlockOp>(SymbolTable::lookupSymbolIn(program, run.getBlockAttr().getAttr())),
                                written)))
      return failure();
  for (auto buffer : program.getBody().getOps<BufferOp>())
    if (buffer.getRole() == Role::logits && written.contains(buffer.getResult()))
      return success();
  return program.emitOpError("writes no logits");
}

//===-- Devices and weights -------------------------------------------------------------------------------------===//

LogicalResult PlanVerify::verifyVisibility(ProgramOp program) {
  auto check = [&](DispatchOp dispatch) -> LogicalResult {
    for (Value operand : dispatch.getOperands()) {
      ArenaOp arena;
      if (auto buffer = operand.getDefiningOp<BufferOp>())
        arena = buffer.getArenaOp();
      else if (auto cache = operand.getDefiningOp<KvCacheOp>())
        arena = SymbolTable::lookupNearestSymbolFrom<ArenaOp>(cache, cache.getArenaAttr());
      if (arena && (arena.getDevice() != dispatch.getDevice() || !sees(dispatch.getDevice(), arena.getTier())))
        return dispatch.emitOpError() << "runs on " << stringifyDeviceKind(dispatch.getDevice())
                                      << ", which does not see " << nameOf(operand) << " in "
                                      << stringifyTier(arena.getTier());
    }
    return success();
  };
  WalkResult result = program.walk([&](DispatchOp dispatch) { return WalkResult(check(dispatch)); });
  return failure(result.wasInterrupted());
}

LogicalResult PlanVerify::verifyWeights(RunOp run) {
  auto block = SymbolTable::lookupNearestSymbolFrom<BlockOp>(run, run.getBlockAttr());
  for (auto weight : block.getBody().getOps<WeightOp>())
    for (uint64_t i = 0; i < run.getLayers().value_or(1); ++i) {
      std::optional<uint32_t> layer;
      if (run.getLayers())
        layer = *run.getFirstLayer() + i;
      TensorOp tensor = findTensor(weight, layer);
      if (!tensor) {
        InFlightDiagnostic error = weight.emitOpError()
                                   << "\"" << weight.getName() << "\" has no line in the weight table";
        return layer ? error << " for layer " << *layer : error;
      }
      if (!tensor.getTier()) {
        if (failed(verifyExpertUses(weight, *layer)))
          return failure();
        continue;
      }
      for (Operation *user : weight->getUsers()) {
        if (isa<StreamOp>(user))
          return user->emitOpError() << "brings \"" << weight.getName() << "\", which is not by experts but in "
                                     << stringifyTier(*tensor.getTier());
        if (auto dispatch = dyn_cast<DispatchOp>(user); dispatch && !sees(dispatch.getDevice(), *tensor.getTier()))
          return dispatch.emitOpError() << "runs on " << stringifyDeviceKind(dispatch.getDevice())
                                        << ", which does not see \"" << weight.getName() << "\" in "
                                        << stringifyTier(*tensor.getTier());
      }
    }
  return success();
}

/// The layers of a run are in the cache that its block uses.
LogicalResult PlanVerify::verifyCache(RunOp run) {
  auto block = SymbolTable::lookupNearestSymbolFrom<BlockOp>(run, run.getBlockAttr());
  uint64_t first = run.getFirstLayer().value_or(0), end = first + run.getLayers().value_or(1);
  for (auto cache : getOperation().getOps<KvCacheOp>()) {
    bool holds = first >= cache.getFirstLayer() && end <= uint64_t(cache.getFirstLayer()) + cache.getLayers();
    for (Operation *user : cache->getUsers())
      if (!holds && user->getParentOfType<BlockOp>() == block)
        return run.emitOpError() << "runs @" << block.getSymName() << " for layers " << first << " to " << end - 1
                                 << ", and its cache is that of layers " << cache.getFirstLayer() << " to "
                                 << uint64_t(cache.getFirstLayer()) + cache.getLayers() - 1;
  }
  return success();
}

void PlanVerify::runOnOperation() {
  markAllAnalysesPreserved();
  if (failed(verifyPrograms()) || failed(verifyBudget()))
    return signalPassFailure();
  for (auto program : getOperation().getOps<ProgramOp>()) {
    if (failed(verifyPlacement(program)) || failed(verifyOrder(program)) || failed(verifyVisibility(program)) ||
        failed(verifyDeviceOrder(program)))
      return signalPassFailure();
    for (auto run : program.getBody().getOps<RunOp>())
      if (failed(verifyWeights(run)) || failed(verifyCache(run)))
        return signalPassFailure();
  }
  if (failed(verifyTiers(getOperation())))
    signalPassFailure();
}

} // namespace
