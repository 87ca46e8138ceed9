// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a plan takes of every tier: the arithmetic of arenas and budgets.
#pragma once

#include "dialects/Plan/PlanOps.h"

namespace strata::plan {

/// The bytes of an arena, as the module's settings encode activations and cache; nothing if it has no size yet.
std::optional<uint64_t> arenaBytes(ArenaOp arena);

/// What all arenas of a tier have together; of the disk, what all weights have, since they stay in the model's files.
Checked tierBytes(mlir::ModuleOp plan, Tier tier);

/// What the weights take that are in a tier as a whole; each is rounded up to kAlignment.
Checked residentBytes(mlir::ModuleOp plan, Tier tier);

/// What the experts take that are in a tier each for itself (plan.experts); each of an expert's matrices is rounded up.
/// Invalid if a matrix has no whole number of bytes for every expert.
Checked expertBytes(mlir::ModuleOp plan, Tier tier);

/// What a cache takes whose numbers have so many bytes.
Checked cacheBytes(KvCacheOp cache, uint64_t numberBytes);

/// The line of the weight table for a layer's weight, or for one that is no layer's; null if there is none.
TensorOp findTensor(WeightOp weight, std::optional<uint32_t> layer);

/// The lines of plan.experts that a layer is in: one in a plan that is in order.
ExpertsOp findExperts(mlir::ModuleOp plan, uint64_t layer);

/// True if the dispatch reads weights that the weight table has by experts.
bool readsByExperts(DispatchOp dispatch);

} // namespace strata::plan
