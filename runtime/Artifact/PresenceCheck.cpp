// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Artifact/Checks.h"

#include <array>
#include <fmt/format.h>
#include <set>
#include <tuple>

namespace strata::artifact {

template <typename T> static Result<void> checkNotEmpty(const flatbuffers::Vector<T> *vector, std::string_view what) {
  if (!vector || vector->size() == 0)
    return refuse("A09", fmt::format("it has no {}", what));
  return {};
}

/// One entry for each encoding that a run may choose.
template <typename T>
static Result<void> checkCount(const flatbuffers::Vector<T> &vector, size_t count, std::string_view what) {
  if (vector.size() != count)
    return refuse("A09", fmt::format("{} has {} entries and not {}", what, vector.size(), count));
  return {};
}

static size_t choices(schema::ArenaKind kind) {
  if (kind == schema::ArenaKind::weights || kind == schema::ArenaKind::experts || kind == schema::ArenaKind::staging)
    return 1;
  return kind == schema::ArenaKind::kv ? 2 : 3;
}

static Result<void> checkArenas(const schema::Artifact &artifact) {
  STRATA_TRY(checkNotEmpty(artifact.arenas(), "arenas"));
  std::array<bool, 7> present = {};
  std::set<std::tuple<schema::ArenaKind, schema::DeviceKind, schema::Tier>> places;
  bool severalTiers = hasSeveralTiers(artifact);
  for (const schema::Arena *arena : *artifact.arenas()) {
    auto kind = static_cast<size_t>(arena->kind());
    if (kind >= present.size())
      continue; // A13 refuses it.
    std::string name = fmt::format("the {} arena", schema::EnumNameArenaKind(arena->kind()));
    if (severalTiers ? !places.emplace(arena->kind(), arena->device(), arena->tier()).second : present[kind])
      return refuse("A09", fmt::format("{} occurs twice", name));
    present[kind] = true;
    STRATA_TRY(checkCount(*arena->bytes(), choices(arena->kind()), name + "'s byte list"));
    STRATA_TRY(checkCount(*arena->live_bytes(), choices(arena->kind()), name + "'s list of live bytes"));
  }
  for (auto kind : {schema::ArenaKind::experts, schema::ArenaKind::staging})
    if (present[static_cast<size_t>(kind)] && !severalTiers)
      return refuse("A09", fmt::format("it has an arena of kind {}, and all its experts are in one tier",
                                       schema::EnumNameArenaKind(kind)));
  for (size_t kind = 0; kind < static_cast<size_t>(schema::ArenaKind::experts); ++kind)
    if (!present[kind])
      return refuse("A09",
                    fmt::format("it has no {} arena", schema::EnumNameArenaKind(static_cast<schema::ArenaKind>(kind))));
  return {};
}

/// What Exec writes and reads must be there, once; positions and sequences, where two devices have layers, for each.
static Result<void> checkRoles(const schema::Artifact &artifact, const schema::Program &program) {
  for (schema::Role role :
       {schema::Role::tokens, schema::Role::positions, schema::Role::sequences, schema::Role::logits}) {
    std::array<size_t, 2> counts = {}; // By device; A17 refuses arenas that are not there.
    for (const schema::Value *value : *program.values())
      if (value->role() == role) {
        bool known = value->arena() < artifact.arenas()->size();
        ++counts[known && artifact.arenas()->Get(value->arena())->device() == schema::DeviceKind::gpu ? 1 : 0];
      }
    bool ofBoth = hasSeveralTiers(artifact) && (role == schema::Role::positions || role == schema::Role::sequences);
    if (counts[0] + counts[1] != 1 && !(ofBoth && counts[0] == 1 && counts[1] == 1))
      return refuse("A09", fmt::format("the {} program has {} values for {} and not 1{}",
                                       schema::EnumNamePhase(program.phase()), counts[0] + counts[1],
                                       schema::EnumNameRole(role), ofBoth ? " for each device that has layers" : ""));
  }
  return {};
}

static Result<void> checkProgram(const schema::Artifact &artifact, const schema::Program &program) {
  std::string name = fmt::format(" in the {} program", schema::EnumNamePhase(program.phase()));
  STRATA_TRY(checkNotEmpty(program.values(), "values" + name));
  STRATA_TRY(checkNotEmpty(program.blocks(), "blocks" + name));
  STRATA_TRY(checkNotEmpty(program.runs(), "runs" + name));
  for (const schema::Value *value : *program.values())
    STRATA_TRY(checkCount(*value->offsets(), 3, "the offsets of " + describe(program, *value)));
  for (const schema::Block *block : *program.blocks()) {
    std::string blockName = fmt::format(" in block {}{}", printable(block->name()), name);
    STRATA_TRY(checkNotEmpty(block->stages(), "stages" + blockName));
    for (const schema::Stage *stage : *block->stages())
      STRATA_TRY(checkNotEmpty(stage->dispatches(), "dispatches in a stage" + blockName));
  }
  return checkRoles(artifact, program);
}

Result<void> checkPresence(const schema::Artifact &artifact) {
  STRATA_TRY(checkNotEmpty(artifact.model()->files(), "model files"));
  STRATA_TRY(checkNotEmpty(artifact.tensors(), "tensors"));
  STRATA_TRY(checkArenas(artifact));
  const auto &programs = *artifact.programs();
  if (programs.size() != 2 || programs[0]->phase() != schema::Phase::decode ||
      programs[1]->phase() != schema::Phase::prompt)
    return refuse("A09", "its programs are not one to decode and one for prompts, in this order");
  for (const schema::Program *program : programs)
    STRATA_TRY(checkProgram(artifact, *program));
  return {};
}

} // namespace strata::artifact
