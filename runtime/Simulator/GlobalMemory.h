// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a kernel may touch of global memory, and which bytes of it have been written.
#pragma once

#include "runtime/Base/Error.h"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

namespace strata::sim {

/// One range of memory. Addresses of the simulated GPU are the host's own.
struct Allocation {
  uint64_t base = 0;
  uint64_t bytes = 0;
  bool readOnly = false;
  /// One bit a byte; empty when all bytes have been written.
  std::vector<uint64_t> written;

  bool holds(uint64_t address, uint64_t count) const {
    return address >= base && count <= bytes && address - base <= bytes - count;
  }
  /// A naturally aligned access of at most 16 bytes does not straddle the words of the bit map.
  bool isWritten(uint64_t address, uint32_t count) const {
    if (written.empty())
      return true;
    uint64_t at = address - base;
    uint64_t mask = ((uint64_t(1) << count) - 1) << (at & 63);
    return (written[at >> 6] & mask) == mask;
  }
  void markWritten(uint64_t address, uint32_t count) {
    if (written.empty())
      return;
    uint64_t at = address - base;
    written[at >> 6] |= ((uint64_t(1) << count) - 1) << (at & 63);
  }
};

/// The table of allocations. Ranges must stay alive while they are in it.
class GlobalMemory {
public:
  /// A range that begins unwritten, at an address that is a multiple of 64. Exit code 70 if it overlaps another.
  Result<void> add(std::byte *base, uint64_t bytes);
  void remove(const std::byte *base);
  /// The host wrote this range: kernels may read it. Ranges outside all allocations are passed over.
  void markWritten(const std::byte *begin, uint64_t bytes);
  /// Nothing of the allocation counts as written any more.
  void forget(const std::byte *base);

  /// The allocation that holds an address; null if none does.
  Allocation *find(uint64_t address) {
    if (last && last->holds(address, 1))
      return last;
    return search(address);
  }

private:
  Allocation *search(uint64_t address);

  std::map<uint64_t, Allocation> allocations; ///< By base.
  Allocation *last = nullptr;
};

} // namespace strata::sim
