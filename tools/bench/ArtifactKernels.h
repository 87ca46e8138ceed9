// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Every kernel of an artifact on the simulated GPU: what it did, counted.
#pragma once

#include "tools/bench/Options.h"

namespace strata::bench {

/// Runs a prompt and a decode step on the simulator and prints a table with a row for every kernel of each.
Result<ExitCode> benchArtifactKernels(const Options &options);

} // namespace strata::bench
