// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Packs ranges of bytes that are live for a while into as little memory as it can. Knows nothing of IR.
#pragma once

#include "runtime/Base/Checked.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace strata::plan {

/// `bytes` that are live at the times [begin, end).
struct AllocationRequest {
  uint64_t bytes = 0;
  unsigned begin = 0;
  unsigned end = 0;
};

struct Allocation {
  std::vector<uint64_t> offsets; ///< By request; multiples of the alignment.
  uint64_t bytes = 0;            ///< Of the whole.
  uint64_t liveBytes = 0;        ///< The most that is live at one time, without rounding up.
};

/// Requests that meet in time do not meet in bytes. Greedy, best fit, in several orders; the smallest result is kept,
/// and equal input gives equal output. Nothing if all requests together have more than 2^63 - 1 bytes.
std::optional<Allocation> allocate(const std::vector<AllocationRequest> &requests, uint64_t alignment);

} // namespace strata::plan
