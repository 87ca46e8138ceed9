// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Memory/ExpertStore.h"

#include "runtime/Base/Checked.h"
#include "runtime/Base/Size.h"

#include <algorithm>
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
  partition.slotBytes = bytesOfSlot;
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
    next += partitions[slot.partition].slotBytes;
  }
  return {};
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

/// A place for one of a prompt's experts: free in the layer's cache, shared, or free in another layer's cache. Of those
/// the last ones first: a pass of a prompt comes to them last.
std::optional<uint32_t> ExpertStore::takeUnclaimed(uint32_t layer) const {
  std::optional<uint32_t> taken = takeFree(partitions[layer]);
  for (size_t other = partitions.size(); !taken && other-- > 0;)
    if (partitions[other].slotBytes >= partitions[layer].slotBytes)
      taken = takeFree(partitions[other]);
  return taken;
}

/// True for an expert that is in no cache of its layer: it leaves when nobody uses it.
bool ExpertStore::isPassing(const Slot &slot) const {
  bool isShared = slot.partition + 1 == partitions.size();
  return isShared ? !options.keepsShared : slot.partition != slot.layer;
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
  std::optional<uint32_t> taken;
  if (use == ExpertUse::Prompt) {
    taken = takeUnclaimed(layer);
  } else {
    taken = takeFree(own);
    if (!taken)
      taken = takeVictim(layer);
    if (!taken)
      taken = takeFree(shared);
  }
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
  std::optional<uint32_t> slot = takeUnclaimed(index);
  if (!slot)
    return false;
  place(*slot, index, expert, /*isUsed=*/false);
  slotTable[*slot].ahead = true;
  return true;
}

void ExpertStore::forgetAhead(uint32_t layer) {
  auto index = static_cast<uint32_t>(catalogue.find(layer) - catalogue.table.data());
  for (Slot &slot : slotTable)
    if (slot.ahead && slot.layer == index && isPassing(slot) &&
        (slot.state == State::Reading || slot.state == State::Ready))
      vacate(slot);
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
  else if (slot.state == State::Ready && isPassing(slot))
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
