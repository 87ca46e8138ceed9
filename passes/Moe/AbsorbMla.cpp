// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Moe/Passes.h"

#include "dialects/Moe/MoeOps.h"
#include "passes/Statistics.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace strata::moe {

#define GEN_PASS_DEF_MOEABSORBMLA
#include "passes/Moe/Passes.h.inc"

namespace {

struct AbsorbMla : OpRewritePattern<MlaOp> {
  AbsorbMla(MLIRContext *context, unsigned &absorbed) : OpRewritePattern(context), absorbed(absorbed) {}

  LogicalResult matchAndRewrite(MlaOp op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    uint32_t heads = op.getHeads();
    auto query = QueryRopeOp::create(rewriter, loc, op.getQuery(), op.getPositions(), heads, op.getNope(),
                                     op.getMagnitude(), op.getFrequencies());
    // Appended before anything is read: a row sees itself.
    Value cache = KvAppendOp::create(rewriter, loc, op.getKvA(), op.getNorm(), op.getPositions(), op.getKv(),
                                     op.getEpsilon(), op.getMagnitude(), op.getFrequencies());
    Value latent = HeadMatmulOp::create(rewriter, loc, query.getNopeQuery(), op.getKB(), heads);
    Value sum = LatentAttentionOp::create(rewriter, loc, latent, query.getRopeQuery(), cache, op.getPositions(), heads,
                                          op.getScale());
    rewriter.replaceOpWithNewOp<HeadMatmulOp>(op, sum, op.getVB(), heads);
    ++absorbed;
    return success();
  }

  unsigned &absorbed;
};

struct AbsorbMlaPass : impl::MoeAbsorbMlaBase<AbsorbMlaPass> {
  void runOnOperation() override {
    unsigned absorbed = 0;
    RewritePatternSet patterns(&getContext());
    patterns.add<AbsorbMla>(&getContext(), absorbed);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    reportStatistics(getOperation(), getArgument(), {{"absorbed", absorbed}});
  }
};

} // namespace
} // namespace strata::moe
