// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What is planned for, as the passes take it.
#pragma once

#include "compiler/Placement/PlanSummary.h"
#include "passes/Pipelines.h"

namespace strata::compile {

PipelineOptions pipelineOptions(const PlanSettings &settings, const MachineDescription &machine);

} // namespace strata::compile
