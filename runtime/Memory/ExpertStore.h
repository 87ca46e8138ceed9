// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Experts in memory and on disk: every layer's pinned experts and its cache, and buffers that all layers share.
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Base/PageMemory.h"
#include "runtime/Memory/ExpertCatalogue.h"
#include "runtime/Memory/ExpertStoreStatistics.h"
#include "runtime/Memory/Quarantine.h"
#include "runtime/Memory/Reads/Reads.h"
#include "runtime/Routing/CachePolicy.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace strata {

struct ExpertKey {
  uint32_t layer = 0; ///< In the model.
  uint32_t expert = 0;
};

/// What the plan gives a layer (LayerExperts in the schema).
struct LayerBuffers {
  uint32_t layer = 0; ///< In the model.
  uint32_t slots = 0; ///< Of its cache.
  std::vector<uint32_t> pinned;
  std::vector<uint32_t> first; ///< What the cache begins with, the most wanted first.
};

struct ExpertStoreOptions {
  std::vector<LayerBuffers> layers;
  /// Of the largest expert's size each; experts of all layers pass through them that find no place in their layer's
  /// cache, and those of prompts, which would only drive out what decoding needs.
  uint32_t sharedSlots = 0;
  bool keepsShared =
      false; ///< Shared slots are a cache too; else what nobody uses there leaves at once, as replay counts.
  uint32_t wantedAtOnce = 1; ///< Experts of a layer that are held at one time, at most.
  std::chrono::nanoseconds readTimeout = std::chrono::seconds(30);
  std::vector<std::string> files; ///< Names for errors, by index.
};

/// What a want is for.
enum class ExpertUse : uint8_t {
  Decode, ///< Goes into its layer's cache, if there is a place.
  Prompt  ///< Takes free places of its layer's cache, or is lent one of another's, but drives nothing out.
};

/// Used by one thread. An expert is asked for with want() and held by a handle until release(); its slabs may be used
/// once wait() has said that it is ready, and then all their bytes have been checked. Steps allocate nothing.
class ExpertStore {
public:
  using Handle = uint32_t;

  /// Takes all its buffers. Exit code 3 if `wantedAtOnce` experts of some layer would not find some, or the memory is
  /// not there; 1 if a layer or a pinned expert does not exist. `reads` outlives the store and
  /// serves no other one meanwhile.
  static Result<std::unique_ptr<ExpertStore>> create(ExpertCatalogue catalogue, Reads &reads,
                                                     std::unique_ptr<CachePolicy> policy, ExpertStoreOptions options);
  /// Waits for what is being read into its buffers.
  ~ExpertStore();

  /// Reads the pinned experts and those that caches begin with. `progress` gets the bytes of each.
  Result<void> load(const std::function<void(uint64_t)> &progress);
  /// Of all that load() reads.
  uint64_t loadBytes() const;

  /// Asks for experts of one layer: their misses are all submitted before it returns. handles[i] holds experts[i],
  /// also twice the same. On an error nothing is held.
  Result<void> want(uint32_t layer, std::span<const uint32_t> experts, std::span<Handle> handles);
  /// A token, or all of a decode step, or of a prompt, is about to want experts of a layer.
  void beginStep(uint32_t layer);
  /// Asks for one expert that the layer has; nothing if all buffers that it could take are in use or lost to the disk.
  std::optional<Handle> tryWant(uint32_t layer, uint32_t expert, ExpertUse use);
  /// Begins to read an expert that a prompt will ask for, if it is neither here nor in quarantine and a buffer is free:
  /// it drives nothing out, and what asks for it later counts as a miss. False if no buffer is free.
  bool readAhead(uint32_t layer, uint32_t expert);
  /// What was read ahead of the layer and nobody has asked for leaves the buffers that it was lent.
  void forgetAhead(uint32_t layer);
  /// Takes what the disk has done, without waiting.
  void takeArrived() { collect({}); }
  /// For when nothing is held and tryWant gives nothing. False if no read came to an end within the read timeout.
  bool waitForReads();
  /// What to say then: F09, exit code 3.
  Error noRoom(uint32_t layer, uint32_t expert) const;
  /// True if the expert is in memory and checked; takes what the disk has done meanwhile, without waiting.
  bool isReady(Handle handle);
  /// True until the expert is ready or has failed, as of what was taken from the disk last.
  bool isReading(Handle handle) const { return !isRefused(handle) && slotTable[handle].state == State::Reading; }
  /// Until the expert is ready or has failed. F02, F05, F06, F09: docs/store.md. What failed with F02 or F05 is in
  /// quarantine: wants of it fail with the same error, without a read, until Quarantine::kTime has passed.
  Result<void> wait(Handle handle);
  /// Until at least one of these, of which there are some, is ready or has failed.
  void waitForAny(std::span<const Handle> handles);
  /// One of an expert's matrices; the expert must be ready. Valid until release().
  std::span<const std::byte> slab(Handle handle, ExpertMatrix matrix) const;
  void release(Handle handle);

