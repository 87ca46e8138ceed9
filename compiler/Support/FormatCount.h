// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Large numbers for people.
#pragma once

#include <cstdint>
#include <string>

namespace strata {

/// "378,060,636,160".
std::string formatCount(uint64_t number);

} // namespace strata
