// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What an expert store counts.
#pragma once

#include <chrono>
#include <cstdint>

namespace strata {

struct ExpertStoreStatistics {
  uint64_t hits = 0, misses = 0, evictions = 0;
  uint64_t bytesRead = 0;    ///< That the disk was asked for and gave.
  uint64_t retries = 0;      ///< Reads asked for again: short, interrupted or failed.
  uint64_t damagedReads = 0; ///< Slabs whose checksum differed, each time that one did.
  uint64_t timeouts = 0;
  uint64_t quarantined = 0;           ///< Experts that were put into quarantine, each time that one was,
  uint64_t refused = 0;               ///< and wants that failed at once because of it.
  uint64_t slowReads = 0;             ///< That took more than ten times the mean.
  uint64_t bytesWhileWaiting = 0;     ///< Of bytesRead, what came while waiting.
  std::chrono::nanoseconds waiting{}; ///< In wait() and its like: nothing could be computed.
  std::chrono::nanoseconds reading{}; ///< While at least one read was under way.

  /// Adds what was counted between two moments.
  void add(const ExpertStoreStatistics &now, const ExpertStoreStatistics &before) {
    auto addEach = [&](auto... counts) { ((this->*counts += now.*counts - before.*counts), ...); };
    using Self = ExpertStoreStatistics;
    addEach(&Self::hits, &Self::misses, &Self::evictions, &Self::bytesRead, &Self::retries, &Self::damagedReads,
            &Self::timeouts, &Self::quarantined, &Self::refused, &Self::slowReads, &Self::bytesWhileWaiting,
            &Self::waiting, &Self::reading);
  }
};

} // namespace strata
