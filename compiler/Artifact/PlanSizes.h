// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the memory of a finished plan adds up to.
#pragma once

#include "compiler/Placement/PlanSummary.h"

#include "mlir/IR/BuiltinOps.h"

#include <vector>

namespace strata {

/// What each worker of the host device needs for the plan's dispatches, in bytes. Invalid if the plan has no cache.
Checked workerScratchBytes(mlir::ModuleOp plan);

/// Bytes of the arenas of tier ram that hold weights, for a plan whose arenas are allocated.
uint64_t weightArenaBytes(mlir::ModuleOp plan);

/// The other arenas but the cache's, as the plan's own settings encode activations, and the scratch of `workers`
/// workers. Exit code 70 if an arena has no size.
Result<std::vector<ArenaNeed>> arenaNeeds(mlir::ModuleOp plan, uint32_t workers);

} // namespace strata
