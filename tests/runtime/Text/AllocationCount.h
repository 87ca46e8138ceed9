// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Counts calls of operator new in this program, and makes one fail.
#pragma once

#include <cstddef>
#include <cstdint>

namespace strata::text {

size_t allocationCount();

/// Of this thread's calls from now on, the one after `before` others fails; none if that is negative.
void failAllocationAfter(int64_t before);
/// How many calls come before the one that fails; negative if it has failed, or none is to.
int64_t allocationsUntilFailure();

} // namespace strata::text
