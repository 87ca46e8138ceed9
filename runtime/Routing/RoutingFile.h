// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A routing trace or a usage file on disk: its identifier tells which.
#pragma once

#include "runtime/Routing/UsageCounts.h"

#include <optional>
#include <string>

namespace strata {

struct RoutingFile {
  std::optional<RoutingTrace> trace; ///< Nothing: it is a usage file.
  UsageCounts usage;                 ///< The file's, or counted from the trace.
};

/// Exit code 1 for a file that cannot be read, is neither of the two, is damaged, or is not of the model with the shape
/// `expected`.
Result<RoutingFile> loadRoutingFile(const std::string &path, const RoutingShape &expected);

/// All bytes of a regular file; exit code 1 if it cannot be read.
Result<std::vector<std::byte>> readRoutingBytes(const std::string &path);

} // namespace strata
