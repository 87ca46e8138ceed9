// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Launching allocates nothing, on no thread: every operation runs with the C library's allocator counted.
#include "tests/runtime/Device/Scenarios.h"

#include <atomic>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// These have an allocator of their own, which cannot be replaced.
static constexpr bool kCounts = false;
static std::atomic<uint64_t> allocations = 0;
#else
static constexpr bool kCounts = true;
static std::atomic<uint64_t> allocations = 0;

extern "C" {
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

// operator new comes here too.
void *malloc(size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(memory, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(alignment, bytes);
}
}
#endif

namespace strata::test {
namespace {

struct AllocationTest : DeviceTest {};
STRATA_ON_EVERY_DEVICE(AllocationTest);

TEST_P(AllocationTest, LaunchAllocatesNothing) {
  if (!kCounts)
    GTEST_SKIP() << "the sanitizer's allocator cannot be counted";
  uint64_t before = allocations.load();
  void *volatile counted = std::malloc(1);
  std::free(counted);
  ASSERT_GT(allocations.load(), before) << "allocations are not counted";
  for (const Scenario &scenario : scenarios()) {
    SCOPED_TRACE(scenario.name);
    PreparedCall prepared = scenario.prepare(bench);
    KernelCall call = prepared.call();
    before = allocations.load();
    auto launched = device->launch(call);
    EXPECT_EQ(allocations.load(), before);
    EXPECT_TRUE(launched);
  }
}

} // namespace
} // namespace strata::test
