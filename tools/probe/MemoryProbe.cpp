// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/probe/MemoryProbe.h"

#include "tools/probe/StreamingRead.h"

#include <algorithm>

namespace strata::probe {

/// A round reads one of these, the next round the next one: short enough that some round is not disturbed by other
/// processes, and what a cache still holds is not read again.
static constexpr uint32_t kSlices = 8;

Figure measureMemory(uint64_t bytes, uint32_t threads, uint32_t rounds) {
  StreamingRead read(bytes, threads, kSlices);
  if (!read.valid())
    return Figure{};
  double best = 0;
  for (uint32_t round = 0; round < rounds; ++round)
    best = std::max(best, read.measure());
  return Figure{best, true};
}

} // namespace strata::probe
