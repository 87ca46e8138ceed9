// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The passes on the plan dialect (docs/passes/Plan.md).
#pragma once

#include "dialects/Plan/PlanOps.h"

#include "mlir/Pass/Pass.h"

namespace strata::plan {

#define GEN_PASS_DECL
#include "passes/Plan/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/Plan/Passes.h.inc"

} // namespace strata::plan
