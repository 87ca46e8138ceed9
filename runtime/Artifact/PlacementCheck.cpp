// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Artifact/Checks.h"
#include "runtime/Base/Checked.h"
#include "runtime/Schema/RowBytes.h"

#include <fmt/format.h>

namespace strata::artifact {

static constexpr uint64_t kAlignment = 64;

static schema::ArenaKind arenaOf(schema::Rows rows) {
  switch (rows) {
  case schema::Rows::step:
    return schema::ArenaKind::decode;
  case schema::Rows::prompt:
    return schema::ArenaKind::prompt;
  case schema::Rows::chunk:
  case schema::Rows::output:
    break;
  }
  return schema::ArenaKind::chunk;
}

static const schema::Arena &findArena(const schema::Artifact &artifact, schema::ArenaKind kind) {
  for (const schema::Arena *arena : *artifact.arenas())
    if (arena->kind() == kind)
      return *arena;
  return *artifact.arenas()->Get(0); // Not reached: A09 makes sure that there is one of each kind.
}

static Result<void> checkValue(const schema::Artifact &artifact, const schema::Program &program,
                               const schema::Value &value) {
  const schema::Arena &arena = *artifact.arenas()->Get(value.arena());
  if (arena.kind() != arenaOf(value.rows()))
    return refuse("A23", fmt::format("{} is in the {} arena and belongs in the {} arena", describe(program, value),
                                     schema::EnumNameArenaKind(arena.kind()),
                                     schema::EnumNameArenaKind(arenaOf(value.rows()))));
  for (auto activations :
       {schema::ActivationEncoding::i8, schema::ActivationEncoding::i16, schema::ActivationEncoding::f32}) {
    auto choice = static_cast<uint32_t>(activations);
    uint64_t offset = value.offsets()->Get(choice), arenaBytes = arena.bytes()->Get(choice);
    if (offset % kAlignment != 0)
      return refuse(
          "A23", fmt::format("{} begins at byte {}, no multiple of {}", describe(program, value), offset, kAlignment));
    Checked bytes =
        valueRowBytes(value.element(), activations, value.columns()) * rowCapacity(*artifact.settings(), value.rows());
    if (!bytes.valid())
      return refuse("A18", fmt::format("{} has more bytes than 64 bits count", describe(program, value)));
    if (!(bytes + offset).atMost(arenaBytes))
      return refuse("A19", fmt::format("{} (offset {}, {} bytes with {} activations) reaches beyond its arena's {} "
                                       "bytes",
                                       describe(program, value), offset, bytes.value(),
                                       schema::EnumNameActivationEncoding(activations), arenaBytes));
  }
  return {};
}

/// The tier that a device computes from: this runtime has one device, and all in its memory.
/// The arena of a kind in a tier; null if there is none.
static const schema::Arena *findArena(const schema::Artifact &artifact, schema::ArenaKind kind, schema::Tier tier) {
  for (const schema::Arena *arena : *artifact.arenas())
    if (arena->kind() == kind && arena->tier() == tier)
      return arena;
  return nullptr;
}

static schema::Tier tierOf(schema::DeviceKind device) {
  return device == schema::DeviceKind::host ? schema::Tier::ram : schema::Tier::gpu;
}

static Result<void> checkTensor(const schema::Tensor &tensor, schema::Tier tier, uint64_t arenaBytes) {
  if (tensor.tier() != tier)
    return refuse("A23", fmt::format("tensor {} is planned for the tier {}, and this runtime keeps all in {}",
                                     printable(tensor.name()), schema::EnumNameTier(tensor.tier()),
                                     schema::EnumNameTier(tier)));
  if (tensor.arena_offset() % kAlignment != 0)
    return refuse("A23", fmt::format("tensor {} begins at byte {} of its arena, no multiple of {}",
                                     printable(tensor.name()), tensor.arena_offset(), kAlignment));
  if (!(Checked(tensor.arena_offset()) + tensor.bytes()).atMost(arenaBytes))
    return refuse("A19", fmt::format("tensor {} (offset {}, {} bytes) reaches beyond the weights arena's {} bytes",
                                     printable(tensor.name()), tensor.arena_offset(), tensor.bytes(), arenaBytes));
  return {};
}

/// Every block of every layer must have its place in the arena, in either encoding.
/// In a plan over several tiers. Where the experts of a tensor of tier disk are, says Artifact.experts.
static Result<void> checkTensorInTiers(const schema::Artifact &artifact, const schema::Tensor &tensor) {
  if (tensor.tier() == schema::Tier::disk) {
    if (tensor.arena_offset() == 0 && tensor.dimensions()->size() == 3 && tensor.repack() < 0)
      return {};
    return refuse("A23", fmt::format("tensor {} is planned for the tier disk and is not matrices of experts without a "
                                     "place in an arena",
                                     printable(tensor.name())));
  }
  const schema::Arena *arena = findArena(artifact, schema::ArenaKind::weights, tensor.tier());
  if (!arena)
    return refuse("A23", fmt::format("tensor {} is planned for the tier {}, which has no weights arena",
                                     printable(tensor.name()), schema::EnumNameTier(tensor.tier())));
  return checkTensor(tensor, tensor.tier(), arena->bytes()->Get(0));
}

/// The arena of a device holds its layers' part of the cache, in either encoding.
static Result<void> checkKvArena(const schema::Artifact &artifact, schema::DeviceKind device, uint32_t layers) {
  const schema::KvLayout &kv = *artifact.kv();
  if (layers == 0)
    return {};
  const schema::Arena *arena = findArena(artifact, schema::ArenaKind::kv, tierOf(device));
  if (!arena)
    return refuse("A19", fmt::format("it has no kv arena on the {}, where {} layers have their cache",
                                     schema::EnumNameDeviceKind(device), layers));
  Checked numbers = Checked(layers) * kv.blocks() * kv.block_positions() * (Checked(kv.latent()) + kv.rope());
  for (auto encoding : {schema::KvEncoding::f16, schema::KvEncoding::f32}) {
    Checked needed = numbers * (encoding == schema::KvEncoding::f16 ? 2 : 4);
    uint64_t bytes = arena->bytes()->Get(static_cast<uint32_t>(encoding));
    if (!needed.atMost(bytes))
      return refuse("A19", fmt::format("the kv arena has {} bytes for {} and the cache does not fit into it", bytes,
                                       schema::EnumNameKvEncoding(encoding)));
  }
  return {};
}

static size_t settingOf(const schema::Settings &settings, schema::ArenaKind kind) {
  switch (kind) {
  case schema::ArenaKind::weights:
  case schema::ArenaKind::experts:
  case schema::ArenaKind::staging:
    return 0;
  case schema::ArenaKind::kv:
    return static_cast<size_t>(settings.kv());
  case schema::ArenaKind::decode:
    return static_cast<size_t>(settings.decode_activations());
  case schema::ArenaKind::prompt:
  case schema::ArenaKind::chunk:
    break;
  }
  return static_cast<size_t>(settings.prompt_activations());
}

static Result<void> checkBudget(const schema::Artifact &artifact) {
  Checked sum;
  for (const schema::Arena *arena : *artifact.arenas())
    if (!hasSeveralTiers(artifact) || arena->tier() == schema::Tier::ram)
      sum += arena->bytes()->Get(static_cast<uint32_t>(settingOf(*artifact.settings(), arena->kind())));
  if (sum.atMost(artifact.prediction()->ram_bytes()))
    return {};
  return refuse("A29", fmt::format("its arenas have {} bytes, more than the {} bytes of ram that it declares",
                                   sum.valid() ? std::to_string(sum.value()) : "more than 64 bits count",
                                   artifact.prediction()->ram_bytes()));
}

Result<void> checkPlacement(const schema::Artifact &artifact) {
  bool severalTiers = hasSeveralTiers(artifact);
  schema::DeviceKind device = artifact.arenas()->Get(0)->device();
  schema::Tier tier = tierOf(device);
  for (const schema::Arena *arena : *artifact.arenas()) {
    bool pinned = arena->kind() == schema::ArenaKind::staging && arena->tier() == schema::Tier::ram;
    if (severalTiers && !pinned && !sees(arena->device(), arena->tier()))
      return refuse("A23", fmt::format("the {} arena is planned for the tier {}, which the {} does not see",
                                       schema::EnumNameArenaKind(arena->kind()), schema::EnumNameTier(arena->tier()),
                                       schema::EnumNameDeviceKind(arena->device())));
    if (severalTiers)
      continue;
    if (arena->tier() != tier || arena->device() != device)
      return refuse("A23", fmt::format("the {} arena is planned for the tier {}, and this runtime keeps all in {}",
                                       schema::EnumNameArenaKind(arena->kind()), schema::EnumNameTier(arena->tier()),
                                       schema::EnumNameTier(tier)));
  }
  for (const schema::Program *program : *artifact.programs())
    for (const schema::Value *value : *program->values())
      STRATA_TRY(checkValue(artifact, *program, *value));
  uint64_t weightBytes = findArena(artifact, schema::ArenaKind::weights).bytes()->Get(0);
  for (const schema::Tensor *tensor : *artifact.tensors())
    STRATA_TRY(severalTiers ? checkTensorInTiers(artifact, *tensor) : checkTensor(*tensor, tier, weightBytes));
  // Where all is in one tier, one device has all layers: there is no arena for the others'.
  uint32_t onGpu = artifact.kv()->gpu_layers();
  STRATA_TRY(checkKvArena(artifact, schema::DeviceKind::gpu, onGpu));
  STRATA_TRY(checkKvArena(artifact, schema::DeviceKind::host, artifact.kv()->layers() - onGpu));
  return checkBudget(artifact);
}

} // namespace strata::artifact
