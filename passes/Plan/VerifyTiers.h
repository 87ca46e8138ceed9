// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What plan-verify proves of tiers.
#pragma once

#include "dialects/Plan/PlanOps.h"

namespace strata::plan {

/// Arenas are where their devices see them and large enough for what is in their tier, budgets hold, and no layer is in
/// two lines of plan.experts.
mlir::LogicalResult verifyTiers(mlir::ModuleOp plan);

/// The steps that read a weight that is by experts, in a layer, can compute the experts that their device is given.
mlir::LogicalResult verifyExpertUses(WeightOp weight, uint32_t layer);

} // namespace strata::plan
