// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Memory by whole pages, in huge ones where the system has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace strata {

/// Zeroed memory from the system, given back when this ends. Untouched pages take none.
class PageMemory {
public:
  PageMemory() = default;
  /// Nothing is mapped (`data()` is null, errno says why) if it cannot be had. Two MiB and more begin at a huge page,
  /// so that all of it can be such.
  explicit PageMemory(uint64_t bytes);
  ~PageMemory();
  PageMemory(PageMemory &&other) noexcept { *this = std::move(other); }
  PageMemory &operator=(PageMemory &&other) noexcept {
    std::swap(mapping, other.mapping);
    std::swap(mapped, other.mapped);
    std::swap(begin, other.begin);
    return *this;
  }

  std::byte *data() const { return begin; }
  /// Never gives it back: something that cannot be stopped may still write to it.
  void leak() { mapping = nullptr; }

private:
  void *mapping = nullptr;
  uint64_t mapped = 0;
  std::byte *begin = nullptr;
};

} // namespace strata
