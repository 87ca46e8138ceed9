// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tests/tools/PlanMutations.h"

#include "dialects/Plan/OperandRules.h"
#include "dialects/Plan/PlanOps.h"
#include "passes/Plan/Passes.h"
#include "passes/Plan/TierUse.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"

#include <gtest/gtest.h>

namespace strata::compile {
namespace {

using namespace plan;
using Dice = std::mt19937_64;

/// All operations of a kind, or those that a condition takes.
template <typename Op> std::vector<Op> all(mlir::ModuleOp plan, llvm::function_ref<bool(Op)> takes = {}) {
  std::vector<Op> found;
  plan.walk([&](Op op) {
    if (!takes || takes(op))
      found.push_back(op);
  });
  return found;
}

template <typename Op> Op oneOf(const std::vector<Op> &ops, Dice &dice) {
  return ops.empty() ? Op() : ops[dice() % ops.size()];
}

bool moveTensor(mlir::ModuleOp plan, Dice &dice) {
  auto tensor = oneOf(all<TensorOp>(plan, [](TensorOp one) { return one.getTier().has_value(); }), dice);
  if (!tensor)
    return false;
  Tier other = *tensor.getTier() == Tier::ram ? Tier::gpu : Tier::ram;
  tensor.setTier(dice() % 4 == 0 ? Tier::disk : other);
  return true;
}

bool removeTransfer(mlir::ModuleOp plan, Dice &dice) {
  auto transfer = oneOf(all<TransferOp>(plan), dice);
  if (!transfer)
    return false;
  for (mlir::Operation *wait : llvm::make_early_inc_range(transfer->getUsers()))
    wait->erase();
  transfer.erase();
  return true;
}

bool removeWait(mlir::ModuleOp plan, Dice &dice) {
  auto wait = oneOf(all<WaitOp>(plan), dice);
  if (wait)
    wait.erase();
  return bool(wait);
}

bool removeStream(mlir::ModuleOp plan, Dice &dice) {
  auto stream = oneOf(all<StreamOp>(plan), dice);
  if (stream)
    stream.erase();
  return bool(stream);
}

bool exceedBudget(mlir::ModuleOp plan, Dice &dice) {
  auto budget = oneOf(all<BudgetOp>(plan, [](BudgetOp one) { return one.getTier() != Tier::disk; }), dice);
  uint64_t needed = (tierBytes(plan, budget.getTier()) + budget.getReserved() + budget.getHeadRoom()).value();
  // A byte less than all that is there: in what the tier has, or of what stays free.
  if (dice() % 2)
    budget.setBytes(needed - 1);
  else
    budget.setHeadRoom(budget.getHeadRoom() + budget.getBytes() - needed + 1);
  return true;
}

bool shrinkArena(mlir::ModuleOp plan, Dice &dice) {
  auto arena =
      oneOf(all<ArenaOp>(plan,
                         [](ArenaOp one) {
                           return one.getKind() != ArenaKind::staging && one.getBytes()->getValues().back() != 0;
                         }),
            dice);
  mlir::SmallVector<int64_t> bytes(arena.getBytes()->getValues());
  bytes.back() -= std::min(bytes.back(), kAlignment); // The last buffer ends in the last of these.
  auto sizes = SizesAttr::get(plan.getContext(), bytes);
  arena.setBytesAttr(sizes);
  arena.setLiveAttr(SizesAttr::get(plan.getContext(), mlir::SmallVector<int64_t>(bytes.size(), 0)));
  return true;
}

/// The buffers that a dispatch reads, but for its scratch.
mlir::SmallVector<mlir::Value> buffersRead(DispatchOp dispatch) {
  mlir::SmallVector<mlir::Value> buffers;
  unsigned scratch = firstScratchRead(dispatch.getKind()).value_or(std::numeric_limits<unsigned>::max());
  for (auto [position, read] : llvm::enumerate(dispatch.getOrderedReads()))
    if (position < scratch && read && mlir::isa<BufferType>(read.getType()))
      buffers.push_back(read);
  return buffers;
}

/// A dispatch before the one that makes what it reads.
bool swapOrder(mlir::ModuleOp plan, Dice &dice) {
  std::vector<std::pair<DispatchOp, DispatchOp>> pairs;
  plan.walk([&](DispatchOp reader) {
    for (mlir::Value read : buffersRead(reader)) {
      auto buffer = read.getDefiningOp<BufferOp>();
      if (buffer.getRole() != Role::intermediate)
        continue;
      mlir::SmallVector<mlir::Operation *> writers;
      for (mlir::Operation *user : buffer->getUsers()) {
        auto dispatch = mlir::dyn_cast<DispatchOp>(user);
        if (mlir::isa<TransferOp>(user) || (dispatch && llvm::is_contained(dispatch.getWrites(), read)))
          writers.push_back(user);
      }
      auto writer = writers.size() == 1 ? mlir::dyn_cast<DispatchOp>(writers.front()) : DispatchOp();
      if (writer && writer != reader && writer->getBlock() == reader->getBlock())
        pairs.emplace_back(writer, reader);
    }
  });
  if (pairs.empty())
    return false;
  auto [writer, reader] = pairs[dice() % pairs.size()];
  reader->moveBefore(writer);
  return true;
}

/// A result over an operand.
bool overlap(mlir::ModuleOp plan, Dice &dice) {
  std::vector<std::pair<BufferOp, BufferOp>> pairs;
  plan.walk([&](DispatchOp dispatch) {
    for (mlir::Value read : buffersRead(dispatch))
      for (mlir::Value write : dispatch.getWrites()) {
        auto from = read.getDefiningOp<BufferOp>(), to = write.getDefiningOp<BufferOp>();
        if (from && to && from != to && from.getArena() == to.getArena())
          pairs.emplace_back(from, to);
      }
  });
  if (pairs.empty())
    return false;
  auto [from, to] = pairs[dice() % pairs.size()];
  to.setOffsetsAttr(*from.getOffsets());
  return true;
}

bool changeDevice(mlir::ModuleOp plan, Dice &dice) {
  auto dispatch = oneOf(all<DispatchOp>(plan), dice);
  dispatch.setDevice(dispatch.getDevice() == DeviceKind::host ? DeviceKind::gpu : DeviceKind::host);
  return true;
}

/// An expert on the GPU that is computed by the host.
bool loseExpert(mlir::ModuleOp plan, Dice &dice) {
  auto line = oneOf(all<ExpertsOp>(plan, [](ExpertsOp one) { return one.getPromptGpu().size() != 0; }), dice);
  if (!line)
    return false;
  std::vector<bool> members(line.getExperts(), true);
  members[dice() % members.size()] = false;
  line.setPromptGpuAttr(ExpertSetAttr::of(plan.getContext(), members));
  return true;
}

bool moveHostLayers(mlir::ModuleOp plan, Dice &dice) {
  auto split = oneOf(all<HostLayersOp>(plan), dice);
  if (!split)
    return false;
  bool down = split.getFirstLayer() == split.getLayers() || (split.getFirstLayer() != 0 && dice() % 2);
  split.setFirstLayer(split.getFirstLayer() + (down ? -1 : 1));
  return true;
}

bool moveCache(mlir::ModuleOp plan, Dice &dice) {
  auto cache = oneOf(all<KvCacheOp>(plan), dice);
  cache.setFirstLayer(cache.getFirstLayer() + 1);
  return true;
}

struct Mutation {
  const char *name;
  bool (*change)(mlir::ModuleOp plan, Dice &dice); ///< False: there is no place for it.
};

constexpr Mutation kMutations[] = {{"a weight's tier", moveTensor},
                                   {"a transfer removed", removeTransfer},
                                   {"a wait removed", removeWait},
                                   {"a stream removed", removeStream},
                                   {"a budget exceeded", exceedBudget},
                                   {"an arena too small", shrinkArena},
                                   {"order swapped", swapOrder},
                                   {"buffers that overlap", overlap},
                                   {"a device changed", changeDevice},
                                   {"an expert that nothing computes", loseExpert},
                                   {"other layers of the host", moveHostLayers},
                                   {"a cache of other layers", moveCache}};

} // namespace

PlanMutations::PlanMutations(mlir::MLIRContext &context) : verifier(&context) {
  verifier.addPass(createPlanVerify());
}

bool PlanMutations::isRefused(mlir::ModuleOp plan) {
  mlir::ScopedDiagnosticHandler quiet(plan.getContext(), [](mlir::Diagnostic &) { return mlir::success(); });
  return failed(mlir::verify(plan)) || failed(verifier.run(plan));
}

void PlanMutations::expectRefused(mlir::ModuleOp plan, std::mt19937_64 &dice) {
  for (const Mutation &mutation : kMutations) {
    mlir::OwningOpRef<mlir::ModuleOp> changed = plan.clone();
    if (!mutation.change(*changed, dice))
      continue;
    ++tried[mutation.name];
    if (isRefused(*changed))
      continue;
    std::string text;
    llvm::raw_string_ostream stream(text);
    changed->print(stream);
    ADD_FAILURE() << mutation.name << " is not refused:\n" << text;
    return;
  }
}

void PlanMutations::expectAllTried() const {
  for (const Mutation &mutation : kMutations) {
    auto found = tried.find(mutation.name);
    EXPECT_GT(found == tried.end() ? 0 : found->second, 20) << mutation.name;
  }
}

} // namespace strata::compile
