// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Base/PageMemory.h"

#include "runtime/Base/Checked.h"

#include <algorithm>
#include <sys/mman.h>

namespace strata {

static constexpr uint64_t kHugePage = 2 << 20;

PageMemory::PageMemory(uint64_t bytes) {
  bool huge = bytes >= kHugePage;
  Checked wanted = Checked(std::max<uint64_t>(bytes, 1)) + (huge ? kHugePage : 0);
  mapped = wanted.valid() ? wanted.value() : ~uint64_t(0);
  void *address = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED)
    return;
  mapping = address;
  begin = static_cast<std::byte *>(address);
  if (!huge)
    return;
  begin += (kHugePage - reinterpret_cast<uintptr_t>(begin) % kHugePage) % kHugePage;
  // A refusal is no error: the memory is there all the same. Devices say it in their notes.
  madvise(begin, bytes, MADV_HUGEPAGE);
}

PageMemory::~PageMemory() {
  if (mapping)
    munmap(mapping, mapped);
}

} // namespace strata
