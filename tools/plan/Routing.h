// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What strata-plan does with routing traces and usage files.
#pragma once

#include "runtime/Routing/RoutingFile.h"
#include "tools/plan/PlanTool.h"

namespace strata::planning {

/// What a routing file of this model must say about it.
RoutingShape routingShape(const gguf::Model &model, const ModelDescription &description);

/// Plans by the counts of the files of --trace together, and predicts by their order, one after the other, if all have
/// one. Exit code 1 if one is not of this model or counts nothing.
Result<void> useRouting(PlanRequest &request, const std::vector<std::string> &paths, const RoutingShape &shape);

/// The table of --replay: hit rates of every policy at several sizes, among them the plan's.
Result<std::string> formatReplay(const Planned &planned, const RoutingTrace &trace);

/// The trace of --replay. Exit code 1 for a usage file, which has no order.
Result<RoutingTrace> loadTrace(const std::string &path, const RoutingShape &shape);

} // namespace strata::planning
