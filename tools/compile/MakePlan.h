// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The planner's plan for a model that is optimised, with the sizes that its programs will have.
#pragma once

#include "tools/compile/Phases.h"
#include "tools/compile/Settings.h"
#include "tools/plan/PlanTool.h"

namespace strata::compile {

/// The planner's input as far as it does not depend on programs.
Result<planning::Planned> planRequest(const Options &options, const gguf::Model &model,
                                      const ModelDescription &description);

/// Fills `planned` with the plan for `module`, which is past phase optimise and stays as it is: copies of it are
/// lowered to learn the sizes of arenas. Then places tiers in it (PlaceTiers.h), unless the plan does not fit.
Result<void> makePlanOf(mlir::ModuleOp module, const Options &options, planning::Planned &planned);

} // namespace strata::compile
