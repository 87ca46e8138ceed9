// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The passes on the moe dialect (docs/passes/Moe.md), and the pipeline that the compiler runs them in.
#pragma once

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassOptions.h"

namespace strata::moe {

#define GEN_PASS_DECL
#include "passes/Moe/Passes.h.inc"

struct OptimiseOptions : mlir::PassPipelineOptions<OptimiseOptions> {
  Option<bool> absorb{*this, "absorb",
                      llvm::cl::desc("Attend in the latent space instead of expanding keys and values"),
                      llvm::cl::init(true)};
};

/// From a model as imported, and verified, to fused operations in one block for each kind of layer.
void buildOptimisePipeline(mlir::OpPassManager &manager, const OptimiseOptions &options);
inline void buildOptimisePipeline(mlir::OpPassManager &manager) {
  buildOptimisePipeline(manager, OptimiseOptions());
}

/// The pipeline above as `moe-optimise`.
void registerMoePipelines();

#define GEN_PASS_REGISTRATION
#include "passes/Moe/Passes.h.inc"

} // namespace strata::moe
