// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A whole compilation, from the command line's options to the file.
#pragma once

#include "tools/compile/Options.h"

namespace strata::compile {

/// Reads the model's header, runs the phases, prints the plan's summary and writes what was asked for. Notes and all
/// errors but the last go to stderr as they are found.
Result<ExitCode> compileModel(const Options &options);

} // namespace strata::compile
