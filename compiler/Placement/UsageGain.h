// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a plan would gain if it were made again with usage counts.
#pragma once

#include "compiler/Placement/Prediction.h"

namespace strata {

/// Both predictions are by the counts, as far as they are not chance.
struct UsageGain {
  TokenPrediction now;  ///< Of the plan as it is.
  TokenPrediction then; ///< With the most used experts pinned in the same memory.
  double gain() const { return now.cost.total / then.cost.total - 1; }
};

/// Counts that are drawn towards the mean of their layer by the part of their variance that chance explains (the
/// variance of counts is near their mean if all experts are used alike). A layer whose counts differ by no more
/// than chance has equal ones; few counts say little. The sums of layers stay, in units of 1/1024.
std::vector<uint64_t> withoutChance(std::span<const uint64_t> counts, uint32_t experts);

/// `usage` has the plan's layers and experts. Nothing of the plan but its experts moves.
UsageGain gainOfUsage(const Plan &plan, const ModelWeights &weights, const MachineDescription &machine,
                      std::span<const uint64_t> usage);

} // namespace strata
