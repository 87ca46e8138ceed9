// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Memory/ExpertStore.h"

#include "runtime/Base/Checked.h"
#include "runtime/Base/Size.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <new>

namespace strata {

static constexpr std::align_val_t kAlignment{kReadAlignment};

void ExpertStore::FreeMemory::operator()(std::byte *bytes) const {
  ::operator delete[](bytes, kAlignment);
}

ExpertStore::ExpertStore(ExpertCatalogue fromCatalogue, Reads &fromReads, std::unique_ptr<CachePolicy> withPolicy,
                         ExpertStoreOptions withOptions)
    : catalogue(std::move(fromCatalogue)), reads(fromReads), policy(std::move(withPolicy)),
      options(std::move(withOptions)), slotOfKey(catalogue.experts(), -1), arrived(64) {}

ExpertStore::~ExpertStore() {
  // A disk that never answers would hold us here for ever; its buffers are then left to it.
  Reads::Duration deadline = reads.now() + options.readTimeout;
  while (underway != 0 && reads.now() < deadline)
    underway -= static_cast<uint32_t>(reads.wait(arrived, deadline - reads.now()));
  if (underway != 0) [[maybe_unused]]
    std::byte *leftToTheDisk = memory.release();
}

Result<std::unique_ptr<ExpertStore>> ExpertStore::create(ExpertCatalogue catalogue, Reads &reads,
                                                         std::unique_ptr<CachePolicy> policy,
                                                         ExpertStoreOptions options) {
  std::unique_ptr<ExpertStore> store(
      new ExpertStore(std::move(catalogue), reads, std::move(policy), std::move(options)));
  STRATA_TRY(store->allocate());
  return store;
}

Result<void> ExpertStore::allocate() {
  Checked bytes;
  for (uint32_t matrix = 0; matrix < kExpertMatrices; ++matrix) {
    uint64_t largest = 0;
    for (const ExpertLayer &layer : catalogue.layers())
      largest = std::max(largest, layer.matrices[matrix].slabBytes);
    matrixStarts[matrix] = bytes.value();
    // The enclosing range begins up to a page before the slab.
    bytes += Checked(largest).alignUp(kReadAlignment) + kReadAlignment;
  }
  slotBytes = bytes.value();
  for (const ExpertKey &key : options.pinned)
    if (const ExpertLayer *layer = catalogue.find(key.layer); !layer || key.expert >= layer->experts)
      return fail(ExitCode::Input, "",
                  fmt::format("expert {} of layer {} is pinned and the model has none; compile the model again",
                              key.expert, key.layer));
  Checked kept = options.layerSlots.empty() ? options.pinned.size() : 0;
  for (uint32_t each : options.layerSlots)
    kept += each;
  uint64_t wanted = (kept + options.wantedAtOnce).value();
  uint64_t slotCount = bytes.valid() ? options.budgetBytes / slotBytes : 0;
  if (options.layerSlots.empty()) {
    slotCount = std::min<uint64_t>(slotCount, catalogue.experts());
    wanted = std::min<uint64_t>(wanted, catalogue.experts());
  }
  if (slotCount == 0 || slotCount < wanted)
    return fail(ExitCode::Machine, "F16",
                fmt::format("the budget of {} for experts holds {} of {} and at least {} are needed: raise --ram, or "
                            "pin fewer",
                            formatBytes(options.budgetBytes), slotCount, formatBytes(slotBytes), wanted));
  if (slotCount * kExpertMatrices > reads.capacity())
    return fail(ExitCode::Bug, "", "the reads cannot take as many requests as the expert store has buffers");
  memory.reset(static_cast<std::byte *>(::operator new[](slotCount * slotBytes, kAlignment, std::nothrow)));
  if (!memory)
    return fail(ExitCode::Machine, "F16",
                fmt::format("there is not enough memory for the {} of experts", formatBytes(slotCount * slotBytes)));
  slotTable.resize(slotCount);
  freeSlots = slots();
  return layOut(slotCount);
}

/// What is loaded has a slot of its layer each.
Result<void> ExpertStore::checkLayerSlots() const {
  if (!options.layerSlots.empty() && options.layerSlots.size() != catalogue.layers().size())
    return fail(ExitCode::Bug, "", "the expert store's slots are not for the layers that have experts");
  std::vector<uint64_t> loaded(catalogue.layers().size());
  for (const std::vector<ExpertKey> *keys : {&options.pinned, &options.first})
    for (const ExpertKey &key : *keys) {
      const ExpertLayer *layer = catalogue.find(key.layer);
      if (!layer || key.expert >= layer->experts)
        return fail(ExitCode::Bug, "", "the cache is to begin with an expert that the model does not have");
      auto index = static_cast<size_t>(layer - catalogue.table.data());
      if (++loaded[index] > (options.layerSlots.empty() ? layer->experts : options.layerSlots[index]))
        return fail(ExitCode::Bug, "", fmt::format("layer {} has fewer slots than experts to load", key.layer));
    }
  return {};
}

/// One group of slots for all, or one for every layer and a last one for what no layer keeps.
Result<void> ExpertStore::layOut(uint64_t slotCount) {
  groupStarts = {0};
  STRATA_TRY(checkLayerSlots());
  for (uint32_t each : options.layerSlots)
    groupStarts.push_back(groupStarts.back() + each);
  groupStarts.push_back(static_cast<uint32_t>(slotCount));
  CacheLayout layout;
  for (const ExpertLayer &layer : catalogue.layers())
    layout.firstKeys.push_back(layer.firstKey);
  layout.firstKeys.push_back(catalogue.experts());
  for (uint32_t group = 0; group + 1 < groupStarts.size(); ++group)
    layout.groups.resize(groupStarts[group + 1], group);
  for (uint32_t slot = groupStarts[groupStarts.size() - 2]; slot < slots() && !options.layerSlots.empty(); ++slot)
    slotTable[slot].kept = false;
  policy->prepare(layout);
  return {};
}

bool ExpertStore::isUnderway(const Slot &slot) {
  return std::any_of(slot.transfers.begin(), slot.transfers.end(), [](const Transfer &one) { return one.underway; });
}

/// What is in the slot is in memory no more. A slot that the disk still writes into stays out of use until it is done.
void ExpertStore::vacate(Slot &slot) {
  slotOfKey[keyOf(slot)] = -1;
  slot.state = State::Free;
  ++freeSlots;
}

/// What nobody uses any more leaves at once where it failed, or where it is not kept.
void ExpertStore::settle(Slot &slot) {
  if (slot.users != 0)
    return;
  if (slot.state == State::Failed) {
    slot.state = State::Free; // No key leads to it.
    ++freeSlots;
  } else if (slot.state == State::Ready && !slot.kept) {
    vacate(slot);
  }
}

/// A free slot of a group, or that of the expert that leaves first.
std::optional<uint32_t> ExpertStore::takeSlotOf(uint32_t group) {
  for (uint32_t slot = groupStarts[group]; freeSlots != 0 && slot < groupStarts[group + 1]; ++slot)
    if (slotTable[slot].state == State::Free && !isUnderway(slotTable[slot]))
      return slot;
  std::optional<uint32_t> chosen = policy->victim(group, [this](uint32_t slot) {
    const Slot &candidate = slotTable[slot];
    return candidate.state == State::Ready && !candidate.pinned && candidate.users == 0;
  });
  if (chosen) {
    vacate(slotTable[*chosen]);
    ++counts.evictions;
  }
  return chosen;
}

Result<uint32_t> ExpertStore::takeSlot(const ExpertLayer &layer, uint32_t expert) {
  auto last = static_cast<uint32_t>(groupStarts.size() - 2);
  uint32_t own = options.layerSlots.empty() ? 0 : static_cast<uint32_t>(&layer - catalogue.table.data());
  std::optional<uint32_t> chosen = takeSlotOf(own);
  if (!chosen && own != last)
    chosen = takeSlotOf(last);
  if (!chosen)
    return fail(ExitCode::Machine, "F09",
                fmt::format("no buffer is free for expert {} of layer {}: all {} are in use or wait for the disk",
                            expert, layer.layer, slots()));
  --freeSlots;
  return *chosen;
}

/// The slot that the expert is in or will be in; its reads are submitted.
Result<uint32_t> ExpertStore::acquire(uint32_t layerIndex, uint32_t expert, bool isUsed) {
  const ExpertLayer &layer = catalogue.table[layerIndex];
  uint32_t key = layer.firstKey + expert;
  if (int32_t present = slotOfKey[key]; present >= 0) {
    auto slot = static_cast<uint32_t>(present);
    if (slotTable[slot].state == State::Ready)
      ++counts.hits;
    policy->used(slot, key);
    return slot;
  }
  STRATA_ASSIGN(uint32_t slot, takeSlot(layer, expert));
  if (isUsed)
    ++counts.misses;
  slotTable[slot].layer = layerIndex;
  slotTable[slot].expert = expert;
  slotTable[slot].users = 0;
  slotTable[slot].pinned = false;
  slotTable[slot].state = State::Reading;
  slotOfKey[key] = static_cast<int32_t>(slot);
  policy->placed(slot, key, isUsed);
  begin(slot);
  return slot;
}

Result<void> ExpertStore::want(uint32_t layerNumber, std::span<const uint32_t> experts, std::span<Handle> handles) {
  const ExpertLayer *layer = catalogue.find(layerNumber);
  if (!layer || handles.size() < experts.size() ||
      std::any_of(experts.begin(), experts.end(), [&](uint32_t expert) { return expert >= layer->experts; }))
    return fail(ExitCode::Bug, "", fmt::format("experts of layer {} are asked for that it does not have", layerNumber));
  auto index = static_cast<uint32_t>(layer - catalogue.table.data());
  collect({});
  policy->beginStep(index);
  // What is there is held first, so that no miss of this layer evicts it.
  auto hold = [&](size_t i, uint32_t slot) {
    handles[i] = slot;
    ++slotTable[slot].users;
  };
  constexpr Handle kNone = ~Handle(0);
  for (size_t i = 0; i < experts.size(); ++i) {
    handles[i] = kNone;
    int32_t present = slotOfKey[layer->firstKey + experts[i]];
    if (present < 0)
      continue;
    STRATA_ASSIGN(uint32_t slot, acquire(index, experts[i], true));
    hold(i, slot);
  }
  for (size_t i = 0; i < experts.size(); ++i) {
    if (handles[i] != kNone)
      continue;
    auto slot = acquire(index, experts[i], true);
    if (!slot) {
      for (size_t held = 0; held < experts.size(); ++held)
        if (handles[held] != kNone)
          release(handles[held]);
      return tl::unexpected<Error>(std::move(slot.error()));
    }
    hold(i, *slot);
  }
  return {};
}

void ExpertStore::begin(uint32_t slot) {
  for (uint32_t matrix = 0; matrix < kExpertMatrices; ++matrix) {
    const SlabTable &slabs = catalogue.table[slotTable[slot].layer].matrices[matrix];
    uint64_t offset = slabs.offset + slotTable[slot].expert * slabs.slabBytes;
    Transfer transfer;
    transfer.fileOffset = offset / kReadAlignment * kReadAlignment;
    transfer.skew = offset - transfer.fileOffset;
    transfer.bytes = slabs.slabBytes;
    transfer.asked = Checked(transfer.skew + transfer.bytes).alignUp(kReadAlignment).value();
    transfer.begun = reads.now();
    slotTable[slot].transfers[matrix] = transfer;
    submit(slot, matrix);
  }
}

void ExpertStore::submit(uint32_t slot, uint32_t matrix) {
  Transfer &transfer = slotTable[slot].transfers[matrix];
  const SlabTable &slabs = catalogue.table[slotTable[slot].layer].matrices[matrix];
  ReadRequest request;
  request.tag = uint64_t(slot) * kExpertMatrices + matrix;
  request.file = slabs.file;
  request.offset = transfer.fileOffset + transfer.done;
  request.to = {buffer(slot, matrix) + transfer.done, transfer.asked - transfer.done};
  request.throughCache = transfer.throughCache;
  if (transfer.done == 0 && !slabs.checksums.empty()) {
    request.hashedFrom = transfer.skew;
    request.hashedBytes = transfer.bytes;
  }
  transfer.underway = true;
  ++underway;
  reads.submit(request);
}

void ExpertStore::collect(Reads::Duration timeout) {
  for (;;) {
    size_t count = underway == 0 ? 0 : reads.wait(arrived, timeout);
    for (size_t i = 0; i < count; ++i)
      complete(arrived[i]);
    if (count < arrived.size())
      break;
    timeout = {};
  }
  expire();
}

void ExpertStore::complete(const ReadCompletion &completion) {
  auto slot = static_cast<uint32_t>(completion.tag / kExpertMatrices);
  auto matrix = static_cast<uint32_t>(completion.tag % kExpertMatrices);
  slotTable[slot].transfers[matrix].underway = false;
  --underway;
  // Nobody waits any more for what has failed or timed out.
  if (slotTable[slot].state == State::Reading)
    advance(slot, matrix, completion);
}

void ExpertStore::advance(uint32_t slot, uint32_t matrix, const ReadCompletion &completion) {
  Transfer &transfer = slotTable[slot].transfers[matrix];
  constexpr uint32_t kMostInterruptions = 100;
  if (completion.result == -EINTR || completion.result == -EAGAIN) {
    ++counts.retries;
    if (++transfer.interruptions > kMostInterruptions)
      return retryFailed(slot, matrix, static_cast<int>(-completion.result));
    return submit(slot, matrix);
  }
  if (completion.result < 0)
    return retryFailed(slot, matrix, static_cast<int>(-completion.result));
  auto got = std::min(static_cast<uint64_t>(completion.result), transfer.asked - transfer.done);
  counts.bytesRead += got;
  uint64_t needed = transfer.skew + transfer.bytes;
  if (transfer.done + got >= needed)
    return check(slot, matrix, completion);
  if (got == 0)
    return failSlot(slot, matrix, ExitCode::Input, "F06", transfer.fileOffset + transfer.done,
                    "the file ends inside it: it shrank while in use; restore the file and start again");
  // Direct reads go on at a page.
  uint64_t whole = got / kReadAlignment * kReadAlignment;
  if (whole == 0 && ++transfer.interruptions > kMostInterruptions)
    return failSlot(slot, matrix, ExitCode::Input, "F06", transfer.fileOffset + transfer.done,
                    "the file ends inside it: it shrank while in use; restore the file and start again");
  transfer.done += whole;
  ++counts.retries;
  submit(slot, matrix);
}

/// A whole slab: nobody has seen it before its checksum is right.
void ExpertStore::check(uint32_t slot, uint32_t matrix, const ReadCompletion &completion) {
  Slot &at = slotTable[slot];
  Transfer &transfer = at.transfers[matrix];
  const SlabTable &slabs = catalogue.table[at.layer].matrices[matrix];
  if (!slabs.checksums.empty()) {
    uint64_t expected = slabs.checksums[at.expert];
    bool hashed = completion.hashed && transfer.done == 0;
    uint64_t found = hashed ? completion.hash : checksumOf({buffer(slot, matrix) + transfer.skew, transfer.bytes});
    if (found != expected) {
      ++counts.damagedReads;
      if (transfer.reread)
        return failSlot(slot, matrix, ExitCode::Input, "F05", transfer.fileOffset + transfer.skew,
                        fmt::format("its data is damaged: the checksum is {:016x} and was {:016x}, twice; check the "
                                    "disk and get the file again",
                                    found, expected));
      transfer.reread = true;
      transfer.done = 0;
      return submit(slot, matrix);
    }
  }
  Reads::Duration taken = reads.now() - transfer.begun;
  constexpr int kSlow = 10;
  if (finishedReads >= 16 && taken > kSlow * (readTime / static_cast<int64_t>(finishedReads)))
    ++counts.slowReads;
  readTime += taken;
  ++finishedReads;
  transfer.complete = true;
  if (std::all_of(at.transfers.begin(), at.transfers.end(), [](const Transfer &one) { return one.complete; }))
    at.state = State::Ready;
  settle(at);
}

/// Three attempts, then one through the page cache, which is another way to the same bytes.
void ExpertStore::retryFailed(uint32_t slot, uint32_t matrix, int number) {
  Transfer &transfer = slotTable[slot].transfers[matrix];
  constexpr uint32_t kAttempts = 3;
  if (++transfer.failures > kAttempts)
    return failSlot(slot, matrix, ExitCode::Machine, "F02", transfer.fileOffset + transfer.done,
                    fmt::format("the disk fails to read it ({}), {} times; check the disk", gguf::errorText(number),
                                transfer.failures));
  transfer.throughCache = transfer.failures == kAttempts;
  ++counts.retries;
  submit(slot, matrix);
}

/// F09: reads that take too long fail; their buffer is used again when the disk has let go of it.
void ExpertStore::expire() {
  if (underway == 0)
    return;
  Reads::Duration now = reads.now();
  for (uint32_t slot = 0; slot < slots(); ++slot)
    for (uint32_t matrix = 0; matrix < kExpertMatrices; ++matrix) {
      const Transfer &transfer = slotTable[slot].transfers[matrix];
      if (slotTable[slot].state != State::Reading || !transfer.underway || now - transfer.begun < options.readTimeout)
        continue;
      ++counts.timeouts;
      failSlot(slot, matrix, ExitCode::Machine, "F09", transfer.fileOffset + transfer.skew,
               fmt::format("the disk has not read it for {:.1f} s; check the disk, or raise --read-timeout",
                           std::chrono::duration<double>(now - transfer.begun).count()));
    }
}

void ExpertStore::failSlot(uint32_t slot, uint32_t matrix, ExitCode code, std::string_view id, uint64_t at,
                           std::string_view what) {
  Slot &failed = slotTable[slot];
  const SlabTable &slabs = catalogue.table[failed.layer].matrices[matrix];
  std::string file = slabs.file < options.files.size() ? escapeName(gguf::baseName(options.files[slabs.file]))
                                                       : fmt::format("file {}", slabs.file + 1);
  failed.error =
      Error{code, std::string(id),
            fmt::format("{}, byte {}: {}: {}", file, at, describePiece(slabs.tensor, true, failed.expert), what)};
  failed.state = State::Failed;
  // The next want reads it anew, in another slot if this one is still held.
  slotOfKey[keyOf(failed)] = -1;
  settle(failed);
}

bool ExpertStore::isReady(Handle handle) {
  if (slotTable[handle].state == State::Reading)
    collect({});
  return slotTable[handle].state == State::Ready;
}

Result<void> ExpertStore::wait(Handle handle) {
  Reads::Duration begun = reads.now();
  while (slotTable[handle].state == State::Reading) {
    Reads::Duration left = options.readTimeout;
    for (const Transfer &transfer : slotTable[handle].transfers)
      if (transfer.underway)
        left = std::min(left, transfer.begun + options.readTimeout - reads.now());
    collect(std::max(left, Reads::Duration(0)));
  }
  counts.waiting += reads.now() - begun;
  if (slotTable[handle].state == State::Failed)
    return tl::unexpected<Error>(slotTable[handle].error);
  return {};
}

std::span<const std::byte> ExpertStore::slab(Handle handle, ExpertMatrix matrix) const {
  const Slot &slot = slotTable[handle];
  if (slot.state != State::Ready)
    return {}; // A caller's mistake must not show bytes that nobody checked.
  const Transfer &transfer = slot.transfers[static_cast<uint32_t>(matrix)];
  return {buffer(handle, static_cast<uint32_t>(matrix)) + transfer.skew, transfer.bytes};
}

void ExpertStore::release(Handle handle) {
  Slot &slot = slotTable[handle];
  --slot.users;
  settle(slot);
}

bool ExpertStore::holds(ExpertKey key) const {
  const ExpertLayer *layer = catalogue.find(key.layer);
  if (!layer || key.expert >= layer->experts)
    return false;
  int32_t slot = slotOfKey[layer->firstKey + key.expert];
  return slot >= 0 && slotTable[static_cast<uint32_t>(slot)].state == State::Ready;
}

/// Held, to fill the cache: that is no use of it.
Result<ExpertStore::Handle> ExpertStore::load(const ExpertKey &key) {
  const ExpertLayer *layer = catalogue.find(key.layer);
  STRATA_ASSIGN(Handle handle,
                acquire(static_cast<uint32_t>(layer - catalogue.table.data()), key.expert, /*isUsed=*/false));
  ++slotTable[handle].users;
  return handle;
}

Result<void> ExpertStore::loadPinned(const std::function<void(uint32_t, uint32_t)> &progress) {
  std::vector<ExpertKey> keys = options.pinned;
  keys.insert(keys.end(), options.first.rbegin(), options.first.rend()); // The last ones are the first to leave.
  std::vector<Handle> handles(keys.size());
  auto total = static_cast<uint32_t>(keys.size());
  for (uint32_t i = 0; i < total; ++i) {
    STRATA_ASSIGN(handles[i], load(keys[i]));
  }
  for (uint32_t i = 0; i < total; ++i) {
    STRATA_TRY(wait(handles[i]));
    slotTable[handles[i]].pinned = i < options.pinned.size();
    release(handles[i]);
    if (progress)
      progress(i + 1, total);
  }
  return {};
}

} // namespace strata
