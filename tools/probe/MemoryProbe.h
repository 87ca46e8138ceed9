// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How fast the cores read memory.
#pragma once

#include "compiler/Machine/Machine.h"

#include <cstdint>

namespace strata::probe {

/// Bytes per second that `threads` threads read together from a buffer of `bytes`, of which each has a part: the best
/// of `rounds` rounds, each over an eighth of it. 0 if there is no memory for the buffer.
Figure measureMemory(uint64_t bytes, uint32_t threads, uint32_t rounds);

} // namespace strata::probe
