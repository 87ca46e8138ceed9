// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// From statements to instructions.
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Simulator/Program.h"

#include <functional>

namespace strata::sim {

/// The address of a variable of the module; 0 if it has none of that name.
using SymbolAddress = std::function<uint64_t(const std::string &name)>;

/// Exit code 1 for an instruction, a modifier or an operand that is not known; the error names it and its line.
/// `moduleShared` are the module's own shared variables, which every kernel sees.
Result<Program> decodeKernel(const Kernel &kernel, const std::vector<Variable> &moduleShared,
                             const SymbolAddress &globals);

} // namespace strata::sim
