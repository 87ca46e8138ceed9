// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Simulator/GlobalMemory.h"

#include <algorithm>
#include <fmt/format.h>

namespace strata::sim {

static std::vector<uint64_t> nothingWritten(uint64_t bytes) {
  return std::vector<uint64_t>((bytes + 63) / 64);
}

Result<void> GlobalMemory::add(std::byte *base, uint64_t bytes) {
  auto begin = reinterpret_cast<uint64_t>(base);
  auto next = allocations.lower_bound(begin);
  bool overlaps = next != allocations.end() && next->first - begin < bytes;
  if (next != allocations.begin())
    overlaps |= std::prev(next)->second.holds(begin, 1);
  if (overlaps || begin % 64 != 0)
    return fail(ExitCode::Bug, "", fmt::format("an allocation of {} bytes overlaps another or is not aligned", bytes));
  allocations[begin] = {begin, bytes, false, nothingWritten(bytes)};
  return {};
}

void GlobalMemory::remove(const std::byte *base) {
  allocations.erase(reinterpret_cast<uint64_t>(base));
  last = nullptr;
}

void GlobalMemory::markWritten(const std::byte *begin, uint64_t bytes) {
  Allocation *allocation = find(reinterpret_cast<uint64_t>(begin));
  if (!allocation || allocation->written.empty())
    return;
  uint64_t from = reinterpret_cast<uint64_t>(begin) - allocation->base;
  uint64_t to = std::min(from + bytes, allocation->bytes);
  if (from == 0 && to == allocation->bytes)
    return allocation->written.clear();
  for (uint64_t at = from; at < to;) {
    if (at % 64 == 0 && to - at >= 64) {
      allocation->written[at / 64] = ~uint64_t(0);
      at += 64;
    } else {
      allocation->written[at / 64] |= uint64_t(1) << (at % 64);
      ++at;
    }
  }
}

void GlobalMemory::forget(const std::byte *base) {
  if (auto found = allocations.find(reinterpret_cast<uint64_t>(base)); found != allocations.end())
    found->second.written = nothingWritten(found->second.bytes);
}

Allocation *GlobalMemory::search(uint64_t address) {
  auto next = allocations.upper_bound(address);
  if (next == allocations.begin())
    return nullptr;
  Allocation &candidate = std::prev(next)->second;
  if (!candidate.holds(address, 1))
    return nullptr;
  return last = &candidate;
}

} // namespace strata::sim
