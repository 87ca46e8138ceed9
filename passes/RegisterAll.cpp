// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/RegisterAll.h"

#include "dialects/Moe/MoeDialect.h"
#include "passes/Moe/Passes.h"

#include "mlir/Transforms/Passes.h"

namespace strata {

void registerAllDialects(mlir::DialectRegistry &registry) {
  registry.insert<moe::MoeDialect>();
}

void registerAllPasses() {
  moe::registerMoePasses();
  moe::registerMoePipelines();
  mlir::registerTransformsPasses();
}

} // namespace strata
