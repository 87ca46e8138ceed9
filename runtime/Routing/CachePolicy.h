// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Which cached expert makes room for another: the policies of --cache-policy, for the expert store and for replay.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace strata {

/// - Pinned: the most used stay for ever.
/// - Lru: the least recently used leaves.
/// - Lfu: the least often used leaves, by counts that are halved every kAgeingSteps tokens.
/// - PinnedLru: the most used take half of the slots for ever, the rest is Lru.
enum class CachePolicyKind : uint8_t { Pinned, Lru, Lfu, PinnedLru };
inline constexpr CachePolicyKind kCachePolicies[] = {CachePolicyKind::Pinned, CachePolicyKind::Lru,
                                                     CachePolicyKind::Lfu, CachePolicyKind::PinnedLru};
inline constexpr uint64_t kAgeingSteps = 256;

/// "pinned", "lru", "lfu", "pinned-lru".
std::string_view cachePolicyName(CachePolicyKind kind);
std::optional<CachePolicyKind> parseCachePolicy(std::string_view name);
/// All names for a sentence: "pinned, lru, lfu, pinned-lru".
std::string cachePolicyNames();

/// How many of a layer's slots hold pinned experts: whoever fills the slots pins the most used.
uint32_t pinnedSlots(CachePolicyKind kind, uint32_t slots);

/// The slots of a cache and the experts that may come into them, both numbered from 0.
struct CacheLayout {
  /// By layer, its first expert's key; at the end the number of keys. Layers age each for itself.
  std::vector<uint32_t> firstKeys;
  /// By slot, its group. An expert takes the place of one in the same group.
  std::vector<uint32_t> groups;
};

/// The order in which unpinned experts leave. It hears of every use and every change of slots, so that equal runs
/// decide equally. Results of a model never depend on it, only what is read again.
class CachePolicy {
public:
  virtual ~CachePolicy() = default;
  /// Before all others. Nothing is allocated afterwards.
  virtual void prepare(const CacheLayout &layout);
  /// A token (or all tokens of a decode step) uses experts of a layer.
  virtual void beginStep(uint32_t) {}
  /// An expert is used that is in memory: in `slot`.
  void used(uint32_t slot, uint32_t key);
  /// An expert comes into `slot`, whatever was there before; `isUsed`: since it is used, not to fill the cache.
  void placed(uint32_t slot, uint32_t key, bool isUsed);
  /// An expert is used and not kept.
  void passed(uint32_t key) { count(key); }
  /// The slot of the group whose expert leaves first among those that may; nothing if none may.
  virtual std::optional<uint32_t> victim(uint32_t group, const std::function<bool(uint32_t)> &mayLeave) const = 0;

protected:
  static constexpr uint32_t kNone = ~0u;
  struct Slot {
    uint32_t earlier = kNone, later = kNone; ///< In the order of last uses.
    uint32_t group = 0;
    uint32_t key = kNone; ///< Of the expert that came in last; kNone: it is in no order yet.
  };
  struct Group {
    uint32_t oldest = kNone, newest = kNone;
  };
  /// An expert is used, in memory or not.
  virtual void count(uint32_t) {}

  std::vector<Slot> slots;
  std::vector<Group> groups; ///< The oldest use first; uses of one step in the order in which they were told.

private:
  void makeNewest(uint32_t slot);
};

/// The least recently used leaves.
class LruPolicy : public CachePolicy {
public:
  std::optional<uint32_t> victim(uint32_t group, const std::function<bool(uint32_t)> &mayLeave) const override;
};

/// The least often used leaves; of equals the least recently used. Experts keep their counts while they are away.
class LfuPolicy : public CachePolicy {
public:
  void prepare(const CacheLayout &layout) override;
  void beginStep(uint32_t layer) override;
  std::optional<uint32_t> victim(uint32_t group, const std::function<bool(uint32_t)> &mayLeave) const override;

private:
  void count(uint32_t key) override { ++counts[key]; }

  std::vector<uint32_t> firstKeys;
  std::vector<uint64_t> counts; ///< By key.
  std::vector<uint64_t> steps;  ///< By layer.
};

/// The order of what is not pinned.
std::unique_ptr<CachePolicy> makeCachePolicy(CachePolicyKind kind);

} // namespace strata
