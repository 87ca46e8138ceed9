// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Which experts of a layer a cache would hold: what the expert store does, without bytes.
#pragma once

#include "runtime/Routing/CachePolicy.h"

namespace strata {

/// An expert that came in, and the one whose slot it took.
struct Admission {
  uint32_t expert = 0;
  uint32_t evicted = 0;
};

/// The slots of one layer. Decisions depend on nothing but the tokens before, so that equal runs decide equally.
class ExpertCache {
public:
  /// Full from the start, with the most used experts; of equals, and without `usage`, the lowest numbers.
  ExpertCache(CachePolicyKind kind, uint32_t experts, uint32_t slots, std::span<const uint64_t> usage);
  /// Full from the start with `held`, all different, of which the first `pinned` stay for ever. Of the others the last
  /// is the first to leave.
  ExpertCache(CachePolicyKind kind, uint32_t experts, std::span<const uint32_t> held, uint32_t pinned);

  bool holds(uint32_t expert) const { return slotOf[expert] != kNone; }

  /// One token uses `chosen`, all different, at one time. Returns how many were there. The others come in, each for an
  /// expert that this token does not use; where there is none they are used and not kept. `admissions`, if there is
  /// one, is filled with what came in.
  uint32_t use(std::span<const uint16_t> chosen, std::vector<Admission> *admissions = nullptr);

private:
  static constexpr uint32_t kNone = ~0u;
  struct Slot {
    uint32_t expert = 0;
    uint64_t lastStep = 0; ///< The last token that used it.
    bool pinned = false;
  };
  void fill(uint32_t experts, std::span<const uint32_t> held, uint32_t pinned);

  std::unique_ptr<CachePolicy> policy;
  std::vector<uint32_t> slotOf; ///< By expert.
  std::vector<Slot> slots;
  uint64_t step = 0;
};

} // namespace strata
