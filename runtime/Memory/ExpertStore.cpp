// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Memory/ExpertStore.h"

#include "runtime/Base/Checked.h"
#include "runtime/Base/Size.h"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <utility>

namespace strata {

ExpertStore::ExpertStore(ExpertCatalogue fromCatalogue, Reads &fromReads, std::unique_ptr<CachePolicy> withPolicy,
                         ExpertStoreOptions withOptions)
    : catalogue(std::move(fromCatalogue)), reads(fromReads), policy(std::move(withPolicy)),
      options(std::move(withOptions)), isPinned(catalogue.experts()), slotOfKey(catalogue.experts(), -1), arrived(64) {}

ExpertStore::~ExpertStore() {
  // A disk that never answers would hold us here for ever; its buffers are then left to it.
  Reads::Duration deadline = reads.now() + options.readTimeout;
  while (underway != 0 && reads.now() < deadline)
    underway -= static_cast<uint32_t>(reads.wait(arrived, deadline - reads.now()));
  if (underway != 0)
    memory.leak();
}

Result<std::unique_ptr<ExpertStore>> ExpertStore::create(ExpertCatalogue catalogue, Reads &reads,
                                                         std::unique_ptr<CachePolicy> policy,
                                                         ExpertStoreOptions options) {
  std::unique_ptr<ExpertStore> store(
      new ExpertStore(std::move(catalogue), reads, std::move(policy), std::move(options)));
  STRATA_TRY(store->allocate());
  return store;
}

/// The slots of a layer, and what its pinned experts are.
Result<void> ExpertStore::addLayer(const LayerBuffers &buffers) {
  const ExpertLayer *layer = catalogue.find(buffers.layer);
  if (!layer || buffers.slots > layer->experts)
    return fail(ExitCode::Input, "",
                fmt::format("layer {} has {} experts and is planned to have {} in memory; compile the model again",
                            buffers.layer, layer ? layer->experts : 0, buffers.slots));
  for (const std::vector<uint32_t> *experts : {&buffers.pinned, &buffers.first})
    for (uint32_t expert : *experts)
      if (expert >= layer->experts || buffers.first.size() > buffers.slots)
        return fail(
            ExitCode::Input, "",
            fmt::format("expert {} of layer {} is to be loaded and the model has none, or the layer no slot for "
                        "it; compile the model again",
                        expert, buffers.layer));
  for (uint32_t expert : buffers.pinned)
    isPinned[layer->firstKey + expert] = 1;
  addPartition(static_cast<uint32_t>(buffers.pinned.size()), buffers.slots, slotBytes(*layer).value());
  return {};
}

/// Slots without memory yet: `bytes` counts what they take.
void ExpertStore::addPartition(uint32_t pinned, uint32_t slotCount, uint64_t bytesOfSlot) {
  Partition partition;
  partition.first = slots();
  partition.pinned = pinned;
  partition.slots = slotCount;
  Slot slot;
  slot.partition = static_cast<uint32_t>(partitions.size());
  slotTable.insert(slotTable.end(), pinned + slotCount, slot);
  Checked sum = Checked(bytes) + Checked(pinned + slotCount) * bytesOfSlot;
  bytes = sum.valid() ? sum.value() : ~uint64_t(0);
  partitions.push_back(partition);
}

void ExpertStore::preparePolicy() {
  CacheLayout layout;
  for (const ExpertLayer &layer : catalogue.layers())
    layout.firstKeys.push_back(layer.firstKey);
  layout.firstKeys.push_back(catalogue.experts());
  for (const Slot &slot : slotTable)
    layout.groups.push_back(slot.partition);
  policy->prepare(layout);
}

/// Experts that no buffer may hold would never come.
Result<void> ExpertStore::requireRoom() const {
  for (size_t i = 0; i < catalogue.layers().size(); ++i) {
    const ExpertLayer &layer = catalogue.layers()[i];
    uint32_t unpinned = layer.experts - partitions[i].pinned;
    uint64_t room = uint64_t(partitions[i].slots) + options.sharedSlots;
    if (uint32_t wanted = std::min(options.wantedAtOnce, unpinned); room < wanted)
      return fail(
          ExitCode::Machine, "F16",
          fmt::format("there is room for {} experts of layer {} that are read from the disk, and a step may need "
                      "{} at one time: raise --ram, or pin fewer",
                      room, layer.layer, wanted));
  }
  return {};
}

Result<void> ExpertStore::allocate() {
  uint64_t largest = 0;
  for (const ExpertLayer &layer : catalogue.layers()) {
    if (!slotBytes(layer).valid())
      return fail(ExitCode::Input, "", fmt::format("the experts of layer {} have impossible sizes", layer.layer));
    largest = std::max(largest, slotBytes(layer).value());
    auto planned = std::find_if(options.layers.begin(), options.layers.end(),
                                [&](const LayerBuffers &buffers) { return buffers.layer == layer.layer; });
    STRATA_TRY(addLayer(planned != options.layers.end() ? *planned : LayerBuffers{layer.layer, 0, {}, {}}));
  }
  addPartition(0, options.sharedSlots, largest);
  preparePolicy();
  STRATA_TRY(requireRoom());
  if (slots() * size_t(kExpertMatrices) > reads.capacity())
    return fail(ExitCode::Bug, "", "the reads cannot take as many requests as the expert store has buffers");
  memory = PageMemory(bytes);
  if (!memory.data())
    return fail(ExitCode::Machine, "F16",
                fmt::format("there is not enough memory for the {} of experts", formatBytes(bytes)));
  std::byte *next = memory.data();
  for (Slot &slot : slotTable) {
    slot.bytes = next;
    next +=
        slot.partition < catalogue.layers().size() ? slotBytes(catalogue.layers()[slot.partition]).value() : largest;
  }
  return {};
}

std::byte *ExpertStore::buffer(uint32_t slot, uint32_t matrix) const {
  std::byte *start = slotTable[slot].bytes;
  const ExpertLayer &layer = catalogue.layers()[slotTable[slot].layer];
  for (uint32_t before = 0; before < matrix; ++before)
    start += slabBufferBytes(layer.matrices[before].slabBytes).value();
  return start;
}

bool ExpertStore::isUnderway(const Slot &slot) {
  return std::any_of(slot.transfers.begin(), slot.transfers.end(), [](const Transfer &one) { return one.underway; });
}

/// What is in the slot is in memory no more. A slot that the disk still writes into stays out of use until it is done.
void ExpertStore::vacate(Slot &slot) {
  slotOfKey[keyOf(slot)] = -1;
  slot.state = State::Free;
}

std::optional<uint32_t> ExpertStore::takeFree(const Partition &partition) const {
  for (uint32_t slot = partition.firstCached(); slot < partition.end(); ++slot)
    if (slotTable[slot].state == State::Free && !isUnderway(slotTable[slot]))
      return slot;
  return std::nullopt;
}

/// A slot whose expert makes room.
std::optional<uint32_t> ExpertStore::takeVictim(uint32_t partition) {
  uint32_t firstCached = partitions[partition].firstCached();
  std::optional<uint32_t> chosen = policy->victim(partition, [&](uint32_t slot) {
    return slot >= firstCached && slotTable[slot].state == State::Ready && slotTable[slot].users == 0;
  });
  if (chosen) {
    vacate(slotTable[*chosen]);
    ++counts.evictions;
  }
  return chosen;
}

/// Where the expert can go. In a prompt every expert comes by once: none drives out what decoding has gathered.
std::optional<uint32_t> ExpertStore::takeSlot(uint32_t layer, uint32_t expert, ExpertUse use) {
  const Partition &own = partitions[layer], &shared = partitions.back();
  if (isPinned[catalogue.table[layer].firstKey + expert]) {
    for (uint32_t slot = own.first; slot < own.firstCached(); ++slot)
      if (slotTable[slot].state == State::Free && !isUnderway(slotTable[slot]))
        return slot;
  }
  std::optional<uint32_t> taken = takeFree(own);
  if (!taken && use == ExpertUse::Decode)
    taken = takeVictim(layer);
  if (!taken)
    taken = takeFree(shared);
  if (!taken)
    taken = takeVictim(static_cast<uint32_t>(partitions.size() - 1));
  if (!taken && use == ExpertUse::Prompt && shared.slots == 0)
    taken = takeVictim(layer);
  return taken;
}

/// The slot that the expert is in or will be in; its reads are submitted. Or a handle that is refused.
std::optional<uint32_t> ExpertStore::acquire(uint32_t layerIndex, uint32_t expert, ExpertUse use, bool isUsed) {
  uint32_t key = catalogue.table[layerIndex].firstKey + expert;
  if (int32_t present = slotOfKey[key]; present >= 0) {
    auto slot = static_cast<uint32_t>(present);
    if (std::exchange(slotTable[slot].ahead, false))
      ++counts.misses;
    else if (slotTable[slot].state == State::Ready)
      ++counts.hits;
    policy->used(slot, key);
    return slot;
  }
  if (!quarantine.empty() && quarantine.holds(key, reads.now())) {
    ++counts.refused;
    return slots() + key;
  }
  std::optional<uint32_t> slot = takeSlot(layerIndex, expert, use);
  if (!slot)
    return std::nullopt;
  counts.misses += isUsed ? 1 : 0;
  place(*slot, layerIndex, expert, isUsed);
  return slot;
}

/// The expert's reads into a slot that is free.
void ExpertStore::place(uint32_t slot, uint32_t layerIndex, uint32_t expert, bool isUsed) {
  uint32_t key = catalogue.table[layerIndex].firstKey + expert;
  slotTable[slot].layer = layerIndex;
  slotTable[slot].expert = expert;
  slotTable[slot].users = 0;
  slotTable[slot].ahead = false;
  slotTable[slot].state = State::Reading;
  slotOfKey[key] = static_cast<int32_t>(slot);
  policy->placed(slot, key, isUsed);
  begin(slot);
}

bool ExpertStore::readAhead(uint32_t layer, uint32_t expert) {
  auto index = static_cast<uint32_t>(catalogue.find(layer) - catalogue.table.data());
  if (expects({layer, expert}) || quarantine.holds(catalogue.table[index].firstKey + expert, reads.now()))
    return true;
  std::optional<uint32_t> slot = takeFree(partitions[index]);
  if (!slot)
    slot = takeFree(partitions.back());
  if (!slot)
    return false;
  place(*slot, index, expert, /*isUsed=*/false);
  slotTable[*slot].ahead = true;
  return true;
}

/// Counts the time that `body` takes, and what comes meanwhile. What is there already has not been waited for.
template <typename Body> void ExpertStore::whileWaiting(const Body &body) {
  collect({});
  Reads::Duration begun = reads.now();
  uint64_t before = counts.bytesRead;
  body();
  counts.waiting += reads.now() - begun;
  counts.bytesWhileWaiting += counts.bytesRead - before;
}

bool ExpertStore::waitForReads() {
  uint32_t before = underway;
  whileWaiting([&] {
    if (underway == before)
      collect(options.readTimeout);
  });
  return underway < before;
}

Error ExpertStore::noRoom(uint32_t layer, uint32_t expert) const {
  return {ExitCode::Machine, "F09",
          fmt::format("no buffer is free for expert {} of layer {}: all that it could take are in use or wait for the "
                      "disk",
                      expert, layer)};
}

void ExpertStore::beginStep(uint32_t layer) {
  collect({});
  policy->beginStep(static_cast<uint32_t>(catalogue.find(layer) - catalogue.table.data()));
}

std::optional<ExpertStore::Handle> ExpertStore::tryWant(uint32_t layer, uint32_t expert, ExpertUse use) {
  auto index = static_cast<uint32_t>(catalogue.find(layer) - catalogue.table.data());
  std::optional<uint32_t> slot = acquire(index, expert, use, /*isUsed=*/true);
  if (slot && !isRefused(*slot))
    ++slotTable[*slot].users;
  return slot;
}

Result<void> ExpertStore::want(uint32_t layerNumber, std::span<const uint32_t> experts, std::span<Handle> handles) {
  const ExpertLayer *layer = catalogue.find(layerNumber);
  if (!layer || handles.size() < experts.size() ||
      std::any_of(experts.begin(), experts.end(), [&](uint32_t expert) { return expert >= layer->experts; }))
    return fail(ExitCode::Bug, "", fmt::format("experts of layer {} are asked for that it does not have", layerNumber));
  beginStep(layerNumber);
  // What is there is held first, so that no miss of this layer evicts it.
  constexpr Handle kNone = ~Handle(0);
  std::fill_n(handles.begin(), experts.size(), kNone);
  for (bool present : {true, false})
    for (size_t i = 0; i < experts.size(); ++i) {
      if (handles[i] != kNone || (present && !expects({layerNumber, experts[i]})))
        continue;
      std::optional<Handle> handle = tryWant(layerNumber, experts[i], ExpertUse::Decode);
      if (handle) {
        handles[i] = *handle;
        continue;
      }
      for (size_t held = 0; held < experts.size(); ++held)
        if (handles[held] != kNone)
          release(handles[held]);
      return tl::unexpected<Error>(noRoom(layerNumber, experts[i]));
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
  if (underway++ == 0)
    countedUntil = reads.now();
  reads.submit(request);
}

void ExpertStore::collect(Reads::Duration timeout) {
  bool wasReading = underway != 0;
  for (;;) {
    size_t count = underway == 0 ? 0 : reads.wait(arrived, timeout);
    for (size_t i = 0; i < count; ++i)
      complete(arrived[i]);
    if (count < arrived.size())
      break;
    timeout = {};
  }
  if (wasReading) {
    Reads::Duration now = reads.now();
    counts.reading += now - countedUntil;
    countedUntil = now;
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
  if (id == "F02" || id == "F05") {
    ++counts.quarantined;
    quarantine.add(keyOf(failed), failed.error, reads.now());
  }
  // The next want reads it anew, in another slot if this one is still held.
  slotOfKey[keyOf(failed)] = -1;
  if (failed.users == 0)
    failed.state = State::Free;
}

bool ExpertStore::isReady(Handle handle) {
  if (isRefused(handle))
    return false;
  if (slotTable[handle].state == State::Reading)
    collect({});
  return slotTable[handle].state == State::Ready;
}

/// Until something has happened, or the read of one of these has taken too long.
void ExpertStore::collectFor(std::span<const Handle> handles) {
  Reads::Duration left = options.readTimeout;
  for (Handle handle : handles)
    for (const Transfer &transfer : slotTable[handle].transfers)
      if (transfer.underway)
        left = std::min(left, transfer.begun + options.readTimeout - reads.now());
  collect(std::max(left, Reads::Duration(0)));
}

void ExpertStore::waitForAny(std::span<const Handle> handles) {
  whileWaiting([&] {
    while (std::all_of(handles.begin(), handles.end(), [&](Handle handle) { return isReading(handle); }))
      collectFor(handles);
  });
}

Result<void> ExpertStore::wait(Handle handle) {
  waitForAny({&handle, 1});
  if (isRefused(handle))
    return tl::unexpected<Error>(quarantine.errorOf(handle - slots(), reads.now()));
  if (slotTable[handle].state == State::Failed)
    return tl::unexpected<Error>(slotTable[handle].error);
  return {};
}

std::span<const std::byte> ExpertStore::slab(Handle handle, ExpertMatrix matrix) const {
  if (isRefused(handle))
    return {};
  const Slot &slot = slotTable[handle];
  if (slot.state != State::Ready)
    return {}; // A caller's mistake must not show bytes that nobody checked.
  const Transfer &transfer = slot.transfers[static_cast<uint32_t>(matrix)];
  return {buffer(handle, static_cast<uint32_t>(matrix)) + transfer.skew, transfer.bytes};
}

void ExpertStore::release(Handle handle) {
  if (isRefused(handle))
    return;
  Slot &slot = slotTable[handle];
  if (--slot.users != 0)
    return;
  if (slot.state == State::Failed)
    slot.state = State::Free; // No key leads to it.
  else if (slot.state == State::Ready && slot.partition + 1 == partitions.size() && !options.keepsShared)
    vacate(slot);
}

bool ExpertStore::expects(ExpertKey key) const {
  const ExpertLayer *layer = catalogue.find(key.layer);
  return layer && key.expert < layer->experts && slotOfKey[layer->firstKey + key.expert] >= 0;
}

bool ExpertStore::holds(ExpertKey key) const {
  if (!expects(key))
    return false;
  int32_t slot = slotOfKey[catalogue.find(key.layer)->firstKey + key.expert];
  return slotTable[static_cast<uint32_t>(slot)].state == State::Ready;
}

/// To fill the memory: that is no use of the expert.
Result<ExpertStore::Handle> ExpertStore::hold(uint32_t layer, uint32_t expert) {
  const ExpertLayer *found = catalogue.find(layer);
  std::optional<uint32_t> slot =
      acquire(static_cast<uint32_t>(found - catalogue.table.data()), expert, ExpertUse::Decode, /*isUsed=*/false);
  if (!slot)
    return tl::unexpected<Error>(noRoom(layer, expert));
  if (!isRefused(*slot))
    ++slotTable[*slot].users;
  return *slot;
}

static uint64_t expertBytes(const ExpertLayer &layer) {
  uint64_t bytes = 0;
  for (const SlabTable &slabs : layer.matrices)
    bytes += slabs.slabBytes;
  return bytes;
}

uint64_t ExpertStore::loadBytes() const {
  uint64_t all = 0;
  for (const LayerBuffers &buffers : options.layers)
    all += (buffers.pinned.size() + buffers.first.size()) * expertBytes(*catalogue.find(buffers.layer));
  return all;
}

Result<void> ExpertStore::load(const std::function<void(uint64_t)> &progress) {
  std::vector<Handle> handles;
  for (const LayerBuffers &buffers : options.layers) {
    std::vector<uint32_t> experts = buffers.pinned;
    experts.insert(experts.end(), buffers.first.rbegin(),
                   buffers.first.rend()); // The last ones are the first to leave.
    for (uint32_t expert : experts) {
      STRATA_ASSIGN(Handle handle, hold(buffers.layer, expert));
      handles.push_back(handle);
    }
  }
  for (Handle handle : handles) {
    STRATA_TRY(wait(handle));
    release(handle);
    if (progress)
      progress(expertBytes(catalogue.table[slotTable[handle].layer]));
  }
  return {};
}

} // namespace strata
