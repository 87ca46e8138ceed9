// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A run of strata-probe.
#pragma once

#include "compiler/Machine/Machine.h"

#include <cstdint>
#include <string>

namespace strata::probe {

struct Options {
  std::string output; ///< Empty: stdout.
  std::string disk = ".";
  uint64_t bytes = uint64_t{4} << 30; ///< Of the temporary file.
};

/// Measures this machine, writes its machine file and says in words what was found and what was not.
Result<ExitCode> probeMachine(const Options &options);

} // namespace strata::probe
