// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Which experts of a layer are kept in memory: the policies of --cache-policy and of strata-plan --replay.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace strata {

/// - Pinned: the most used stay for ever.
/// - Lru: the least recently used leaves.
/// - Lfu: the least often used leaves, by counts that are halved every kAgeingSteps tokens.
/// - PinnedLru: the most used take half of the slots for ever, the rest is Lru.
enum class CachePolicy : uint8_t { Pinned, Lru, Lfu, PinnedLru };
inline constexpr CachePolicy kCachePolicies[] = {CachePolicy::Pinned, CachePolicy::Lru, CachePolicy::Lfu,
                                                 CachePolicy::PinnedLru};
inline constexpr uint64_t kAgeingSteps = 256;

/// "pinned", "lru", "lfu", "pinned-lru".
std::string_view cachePolicyName(CachePolicy policy);
std::optional<CachePolicy> parseCachePolicy(std::string_view name);

/// An expert that came in, and the one whose slot it took.
struct Admission {
  uint32_t expert = 0;
  uint32_t evicted = 0;
};

/// The slots of one layer. Decisions depend on nothing but the tokens before, so that equal runs decide equally.
class ExpertCache {
public:
  /// Full from the start, with the most used experts; of equals, and without `usage`, the lowest numbers.
  ExpertCache(CachePolicy cachePolicy, uint32_t experts, uint32_t slots, std::span<const uint64_t> usage);

  bool holds(uint32_t expert) const { return entries[expert].resident; }

  /// One token uses `chosen`, all different, at one time. Returns how many were there. The others come in, each for an
  /// expert that this token does not use; where there is none they are used and not kept. `admissions`, if there is
  /// one, is filled with what came in.
  uint32_t use(std::span<const uint16_t> chosen, std::vector<Admission> *admissions = nullptr);

private:
  struct Entry {
    bool resident = false;
    bool pinned = false;
    uint64_t lastStep = 0; ///< The last token that used it.
    uint64_t count = 0;    ///< Of Lfu.
  };
  std::optional<uint32_t> victim() const;
  bool leavesBefore(uint32_t a, uint32_t b) const;
  void age();

  CachePolicy policy;
  std::vector<Entry> entries; ///< By expert.
  uint64_t step = 0;
};

} // namespace strata
