// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Experts that the disk could not give: for a while nobody tries to read them again.
#pragma once

#include "runtime/Base/Error.h"

#include <chrono>
#include <cstdint>
#include <unordered_map>

namespace strata {

/// A disk that fails takes seconds to say so, each time: whoever wants the expert again is told at once.
class Quarantine {
public:
  using Duration = std::chrono::nanoseconds;
  static constexpr Duration kTime = std::chrono::seconds(10);

  void add(uint32_t key, const Error &error, Duration now) { entries[key] = {error, now}; }
  /// Nothing is in quarantine, nor has ever been.
  bool empty() const { return entries.empty(); }
  bool holds(uint32_t key, Duration now) const;
  /// The error of an expert that was added, with when it was tried.
  Error errorOf(uint32_t key, Duration now) const;

private:
  struct Entry {
    Error error;
    Duration since{};
  };
  std::unordered_map<uint32_t, Entry> entries; ///< Also of experts that may be tried again: at most one of each.
};

} // namespace strata
