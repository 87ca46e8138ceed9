// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// From the moe dialect to the plan dialect (docs/passes/MoeToPlan.md).
#pragma once

#include "dialects/Plan/PlanOps.h"

#include "mlir/Pass/Pass.h"

namespace strata {

#define GEN_PASS_DECL
#include "passes/Conversion/MoeToPlan/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/Conversion/MoeToPlan/Passes.h.inc"

} // namespace strata
