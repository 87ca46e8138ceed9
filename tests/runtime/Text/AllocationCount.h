// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Counts calls of operator new in this program.
#pragma once

#include <cstddef>

namespace strata::text {

size_t allocationCount();

} // namespace strata::text