  /// Of the model.
  const std::vector<ExpertLayer> &layers() const { return catalogue.layers(); }
  const ExpertStoreStatistics &statistics() const { return counts; }
  uint32_t slots() const { return static_cast<uint32_t>(slotTable.size()); }
  /// Of all buffers.
  uint64_t bufferBytes() const { return bytes; }
  /// True if the expert is in memory or on its way there.
  bool expects(ExpertKey key) const;
  /// True if the expert is in memory, checked, whoever uses it.
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
    uint32_t layer = 0, expert = 0; ///< The layer's index in the catalogue.
    uint32_t partition = 0;
    bool ahead = false; ///< Nobody has asked for it yet.
    std::byte *bytes = nullptr;
    uint32_t users = 0;
    std::array<Transfer, kExpertMatrices> transfers;
    Error error;
  };

  /// Consecutive slots: first the pinned experts', each its own, then those of a cache.
  struct Partition {
    uint32_t first = 0, pinned = 0, slots = 0;
    uint64_t slotBytes = 0;
    uint32_t firstCached() const { return first + pinned; }
    uint32_t end() const { return first + pinned + slots; }
  };

  ExpertStore(ExpertCatalogue fromCatalogue, Reads &fromReads, std::unique_ptr<CachePolicy> withPolicy,
              ExpertStoreOptions withOptions);
  Result<void> allocate();
  Result<void> addLayer(const LayerBuffers &buffers);
  void addPartition(uint32_t pinned, uint32_t slots, uint64_t bytesOfSlot);
  void preparePolicy();
  Result<void> requireRoom() const;

  uint32_t keyOf(const Slot &slot) const { return catalogue.table[slot.layer].firstKey + slot.expert; }
  std::optional<uint32_t> acquire(uint32_t layer, uint32_t expert, ExpertUse use, bool isUsed);
  std::optional<uint32_t> takeSlot(uint32_t layer, uint32_t expert, ExpertUse use);
  void place(uint32_t slot, uint32_t layer, uint32_t expert, bool isUsed);
  std::optional<uint32_t> takeFree(const Partition &partition) const;
  std::optional<uint32_t> takeUnclaimed(uint32_t layer) const;
  std::optional<uint32_t> takeVictim(uint32_t partition);
  void vacate(Slot &slot);
  Result<Handle> hold(uint32_t layer, uint32_t expert);
  static bool isUnderway(const Slot &slot);
  bool isPassing(const Slot &slot) const;
  /// A handle of an expert in quarantine, which has no slot: behind those of slots, by key.
  bool isRefused(Handle handle) const { return handle >= slotTable.size(); }

  void begin(uint32_t slot);
  void submit(uint32_t slot, uint32_t matrix);
  /// Takes completions, waiting at most `timeout` for the first.
  void collect(Reads::Duration timeout);
  void collectFor(std::span<const Handle> handles);
  template <typename Body> void whileWaiting(const Body &body);
  void complete(const ReadCompletion &completion);
  void advance(uint32_t slot, uint32_t matrix, const ReadCompletion &completion);
  void check(uint32_t slot, uint32_t matrix, const ReadCompletion &completion);
  void retryFailed(uint32_t slot, uint32_t matrix, int number);
  void expire();
  void failSlot(uint32_t slot, uint32_t matrix, ExitCode code, std::string_view id, uint64_t at, std::string_view what);
  std::byte *buffer(uint32_t slot, uint32_t matrix) const;

  ExpertCatalogue catalogue;
  Reads &reads;
  std::unique_ptr<CachePolicy> policy; ///< Its groups are the partitions.
  ExpertStoreOptions options;
  ExpertStoreStatistics counts;
  Quarantine quarantine; ///< By key.
  PageMemory memory;
  uint64_t bytes = 0; ///< Of it.
  std::vector<Slot> slotTable;
  std::vector<Partition> partitions; ///< One for each layer of the catalogue, the shared one last.
  std::vector<uint8_t> isPinned;     ///< By key.
  std::vector<int32_t> slotOfKey;    ///< -1: not in memory.
  std::vector<ReadCompletion> arrived;
  uint32_t underway = 0;          ///< Reads.
  Reads::Duration countedUntil{}; ///< Of counts.reading, while some are.
  uint64_t finishedReads = 0;
  Reads::Duration readTime{}; ///< Of the finished ones together.
};

} // namespace strata
