// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The tables: arenas and values, and tensors.
#include "tools/dump/Dump.h"

#include <algorithm>
#include <iterator>

namespace strata {

namespace {

using Text = std::back_insert_iterator<std::string>;

/// The share of an arena that no live value ever uses, at its worst setting.
double worstWaste(const schema::Arena &arena) {
  double worst = 0;
  for (flatbuffers::uoffset_t index = 0; index < arena.bytes()->size(); ++index) {
    double bytes = static_cast<double>(arena.bytes()->Get(index));
    double live = static_cast<double>(arena.live_bytes()->Get(index));
    if (bytes > 0)
      worst = std::max(worst, (bytes - live) / bytes);
  }
  return worst;
}

void writeArenas(Text out, const schema::Artifact &root) {
  fmt::format_to(out, "{}", dump::banner("Arenas"));
  fmt::format_to(out, "{:>3}  {:<9}{:<7}{:<6}{:>7}  {}\n", "#", "arena", "device", "tier", "waste",
                 "bytes by setting (activations i8, i16, f32; kv f16, f32)");
  for (flatbuffers::uoffset_t index = 0; index < root.arenas()->size(); ++index) {
    const schema::Arena &arena = *root.arenas()->Get(index);
    fmt::format_to(out, "{:>3}  {:<9}{:<7}{:<6}{:>6.1f}%  {}\n", index, schema::EnumNameArenaKind(arena.kind()),
                   schema::EnumNameDeviceKind(arena.device()), schema::EnumNameTier(arena.tier()),
                   100 * worstWaste(arena), fmt::join(arena.bytes()->begin(), arena.bytes()->end(), "  "));
  }
  const schema::KvLayout &kv = *root.kv();
  fmt::format_to(out, "kv: {} layers of {} blocks of {} positions of {} + {} numbers; {} blocks a sequence\n",
                 kv.layers(), kv.blocks(), kv.block_positions(), kv.latent(), kv.rope(), kv.blocks_per_sequence());
  if (kv.gpu_layers() != 0 && kv.gpu_layers() != kv.layers())
    fmt::format_to(out, "kv: layers 0 to {} on the gpu, {} to {} on the host\n", kv.gpu_layers() - 1, kv.gpu_layers(),
                   kv.layers() - 1);
}

void writeValues(Text out, const schema::Artifact &root, const schema::Program &program) {
  fmt::format_to(out, "{}",
                 dump::banner(fmt::format("Values of the {} program", schema::EnumNamePhase(program.phase()))));
  fmt::format_to(out, "{:<28}{:<14}{:<8}{:>9}  {:<12}{:<8}{}\n", "value", "role", "rows", "columns", "element", "arena",
                 "offset for i8, i16, f32");
  for (const schema::Value *value : *program.values())
    fmt::format_to(out, "{:<28}{:<14}{:<8}{:>9}  {:<12}{:<8}{}\n", dump::name(value->name()),
                   schema::EnumNameRole(value->role()), schema::EnumNameRows(value->rows()), value->columns(),
                   schema::EnumNameElement(value->element()),
                   schema::EnumNameArenaKind(root.arenas()->Get(value->arena())->kind()),
                   fmt::join(value->offsets()->begin(), value->offsets()->end(), ", "));
}

} // namespace

std::string dumpBuffers(const LoadedArtifact &artifact) {
  std::string text;
  Text out(text);
  writeArenas(out, artifact.root());
  for (const schema::Program *program : *artifact.root().programs())
    writeValues(out, artifact.root(), *program);
  return text;
}

std::string dumpTensors(const LoadedArtifact &artifact) {
  std::string text = dump::banner("Tensors");
  Text out(text);
  fmt::format_to(out, "{:>5}  {:<36}{:<7}{:<20}{:>5}{:>16}{:>16}  {:<6}{}\n", "#", "name", "type", "shape", "file",
                 "offset", "bytes", "tier", "in arena");
  const auto &tensors = *artifact.root().tensors();
  for (flatbuffers::uoffset_t index = 0; index < tensors.size(); ++index) {
    const schema::Tensor &tensor = *tensors.Get(index);
    fmt::format_to(out, "{:>5}  {:<36}{:<7}{:<20}{:>5}{:>16}{:>16}  {:<6}{}\n", index, dump::name(tensor.name()),
                   dump::encoding(tensor.encoding()), dump::shape(*tensor.dimensions()), tensor.file(), tensor.offset(),
                   tensor.bytes(), schema::EnumNameTier(tensor.tier()), tensor.arena_offset());
  }
  return text;
}

} // namespace strata
