// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What every tool does with its command line and its errors.
#pragma once

#include "runtime/Base/Error.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <string_view>

namespace strata {

/// Sets up a CLI11 application the way all tools have it: `--help`, `--version`, one meaning of repeated options.
void prepareCommandLine(CLI::App &app);

/// Prints an error in the form of all tools, "strata-run: error: SENTENCE [G35]", and returns its exit code.
int reportError(std::string_view tool, const Error &error);

/// Parses the command line and runs `body`; its result is the process's exit code. Help goes to stdout and ends with 0,
/// a fault in the command line ends with 2. Nothing that a body throws gets past: no memory is exit code 3, all
/// else 70.
int runTool(std::string_view tool, CLI::App &app, int argc, char **argv, const std::function<Result<ExitCode>()> &body);

} // namespace strata
