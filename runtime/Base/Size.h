// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Sizes as people write and read them.
#pragma once

#include "runtime/Base/Error.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace strata {

/// Bytes of "8GiB" (2^30), "8GB" (10^9), "31.5GiB" or "4096B": a number and one of B, KB, MB, GB, TB, KiB, MiB, GiB,
/// TiB. Anything else fails with exit code 2; a number without a unit does, because no one can say what it means.
Result<uint64_t> parseSize(std::string_view text);

/// "352.1 GiB", in the largest binary unit that leaves a number of at least 1; "1 B" and "0 B" below 1 KiB.
std::string formatBytes(uint64_t bytes);

} // namespace strata
