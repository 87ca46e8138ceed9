// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// From the plan dialect to the kern dialect (docs/passes/PlanToKern.md).
#pragma once

#include "dialects/Kern/KernOps.h"
#include "dialects/Plan/PlanOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Pass/Pass.h"

namespace strata {

#define GEN_PASS_DECL
#include "passes/Conversion/PlanToKern/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/Conversion/PlanToKern/Passes.h.inc"

} // namespace strata
