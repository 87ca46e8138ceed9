// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// From the text of a PTX module to its parts.
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Simulator/Ptx.h"

#include <string_view>

namespace strata::sim {

/// Reads what NVRTC writes for kernels: a module with variables and entries, no functions and no calls. Registers of
/// nested scopes get names of their own. Whatever else it meets is an error that names it and its line, exit code 1.
Result<ModuleText> parseModule(std::string_view text);

} // namespace strata::sim
