// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Moe/Passes.h"

#include "dialects/Moe/MoeOps.h"
#include "passes/Statistics.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace strata::moe {

#define GEN_PASS_DEF_MOEFUSEDEQUANTMATMUL
#include "passes/Moe/Passes.h.inc"

namespace {

/// The weight as it is in the file; null if `value` is computed in another way than by decoding one.
Value encodedSource(Value value) {
  if (auto dequant = value.getDefiningOp<DequantOp>())
    return dequant.getWeight();
  return value.getDefiningOp<WeightOp>() ? value : Value();
}

struct FuseMatmul : OpRewritePattern<MatmulOp> {
  FuseMatmul(MLIRContext *context, unsigned &products) : OpRewritePattern(context), products(products) {}

  LogicalResult matchAndRewrite(MatmulOp op, PatternRewriter &rewriter) const override {
    Value weight = encodedSource(op.getWeight());
    if (!weight)
      return rewriter.notifyMatchFailure(op, "the weight is not one of the file");
    rewriter.replaceOpWithNewOp<DequantMatmulOp>(op, op.getInput(), weight, /*residual=*/Value());
    ++products;
    return success();
  }

  unsigned &products;
};

struct FuseHeadMatmul : OpRewritePattern<HeadMatmulOp> {
  FuseHeadMatmul(MLIRContext *context, unsigned &products) : OpRewritePattern(context), products(products) {}

  LogicalResult matchAndRewrite(HeadMatmulOp op, PatternRewriter &rewriter) const override {
    Value weight = encodedSource(op.getWeight());
    if (!weight)
      return rewriter.notifyMatchFailure(op, "the weight is not one of the file");
    rewriter.replaceOpWithNewOp<DequantHeadMatmulOp>(op, op.getInput(), weight, op.getHeads());
    ++products;
    return success();
  }

  unsigned &products;
};

struct FuseExperts : OpRewritePattern<ExpertsOp> {
  FuseExperts(MLIRContext *context, unsigned &experts) : OpRewritePattern(context), experts(experts) {}

  LogicalResult matchAndRewrite(ExpertsOp op, PatternRewriter &rewriter) const override {
    OpOperand *weights[] = {&op.getGateMutable(), &op.getUpMutable(), &op.getDownMutable()};
    auto isDecoded = [](OpOperand *weight) { return weight->get().getDefiningOp<DequantOp>() != nullptr; };
    if (llvm::none_of(weights, isDecoded))
      return rewriter.notifyMatchFailure(op, "no weight is decoded");
    rewriter.modifyOpInPlace(op, [&] {
      for (OpOperand *weight : weights)
        if (isDecoded(weight))
          weight->set(encodedSource(weight->get()));
    });
    ++experts;
    return success();
  }

  unsigned &experts;
};

struct FuseDequantMatmulPass : impl::MoeFuseDequantMatmulBase<FuseDequantMatmulPass> {
  void runOnOperation() override {
    unsigned products = 0, experts = 0;
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseMatmul, FuseHeadMatmul>(&getContext(), products);
    patterns.add<FuseExperts>(&getContext(), experts);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    reportStatistics(getOperation(), getArgument(), {{"products", products}, {"experts", experts}});
  }
};

} // namespace
} // namespace strata::moe
