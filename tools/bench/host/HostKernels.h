// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The host's kernels at the shapes of the real model, against what its memory and its instructions can give.
#pragma once

#include "tools/bench/Options.h"

namespace strata::bench {

/// Runs every kernel and prints a table with a row for each. With a GGUF also on slabs that have just been read from
/// it. Exit code 1 if the file is not one, 3 if there is not enough memory.
Result<ExitCode> benchHostKernels(const Options &options);

} // namespace strata::bench
