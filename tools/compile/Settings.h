// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What is planned for: the options, completed and checked by the model.
#pragma once

#include "compiler/Placement/PlanSummary.h"
#include "passes/Pipelines.h"
#include "tools/compile/Options.h"

namespace strata::compile {

/// The options, completed and checked by completeSettings().
Result<PlanSettings> planSettings(const Options &options, const ModelDescription &description);

/// The same for the passes.
PipelineOptions pipelineOptions(const Options &options, const PlanSettings &settings,
                                const MachineDescription &machine);

} // namespace strata::compile
