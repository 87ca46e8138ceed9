// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Moe/Passes.h"

#include "dialects/Moe/MoeOps.h"
#include "passes/Statistics.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace strata::moe {

#define GEN_PASS_DEF_MOEGROUPEXPERTS
#include "passes/Moe/Passes.h.inc"

namespace {

/// A shared expert: `down (silu(gate x) * up x)`.
struct SharedExpert {
  Value gate, up, down;
};

/// The shared expert that makes `value`, and nothing else, of `input`.
std::optional<SharedExpert> sharedExpertFor(Value value, Value input) {
  auto down = value.getDefiningOp<DequantMatmulOp>();
  if (!down || !down->hasOneUse() || down.getResidual())
    return std::nullopt;
  auto hidden = down.getInput().getDefiningOp<GatedMatmulOp>();
  if (!hidden || !hidden->hasOneUse() || hidden.getInput() != input)
    return std::nullopt;
  return SharedExpert{hidden.getGate(), hidden.getUp(), down.getWeight()};
}

/// The sum that alone uses `value`; null if there is none.
AddOp onlySumOf(Value value) {
  return value.hasOneUse() ? dyn_cast<AddOp>(*value.user_begin()) : nullptr;
}

Value otherOperand(AddOp sum, Value operand) {
  return sum.getLhs() == operand ? sum.getRhs() : sum.getLhs();
}

/// Starts at the experts and not at a sum: `experts + shared` is a sum with experts too, and would be taken for a
/// residual.
struct GroupExperts : OpRewritePattern<ExpertsOp> {
  GroupExperts(MLIRContext *context, unsigned &grouped, unsigned &shared)
      : OpRewritePattern(context), grouped(grouped), shared(shared) {}

  LogicalResult matchAndRewrite(ExpertsOp op, PatternRewriter &rewriter) const override {
    AddOp sum = onlySumOf(op.getResult());
    if (!sum)
      return rewriter.notifyMatchFailure(op, "the experts' sum is not only added to something");
    Value addend = otherOperand(sum, op.getResult());
    std::optional<SharedExpert> sharedExpert = sharedExpertFor(addend, op.getInput());
    if (!sharedExpert) {
      replace(sum, op, SharedExpert(), addend, rewriter);
      return success();
    }
    AddOp residualSum = onlySumOf(sum.getResult());
    if (!residualSum)
      return rewriter.notifyMatchFailure(op, "routed and shared experts are not only added to a residual");
    replace(residualSum, op, *sharedExpert, otherOperand(residualSum, sum.getResult()), rewriter);
    ++shared;
    return success();
  }

private:
  void replace(AddOp sum, ExpertsOp op, const SharedExpert &expert, Value residual, PatternRewriter &rewriter) const {
    // At the sum, where the residual is known.
    rewriter.setInsertionPoint(sum);
    rewriter.replaceOpWithNewOp<GroupedExpertsOp>(sum, op.getInput(), op.getIds(), op.getWeights(), op.getGate(),
                                                  op.getUp(), op.getDown(), expert.gate, expert.up, expert.down,
                                                  residual);
    ++grouped;
  }

  unsigned &grouped;
  unsigned &shared;
};

struct GroupExpertsPass : impl::MoeGroupExpertsBase<GroupExpertsPass> {
  void runOnOperation() override {
    unsigned grouped = 0, shared = 0;
    RewritePatternSet patterns(&getContext());
    patterns.add<GroupExperts>(&getContext(), grouped, shared);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    reportStatistics(getOperation(), getArgument(), {{"grouped", grouped}, {"shared", shared}});
  }
};

} // namespace
} // namespace strata::moe
