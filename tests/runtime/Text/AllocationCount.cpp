// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tests/runtime/Text/AllocationCount.h"

#include <atomic>
#include <cstdlib>
#include <new>

static std::atomic<size_t> allocations = 0;
static thread_local int64_t untilFailure = -1;

size_t strata::text::allocationCount() {
  return allocations;
}
void strata::text::failAllocationAfter(int64_t before) {
  untilFailure = before;
}
int64_t strata::text::allocationsUntilFailure() {
  return untilFailure;
}

void *operator new(size_t size, const std::nothrow_t &) noexcept {
  ++allocations;
  if (untilFailure >= 0 && untilFailure-- == 0)
    return nullptr;
  return std::malloc(size);
}
void *operator new(size_t size) {
  if (void *memory = operator new(size, std::nothrow))
    return memory;
  throw std::bad_alloc();
}
void operator delete(void *memory) noexcept {
  std::free(memory);
}
void operator delete(void *memory, size_t) noexcept {
  std::free(memory);
}
void operator delete(void *memory, const std::nothrow_t &) noexcept {
  std::free(memory);
}
