// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Where the lanes of a divergent branch meet again.
#pragma once

#include "runtime/Simulator/Program.h"

namespace strata::sim {

/// Sets `join` of every conditional branch: the first instruction that all ways from the branch to the kernel's end go
/// through (its immediate post-dominator); the number of instructions where there is none but the end.
void findJoins(Program &program);

} // namespace strata::sim
