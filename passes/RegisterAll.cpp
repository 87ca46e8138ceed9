// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/RegisterAll.h"

#include "dialects/Kern/KernOps.h"
#include "dialects/Moe/MoeDialect.h"
#include "dialects/Plan/PlanOps.h"
#include "passes/Conversion/KernToEmitC/Passes.h"
#include "passes/Conversion/MoeToPlan/Passes.h"
#include "passes/Conversion/PlanToKern/Passes.h"
#include "passes/Moe/Passes.h"
#include "passes/Plan/Passes.h"

#include "mlir/Transforms/Passes.h"

namespace strata {

void registerAllDialects(mlir::DialectRegistry &registry) {
  registry.insert<moe::MoeDialect, plan::PlanDialect, kern::KernDialect>();
  // What epilogues compute with, and what kernels are printed from.
  registry.insert<mlir::arith::ArithDialect, mlir::emitc::EmitCDialect>();
}

void registerAllPasses() {
  moe::registerMoePasses();
  moe::registerMoePipelines();
  registerKernToEmitCPasses();
  registerMoeToPlanPasses();
  registerPlanToKernPasses();
  plan::registerPlanPasses();
  mlir::registerTransformsPasses();
}

} // namespace strata
