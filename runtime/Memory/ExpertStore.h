// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Experts in memory and on disk: a budget of buffers, pinned experts in some, a cache in the rest.
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Memory/ExpertCatalogue.h"
#include "runtime/Memory/Reads/Reads.h"
#include "runtime/Routing/CachePolicy.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace strata {

struct ExpertKey {
  uint32_t layer = 0; ///< In the model.
  uint32_t expert = 0;
};

struct ExpertStoreOptions {
  uint64_t budgetBytes = 0; ///< All buffers together; never exceeded.
  std::vector<ExpertKey> pinned;
  /// Read by loadPinned() too, but free to leave, the last ones first.
  std::vector<ExpertKey> first;
  /// By layer of the catalogue: buffers for its experts alone, pinned ones among them. What is left of the budget, at
  /// least `wantedAtOnce`, is for those that the layer has no buffer for: they leave when nobody uses them. Empty: all
  /// layers share all buffers.
  std::vector<uint32_t> layerSlots;
  uint32_t wantedAtOnce = 8; ///< Experts that are in use at one time, at most.
  std::chrono::nanoseconds readTimeout = std::chrono::seconds(30);
  std::vector<std::string> files; ///< Names for errors, by index.
};

struct ExpertStoreStatistics {
  uint64_t hits = 0, misses = 0, evictions = 0;
  uint64_t bytesRead = 0;    ///< That the disk was asked for and gave.
  uint64_t retries = 0;      ///< Reads asked for again: short, interrupted or failed.
  uint64_t damagedReads = 0; ///< Slabs whose checksum differed, each time that one did.
  uint64_t timeouts = 0;
  uint64_t slowReads = 0;             ///< That took more than ten times the mean.
  std::chrono::nanoseconds waiting{}; ///< In wait().
};

/// Used by one thread. An expert is asked for with want() and held by a handle until release(); its slabs may be used
/// once wait() has said that it is ready, and then all their bytes have been checked. Steps allocate nothing.
class ExpertStore {
public:
  using Handle = uint32_t;

  /// Takes its whole budget. Exit code 3 if the budget has no room for the pinned experts and `wantedAtOnce` others, or
  /// the memory is not there; 1 if a pinned expert does not exist. `reads` outlives the store.
  static Result<std::unique_ptr<ExpertStore>> create(ExpertCatalogue catalogue, Reads &reads,
                                                     std::unique_ptr<CachePolicy> policy, ExpertStoreOptions options);
  /// Waits for what is being read into its buffers.
  ~ExpertStore();

  /// Reads the pinned experts, which stay, and what the cache holds first. `progress` gets experts done and in all.
  Result<void> loadPinned(const std::function<void(uint32_t, uint32_t)> &progress);

  /// Asks for experts of one layer: their misses are all submitted before it returns. handles[i] holds experts[i],
  /// also twice the same. On an error nothing is held.
  Result<void> want(uint32_t layer, std::span<const uint32_t> experts, std::span<Handle> handles);
  /// True if the expert is in memory and checked; takes what the disk has done meanwhile, without waiting.
  bool isReady(Handle handle);
  /// Until the expert is ready or has failed. F01, F03, F05, F09: docs/store.md.
  Result<void> wait(Handle handle);
  /// One of an expert's matrices; the expert must be ready. Valid until release().
  std::span<const std::byte> slab(Handle handle, ExpertMatrix matrix) const;
  void release(Handle handle);

  const ExpertStoreStatistics &statistics() const { return counts; }
  uint32_t slots() const { return static_cast<uint32_t>(slotTable.size()); }
  uint64_t bufferBytes() const { return slots() * slotBytes; }
  /// True if the expert is in memory, checked, whoever uses it: for tests and statistics.
  bool holds(ExpertKey key) const;

private:
  enum class State : uint8_t { Free, Reading, Ready, Failed };

  /// One slab's way into its slot.
  struct Transfer {
    uint64_t fileOffset = 0; ///< Of the enclosing aligned range.
    uint64_t skew = 0;       ///< Of the slab in that range.
    uint64_t bytes = 0;      ///< Of the slab.
    uint64_t asked = 0;      ///< Of the enclosing range.
    uint64_t done = 0;
    uint32_t failures = 0, interruptions = 0;
    bool reread = false;       ///< After a checksum that differed.
    bool throughCache = false; ///< After the direct reads failed.
    bool underway = false;     ///< The disk may write into the buffer.
    bool complete = false;
    Reads::Duration begun{};
  };
  struct Slot {
    State state = State::Free;
    bool pinned = false;
    uint32_t layer = 0, expert = 0; ///< The layer's index in the catalogue.
    uint32_t users = 0;
    bool kept = true; ///< False: it leaves when nobody uses it.
    std::array<Transfer, kExpertMatrices> transfers;
    Error error;
  };

  ExpertStore(ExpertCatalogue fromCatalogue, Reads &fromReads, std::unique_ptr<CachePolicy> withPolicy,
              ExpertStoreOptions withOptions);
  Result<void> allocate();

  uint32_t keyOf(const Slot &slot) const { return catalogue.table[slot.layer].firstKey + slot.expert; }
  Result<uint32_t> acquire(uint32_t layer, uint32_t expert, bool isUsed);
  Result<uint32_t> takeSlot(const ExpertLayer &layer, uint32_t expert);
  std::optional<uint32_t> takeSlotOf(uint32_t group);
  Result<void> checkLayerSlots() const;
  Result<void> layOut(uint64_t slotCount);
  Result<Handle> load(const ExpertKey &key);
  void vacate(Slot &slot);
  void settle(Slot &slot);
  static bool isUnderway(const Slot &slot);

  void begin(uint32_t slot);
  void submit(uint32_t slot, uint32_t matrix);
  /// Takes completions, waiting at most `timeout` for the first.
  void collect(Reads::Duration timeout);
  void complete(const ReadCompletion &completion);
  void advance(uint32_t slot, uint32_t matrix, const ReadCompletion &completion);
  void check(uint32_t slot, uint32_t matrix, const ReadCompletion &completion);
  void retryFailed(uint32_t slot, uint32_t matrix, int number);
  void expire();
  void failSlot(uint32_t slot, uint32_t matrix, ExitCode code, std::string_view id, uint64_t at, std::string_view what);
  std::byte *buffer(uint32_t slot, uint32_t matrix) const {
    return memory.get() + slot * slotBytes + matrixStarts[matrix];
  }

  struct FreeMemory {
    void operator()(std::byte *bytes) const;
  };

  ExpertCatalogue catalogue;
  Reads &reads;
  std::unique_ptr<CachePolicy> policy;
  ExpertStoreOptions options;
  ExpertStoreStatistics counts;
  std::unique_ptr<std::byte[], FreeMemory> memory;
  uint64_t slotBytes = 0;
  std::array<uint64_t, kExpertMatrices> matrixStarts = {};
  std::vector<Slot> slotTable;
  std::vector<int32_t> slotOfKey;    ///< -1: not in memory.
  std::vector<uint32_t> groupStarts; ///< First slots of the policy's groups; at the end the number of slots.
  std::vector<ReadCompletion> arrived;
  uint32_t freeSlots = 0; ///< In state Free.
  uint32_t underway = 0;  ///< Reads.
  uint64_t finishedReads = 0;
  Reads::Duration readTime{}; ///< Of the finished ones together.
};

} // namespace strata
