// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What this process may use of the host: its cores and its memory, container limits included.
#pragma once

#include <cstdint>
#include <filesystem>

namespace strata {

struct HostLimits {
  uint32_t cores = 1;    ///< Cores that the scheduler's affinity mask and the CPU quota leave, at least 1.
  uint64_t ramBytes = 0; ///< The smaller of the machine's memory and the memory limit; 0 if it cannot be read.
  /// What of ramBytes is not in use now: MemAvailable, and what each group's limit leaves of it. Cached files count as
  /// free, since the system gives their memory back. 0 if it cannot be read.
  uint64_t availableBytes = 0;
  /// The CPU quota is below one core: the one thread is throttled.
  bool fractionOfCore = false;
  /// Memory can have pages of 2 MiB where a process asks for them (/sys/kernel/mm/transparent_hugepage/enabled).
  bool hugePages = false;
};

/// The limits of the running process: sched_getaffinity, /proc/meminfo, and the CPU quota and memory limit of its
/// control group and of every group above it, version 2 (cpu.max, memory.max) and version 1 (cpu.cfs_quota_us,
/// memory.limit_in_bytes).
HostLimits hostLimits();

/// The same from another root directory (which holds proc/ and sys/) and number of cores: for tests.
HostLimits hostLimits(const std::filesystem::path &root, uint32_t affinityCores);

/// Of the cores, those that compute where experts are read from a disk: one is left to the reads, if there are more
/// than a few.
inline uint32_t coresBesideReads(uint32_t cores) {
  constexpr uint32_t kFew = 4;
  return cores >= kFew ? cores - 1 : cores;
}

} // namespace strata
