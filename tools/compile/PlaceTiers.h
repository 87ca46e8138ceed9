// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the planner decided, as operations of the plan dialect.
#pragma once

#include "compiler/Placement/Planner.h"

#include "mlir/IR/BuiltinOps.h"

#include <optional>

namespace strata::compile {

/// Adds plan.budget for every tier and, if the plan is over several of them, plan.experts, plan.host_layers and the
/// arenas of kind staging, at the module's beginning: convert-moe-to-plan goes by them. `workerScratch` is what the
/// host's threads take beside all arenas. 3 if a part of the plan cannot be lowered.
Result<void> placeTiers(mlir::ModuleOp module, const Plan &plan, uint64_t workerScratch);

/// What the sizes of arenas depend on that hold no weights.
struct TierShape {
  uint32_t denseLayers = 0, layers = 0, experts = 0;
  bool hasGpu = false;
  std::optional<uint32_t> gpuLayers; ///< Nothing: there is no other, or it has all and the head.
};

/// The same for a plan of which only these sizes matter: one expert of every layer of a GPU is in its memory, the
/// others are on the disk.
void placeSomewhere(mlir::ModuleOp module, const TierShape &shape);

} // namespace strata::compile
