// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Moe/Passes.h"

#include "dialects/Moe/MoeOps.h"
#include "passes/Statistics.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace strata::moe {

#define GEN_PASS_DEF_MOEFUSEGATEDMATMUL
#include "passes/Moe/Passes.h.inc"

namespace {

/// The product that makes `value` and nothing else; null if there is none, or it adds a residual.
DequantMatmulOp plainProductFor(Value value) {
  auto product = value.getDefiningOp<DequantMatmulOp>();
  return product && value.hasOneUse() && !product.getResidual() ? product : nullptr;
}

struct FuseGatedMatmul : OpRewritePattern<MulOp> {
  FuseGatedMatmul(MLIRContext *context, unsigned &fused) : OpRewritePattern(context), fused(fused) {}

  LogicalResult matchAndRewrite(MulOp op, PatternRewriter &rewriter) const override {
    if (succeeded(fuse(op, op.getLhs(), op.getRhs(), rewriter)) ||
        succeeded(fuse(op, op.getRhs(), op.getLhs(), rewriter)))
      return success();
    return rewriter.notifyMatchFailure(op, "not silu(x gate) * (x up) with products of their own");
  }

private:
  LogicalResult fuse(MulOp op, Value activated, Value linear, PatternRewriter &rewriter) const {
    auto silu = activated.getDefiningOp<SiluOp>();
    if (!silu || !silu->hasOneUse())
      return failure();
    DequantMatmulOp gate = plainProductFor(silu.getInput()), up = plainProductFor(linear);
    if (!gate || !up || gate.getInput() != up.getInput())
      return failure();
    rewriter.replaceOpWithNewOp<GatedMatmulOp>(op, gate.getInput(), gate.getWeight(), up.getWeight());
    ++fused;
    return success();
  }

  unsigned &fused;
};

struct FuseGatedMatmulPass : impl::MoeFuseGatedMatmulBase<FuseGatedMatmulPass> {
  void runOnOperation() override {
    unsigned fused = 0;
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseGatedMatmul>(&getContext(), fused);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    reportStatistics(getOperation(), getArgument(), {{"fused", fused}});
  }
};

} // namespace
} // namespace strata::moe
