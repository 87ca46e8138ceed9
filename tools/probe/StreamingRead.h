// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Threads that do nothing but read memory: how fast this machine can feed its cores.
#pragma once

#include <atomic>
#include <barrier>
#include <cstdint>
#include <thread>
#include <vector>

namespace strata::probe {

/// Threads with a buffer, of which each has a part that it touches first, on huge pages where the system has them, as
/// the runtime's arenas are. Between rounds they sleep.
class StreamingRead {
public:
  /// `bytes` for all threads together, in `slices` slices of which a round reads one.
  StreamingRead(uint64_t bytes, uint32_t threads, uint32_t slices = 1);
  ~StreamingRead();
  StreamingRead(const StreamingRead &) = delete;
  StreamingRead &operator=(const StreamingRead &) = delete;

  /// False if there was no memory for the buffer; then nothing may be measured.
  bool valid() const { return !missing; }
  /// Reads the next slice; bytes per second.
  double measure();

private:
  void work();

  uint64_t sliceBytes; ///< Of a thread.
  uint32_t slices;
  uint32_t round = 0;
  std::atomic<bool> missing = false, stopping = false;
  std::atomic<uint64_t> sink = 0;
  std::barrier<> together;
  std::vector<std::jthread> workers;
};

} // namespace strata::probe
