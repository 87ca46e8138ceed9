// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs a program to its end and takes what it prints.
#pragma once

#include "runtime/Base/Error.h"

#include <string>
#include <vector>

namespace strata::bench {

/// What the program (a path) wrote to its standard output. Exit code 1 if it cannot be started, ends with another code
/// than 0, or is ended by a signal; then the last line that it wrote to its standard error is told, and the command.
Result<std::string> outputOf(const std::string &program, const std::vector<std::string> &arguments);

} // namespace strata::bench
