// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a run keeps of its routing: the file of --trace, and the usage counters beside the artifact.
#pragma once

#include "runtime/Artifact/LoadedArtifact.h"
#include "runtime/Routing/RoutingRecorder.h"
#include "runtime/Weights/Gguf.h"
#include "tools/run/Options.h"

#include <memory>

namespace strata::run {

/// Nothing if nothing is to be recorded. Exit code 2 if a trace is asked for of a model without routed experts.
Result<std::unique_ptr<RoutingRecorder>> makeRecorder(const schema::Artifact &artifact, const Options &options);

/// Writes the trace, if one is asked for; exit code 3 if that is impossible. Adds the counts to the usage file, and
/// says on stderr what compiling again with them would gain, if that is much; what keeps it from either is said there
/// too and is no failure of the run.
Result<void> saveRecording(const RoutingRecorder &recorder, const schema::Artifact &artifact, const gguf::Model &model,
                           const Options &options);

/// Adds to the usage file at `path`, or makes it. Runs that end at one time wait for each other: each holds a lock on
/// the artifact while it reads, adds, writes under a temporary name and renames. Returns the sum.
Result<UsageCounts> addToUsageFile(const std::string &path, const std::string &artifact, const UsageCounts &usage);

} // namespace strata::run
