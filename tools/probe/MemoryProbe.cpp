// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/probe/MemoryProbe.h"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <sys/mman.h>
#include <thread>
#include <vector>

namespace strata::probe {

/// A round reads one of these, the next round the next one: short enough that some round is not disturbed by other
/// processes, and what a cache still holds is not read again.
static constexpr uint32_t kSlices = 8;

/// Four sums, so that additions do not wait for each other.
static uint64_t sum(const uint64_t *numbers, uint64_t count) {
  uint64_t a = 0, b = 0, c = 0, d = 0;
  for (uint64_t i = 0; i + 4 <= count; i += 4) {
    a += numbers[i];
    b += numbers[i + 1];
    c += numbers[i + 2];
    d += numbers[i + 3];
  }
  return a + b + c + d;
}

namespace {

/// A thread's part of the buffer, on huge pages where the system has them, as the runtime's arenas are.
class Part {
public:
  explicit Part(uint64_t numbers)
      : count(numbers), memory(std::aligned_alloc(kHugePage, roundedUp(numbers * sizeof(uint64_t))), &std::free) {
    if (!memory)
      return;
    madvise(memory.get(), roundedUp(numbers * sizeof(uint64_t)), MADV_HUGEPAGE);
    std::fill_n(data(), count, uint64_t{1});
  }
  bool valid() const { return memory != nullptr; }
  const uint64_t *slice(uint32_t index) { return data() + count / kSlices * (index % kSlices); }

private:
  static constexpr uint64_t kHugePage = uint64_t{2} << 20;
  static uint64_t roundedUp(uint64_t bytes) { return (bytes + kHugePage - 1) / kHugePage * kHugePage; }
  uint64_t *data() { return static_cast<uint64_t *>(memory.get()); }

  uint64_t count;
  std::unique_ptr<void, decltype(&std::free)> memory;
};

} // namespace

Figure measureMemory(uint64_t bytes, uint32_t threads, uint32_t rounds) {
  threads = std::max(1u, threads);
  uint64_t count = bytes / threads / sizeof(uint64_t);
  std::atomic<bool> missing = count < kSlices;
  std::atomic<uint64_t> sink = 0;
  std::barrier<> together(static_cast<ptrdiff_t>(threads) + 1);
  auto work = [&] {
    // Each thread touches its own part first, which is where the kernel then puts it.
    Part part(std::max<uint64_t>(count, 1));
    if (!part.valid())
      missing = true;
    for (uint32_t round = 0; round < rounds; ++round) {
      together.arrive_and_wait();
      if (!missing)
        sink += sum(part.slice(round), count / kSlices);
      together.arrive_and_wait();
    }
  };
  std::vector<std::jthread> workers;
  for (uint32_t thread = 0; thread < threads; ++thread)
    workers.emplace_back(work);
  double best = 0;
  for (uint32_t round = 0; round < rounds; ++round) {
    together.arrive_and_wait();
    auto start = std::chrono::steady_clock::now();
    together.arrive_and_wait();
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    double read = static_cast<double>(count / kSlices * sizeof(uint64_t)) * threads;
    best = std::max(best, read / std::max(seconds.count(), 1e-9));
  }
  return missing ? Figure{} : Figure{best, true};
}

} // namespace strata::probe
