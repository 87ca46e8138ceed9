// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How many of a layer's uses its cache is expected to serve.
#pragma once

#include "compiler/Placement/Planner.h"

namespace strata {

/// The share of uses that a cache with the policy Lru serves if each use is independent of those before: an expert
/// with the share p of the uses is there with probability 1 - exp(-p T), where T makes `slots` of these (Che's
/// approximation). `uses` are numbers of uses by expert. 1 if all that are used have a slot, or nothing is used.
double lruShare(std::span<const double> uses, uint32_t slots);

/// Uses of a layer's experts, by the tier that serves them, as counted in the plan's usage counts. The plan's trace is
/// replayed if there is one. Without one a cache has only counts to go by: Lru is lruShare(), and Lfu comes to hold the
/// most used.
std::array<double, kTiers> servedUses(const Plan &plan, uint32_t layer);

} // namespace strata
