// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Why a tensor or an expert is where it is.
#pragma once

#include "compiler/Placement/Planner.h"

#include <string>
#include <string_view>

namespace strata {

/// The decisions that put something somewhere, in the order in which they were made, a line each. `what` is a tensor's
/// name, of routed experts with the expert's number: "blk.7.ffn_gate_exps.weight/31"; the name alone tells about all of
/// the layer's experts. Exit code 2 if there is no such tensor or expert.
Result<std::string> explain(const Plan &plan, const ModelWeights &weights, std::string_view what);

} // namespace strata
