// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What reading experts from the disk took, beside what the artifact predicted: --stats.
#pragma once

#include "runtime/Exec/Session.h"

#include <string>

namespace strata::run {

/// A line for prompts and one for decoding: hits, misses, bytes from the disk, the time that nothing could be computed.
/// For a plan in one tier a line that says so.
std::string expertStatistics(const Session &session);

} // namespace strata::run
