// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Which experts of a plan are in which tier, once it is known how much room there is for them.
#pragma once

#include "compiler/Placement/Planner.h"

namespace strata {

/// What an expert of a layer takes in a tier.
uint64_t expertBytes(const Plan &plan, const LayerWeights &layer, Tier tier);

/// Gives every expert a tier: the GPU's budget first, then RAM's, the others on the disk. By the plan's usage counts
/// and policy: what is pinned are the most used of all layers, what is a cache is equal per layer. Without counts all
/// is equal per layer, the lowest numbers first. A plan without a GPU puts none there, others none of layers that the
/// host computes.
void distributeExperts(Plan &plan, const ModelWeights &weights, uint64_t gpuBudget, uint64_t ramBudget);

/// Adds up, by layer and tier, what distributeExperts() did, and decides what is pinned in RAM.
void countExperts(Plan &plan, const ModelWeights &weights);

} // namespace strata
