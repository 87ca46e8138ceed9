// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a checked artifact says of its layers' experts, in the words of the rest of the program.
#pragma once

#include "runtime/Routing/CachePolicy.h"
#include "runtime/Schema/artifact_generated.h"

#include <cstdint>

namespace strata {

inline CachePolicyKind cachePolicyOf(schema::CachePolicy policy) {
  switch (policy) {
  case schema::CachePolicy::pinned:
    return CachePolicyKind::Pinned;
  case schema::CachePolicy::lfu:
    return CachePolicyKind::Lfu;
  case schema::CachePolicy::pinned_lru:
    return CachePolicyKind::PinnedLru;
  case schema::CachePolicy::lru:
    break;
  }
  return CachePolicyKind::Lru;
}

/// Calls act(expert) with every expert of a set, in ascending order.
template <typename Act>
void forEachExpert(const flatbuffers::Vector<const schema::ExpertRange *> *ranges, const Act &act) {
  for (uint32_t i = 0; ranges && i < ranges->size(); ++i)
    for (uint32_t expert = ranges->Get(i)->first(); expert <= ranges->Get(i)->last(); ++expert)
      act(expert);
}

} // namespace strata
