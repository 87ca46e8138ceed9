// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the planner decided, as operations of the plan dialect.
#pragma once

#include "compiler/Placement/Planner.h"

#include "mlir/IR/BuiltinOps.h"

namespace strata::compile {

/// Adds plan.budget for every tier and, if the plan is over several of them, plan.experts and the arenas of kind
/// staging, at the module's beginning: convert-moe-to-plan goes by them. `workerScratch` is what the host's threads
/// take beside all arenas. 3 if a part of the plan cannot be lowered.
Result<void> placeTiers(mlir::ModuleOp module, const Plan &plan, uint64_t workerScratch);

/// The same for a plan of which only the sizes of arenas matter that do not depend on where the experts are: one expert
/// of every layer is in GPU memory if there is one, the others are on the disk.
void placeSomewhere(mlir::ModuleOp module, uint32_t denseLayers, uint32_t layers, uint32_t experts, bool hasGpu);

} // namespace strata::compile
