// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What would make a plan faster, or make it fit: other plans are made and compared.
#pragma once

#include "compiler/Placement/Prediction.h"

#include <string>
#include <vector>

namespace strata {

struct Advice {
  std::string change;         ///< "16.0 GiB more RAM"
  double tokensPerSecond = 0; ///< With it, with uniform routing.
  double gain = 0;            ///< 0.06: 6 % more tokens per second.
};

/// Changes of machine or options that give at least 1 % more tokens per second, the largest gain first. For plans that
/// fit.
Result<std::vector<Advice>> adviseFaster(const ModelWeights &weights, const MachineDescription &machine,
                                         const PlanRequest &request);

/// Changes that each make a plan fit that does not: options first, and last the memory that is missing.
Result<std::vector<std::string>> adviseFitting(const ModelWeights &weights, const MachineDescription &machine,
                                               const PlanRequest &request);

} // namespace strata
