// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/SimulatedBuffer.h"

#include "runtime/Base/Checked.h"

#include <algorithm>
#include <fmt/format.h>

namespace strata::bench {

/// As a GPU's allocations are: how many lines an access touches depends on it.
static constexpr uint64_t kAlignment = 256;
/// From here on the C library maps pages of their own, which are zeros.
static constexpr uint64_t kMapped = 64 << 20;

Result<SimulatedBuffer> SimulatedBuffer::allocate(sim::GlobalMemory &memory, uint64_t bytes) {
  Checked rounded = Checked(std::max<uint64_t>(bytes, 1)).alignUp(kAlignment);
  auto *storage = rounded.valid() ? static_cast<std::byte *>(std::aligned_alloc(kAlignment, rounded.value())) : nullptr;
  if (!storage)
    return fail(ExitCode::Machine, "",
                fmt::format("{} bytes of memory cannot be had for a kernel's operand: free memory", bytes));
  SimulatedBuffer buffer(storage);
  if (rounded.value() < kMapped)
    std::fill_n(storage, rounded.value(), std::byte(0));
  STRATA_TRY(memory.add(storage, bytes));
  memory.markWritten(storage, bytes);
  return buffer;
}

} // namespace strata::bench
