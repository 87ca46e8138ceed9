// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Moe/Passes.h"

#include "dialects/Moe/MoeOps.h"
#include "passes/Statistics.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace strata::moe {

#define GEN_PASS_DEF_MOEFUSERESIDUAL
#include "passes/Moe/Passes.h.inc"

namespace {

struct FuseResidual : OpRewritePattern<AddOp> {
  FuseResidual(MLIRContext *context, unsigned &fused) : OpRewritePattern(context), fused(fused) {}

  LogicalResult matchAndRewrite(AddOp op, PatternRewriter &rewriter) const override {
    // The residual stream is written on the left: of two products the right one takes the other in.
    if (succeeded(fuse(op, op.getRhs(), op.getLhs(), rewriter)) ||
        succeeded(fuse(op, op.getLhs(), op.getRhs(), rewriter)))
      return success();
    return rewriter.notifyMatchFailure(op, "no product that is only added, without a residual");
  }

private:
  LogicalResult fuse(AddOp op, Value value, Value residual, PatternRewriter &rewriter) const {
    auto product = value.getDefiningOp<DequantMatmulOp>();
    if (!product || !product->hasOneUse() || product.getResidual())
      return failure();
    rewriter.replaceOpWithNewOp<DequantMatmulOp>(op, product.getInput(), product.getWeight(), residual);
    ++fused;
    return success();
  }

  unsigned &fused;
};

struct FuseResidualPass : impl::MoeFuseResidualBase<FuseResidualPass> {
  void runOnOperation() override {
    unsigned fused = 0;
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseResidual>(&getContext(), fused);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    reportStatistics(getOperation(), getArgument(), {{"fused", fused}});
  }
};

} // namespace
} // namespace strata::moe
