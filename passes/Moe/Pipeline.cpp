// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Moe/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace strata::moe {

void buildOptimisePipeline(OpPassManager &manager, const OptimiseOptions &options) {
  if (options.absorb)
    manager.addPass(createMoeAbsorbMla());
  manager.addPass(createMoeFuseDequantMatmul());
  manager.addPass(createMoeFuseGatedMatmul());
  manager.addPass(createMoeGroupExperts());
  manager.addPass(createMoeFuseResidual());
  // Layers that differ only in leftovers are equal: clean up before they are compared.
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createMoeOutlineLayers());
}

void registerMoePipelines() {
  PassPipelineRegistration<OptimiseOptions>(
      "moe-optimise", "Absorb attention, fuse, group experts and outline equal layers",
      [](OpPassManager &manager, const OptimiseOptions &options) { buildOptimisePipeline(manager, options); });
}

} // namespace strata::moe
