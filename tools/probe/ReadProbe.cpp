// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/probe/ReadProbe.h"

#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <random>
#include <thread>
#include <unistd.h>
#include <vector>

namespace strata::probe {

using Clock = std::chrono::steady_clock;

namespace {

struct Totals {
  std::atomic<uint64_t> bytes = 0;
  std::atomic<uint64_t> reads = 0;
  std::atomic<int64_t> nanoseconds = 0;
};

void readUntil(int descriptor, uint64_t bytes, uint64_t block, uint64_t seed, Clock::time_point end, Totals &totals) {
  std::unique_ptr<void, decltype(&std::free)> buffer(std::aligned_alloc(kProbeAlignment, block), &std::free);
  std::mt19937_64 random(seed);
  uint64_t places = bytes / block;
  if (!buffer || places == 0)
    return;
  do {
    auto offset = static_cast<off_t>(random() % places * block);
    Clock::time_point start = Clock::now();
    ssize_t count = pread(descriptor, buffer.get(), block, offset);
    if (count != static_cast<ssize_t>(block))
      return;
    totals.nanoseconds += std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
    totals.bytes += block;
    ++totals.reads;
  } while (Clock::now() < end);
}

} // namespace

ReadResult measureReads(int descriptor, uint64_t bytes, ReadRequest request, std::chrono::duration<double> duration) {
  Totals totals;
  Clock::time_point start = Clock::now();
  Clock::time_point end = start + std::chrono::duration_cast<Clock::duration>(duration);
  {
    std::vector<std::jthread> readers;
    for (uint32_t i = 0; i < request.depth; ++i)
      readers.emplace_back([&, i] {
        readUntil(descriptor, bytes, request.blockBytes, request.blockBytes + request.depth * 1000 + i, end, totals);
      });
  }
  std::chrono::duration<double> taken = Clock::now() - start;
  if (totals.reads == 0)
    return {};
  return {static_cast<double>(totals.bytes) / taken.count(),
          static_cast<double>(totals.nanoseconds) * 1e-9 / static_cast<double>(totals.reads)};
}

void forgetCached(const ProbeFile &file) {
  posix_fadvise(file.buffered.get(), 0, 0, POSIX_FADV_DONTNEED);
}

} // namespace strata::probe
