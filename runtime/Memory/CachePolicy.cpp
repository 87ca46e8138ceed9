// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Memory/CachePolicy.h"

#include <limits>

namespace strata {

uint32_t LruPolicy::chooseVictim(std::span<const uint8_t> evictable) const {
  uint32_t victim = 0;
  uint64_t oldest = std::numeric_limits<uint64_t>::max();
  for (uint32_t slot = 0; slot < evictable.size(); ++slot)
    if (evictable[slot] && lastUse[slot] < oldest) {
      oldest = lastUse[slot];
      victim = slot;
    }
  return victim;
}

} // namespace strata
