// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What compiling an artifact again with the counts of its runs would gain.
#pragma once

#include "compiler/Placement/UsageGain.h"
#include "runtime/Routing/UsageCounts.h"
#include "runtime/Schema/artifact_generated.h"

#include <string>

namespace strata::planning {

/// The plan of a checked artifact over several tiers, as far as predictions need it. `weights` are its model's.
Plan planOf(const schema::Artifact &artifact, const ModelWeights &weights);

/// A sentence if compiling the artifact again with the counts is predicted to make tokens at least 5 % faster; empty if
/// not, or if all is in one tier. `path` is the usage file's. Exit code 1 if the artifact's machine is not a valid one
/// any more or the model cannot be described.
Result<std::string> adviseRecompiling(const schema::Artifact &artifact, const gguf::Model &model,
                                      const UsageCounts &usage, const std::string &path);

} // namespace strata::planning
