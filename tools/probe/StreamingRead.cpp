// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/probe/StreamingRead.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <sys/mman.h>

namespace strata::probe {

namespace {

/// A line of memory; the compiler makes of it whatever registers the function's instruction set has.
using Line = uint64_t __attribute__((vector_size(64)));

/// How far ahead lines are asked for: further than a processor's own prefetcher, which stops at the end of a page.
constexpr uint64_t kAhead = 8192 / sizeof(Line);

/// Four sums, so that additions do not wait for each other.
__attribute__((always_inline)) inline uint64_t sumOf(const Line *lines, uint64_t count) {
  Line a = {}, b = {}, c = {}, d = {};
  for (uint64_t i = 0; i + 4 <= count; i += 4) {
    for (uint64_t line = 0; line < 4; ++line)
      __builtin_prefetch(lines + i + line + kAhead, 0, 2);
    a += lines[i];
    b += lines[i + 1];
    c += lines[i + 2];
    d += lines[i + 3];
  }
  a += b + c + d;
  uint64_t sum = 0;
  for (size_t i = 0; i < sizeof(Line) / sizeof(uint64_t); ++i)
    sum += a[i];
  return sum;
}

uint64_t sumPortable(const Line *lines, uint64_t count) {
  return sumOf(lines, count);
}

#ifdef __x86_64__
// Scalar loads do not keep up with memory.
__attribute__((target("avx2"))) uint64_t sumAvx2(const Line *lines, uint64_t count) {
  return sumOf(lines, count);
}
__attribute__((target("avx512f"))) uint64_t sumAvx512(const Line *lines, uint64_t count) {
  return sumOf(lines, count);
}
#endif

uint64_t sum(const Line *lines, uint64_t count) {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f"))
    return sumAvx512(lines, count);
  if (__builtin_cpu_supports("avx2"))
    return sumAvx2(lines, count);
#endif
  return sumPortable(lines, count);
}

constexpr uint64_t kHugePage = uint64_t{2} << 20;

/// A thread's part of the buffer.
class Part {
public:
  explicit Part(uint64_t bytes)
      : memory(std::aligned_alloc(kHugePage, (bytes + kHugePage - 1) / kHugePage * kHugePage), &std::free) {
    if (!memory)
      return;
    madvise(memory.get(), bytes, MADV_HUGEPAGE);
    std::memset(memory.get(), 1, bytes);
  }
  const Line *lines() const { return static_cast<const Line *>(memory.get()); }

private:
  std::unique_ptr<void, decltype(&std::free)> memory;
};

} // namespace

StreamingRead::StreamingRead(uint64_t bytes, uint32_t threads, uint32_t sliceCount)
    : sliceBytes(bytes / std::max(threads, 1u) / std::max(sliceCount, 1u) / (4 * sizeof(Line)) * 4 * sizeof(Line)),
      slices(std::max(sliceCount, 1u)), missing(sliceBytes == 0),
      together(static_cast<ptrdiff_t>(std::max(threads, 1u)) + 1) {
  for (uint32_t thread = 0; thread < std::max(threads, 1u); ++thread)
    workers.emplace_back([this] { work(); });
  together.arrive_and_wait(); // Everything is touched.
}

StreamingRead::~StreamingRead() {
  stopping = true;
  together.arrive_and_wait();
}

void StreamingRead::work() {
  Part part(std::max<uint64_t>(sliceBytes * slices, 1));
  if (!part.lines())
    missing = true;
  together.arrive_and_wait();
  while (true) {
    together.arrive_and_wait();
    if (stopping)
      return;
    if (!missing)
      sink += sum(part.lines() + sliceBytes / sizeof(Line) * (round % slices), sliceBytes / sizeof(Line));
    together.arrive_and_wait();
  }
}

double StreamingRead::measure() {
  auto start = std::chrono::steady_clock::now();
  together.arrive_and_wait();
  together.arrive_and_wait();
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  ++round;
  return static_cast<double>(sliceBytes) * static_cast<double>(workers.size()) / std::max(seconds.count(), 1e-9);
}

} // namespace strata::probe
