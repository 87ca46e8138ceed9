// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Memory/ArenaPlan.h"

#include "runtime/Base/Checked.h"
#include "runtime/Base/Size.h"

#include <fmt/format.h>
#include <limits>

namespace strata {

EncodingChoice plannedEncodings(const schema::Settings &settings) {
  return {settings.decode_activations(), settings.prompt_activations(), settings.kv()};
}

static uint32_t entryOf(schema::ArenaKind kind, const EncodingChoice &choice) {
  switch (kind) {
  case schema::ArenaKind::weights:
  case schema::ArenaKind::experts:
  case schema::ArenaKind::staging:
    return 0;
  case schema::ArenaKind::kv:
    return static_cast<uint32_t>(choice.kv);
  case schema::ArenaKind::decode:
    return static_cast<uint32_t>(choice.decode);
  case schema::ArenaKind::prompt:
  case schema::ArenaKind::chunk:
    break;
  }
  return static_cast<uint32_t>(choice.prompt);
}

std::vector<uint64_t> arenaBytes(const schema::Artifact &artifact, const EncodingChoice &choice) {
  std::vector<uint64_t> bytes;
  for (const schema::Arena *arena : *artifact.arenas())
    bytes.push_back(arena->bytes()->Get(entryOf(arena->kind(), choice)));
  return bytes;
}

uint64_t MemoryNeed::total() const {
  Checked sum = Checked(arenas) + workers + session;
  return sum.valid() ? sum.value() : std::numeric_limits<uint64_t>::max();
}

Result<void> checkMemory(const schema::Artifact &artifact, const EncodingChoice &choice, const MemoryNeed &need,
                         uint64_t available) {
  if (available == 0 || need.total() <= available)
    return {};
  const schema::Settings &settings = *artifact.settings();
  const char *note = choice == plannedEncodings(settings)
                         ? ""
                         : "; the plan's prediction is for other encodings of activations or KV cache than this run's";
  return fail(
      ExitCode::Machine, "F16",
      fmt::format("running needs {} bytes of memory ({}; {} in arenas, {} for threads) and {} are available ({}){}: "
                  "end other programs, raise the memory limit, or compile for a smaller --context than {} or fewer "
                  "--prompt-tokens than {}",
                  need.total(), formatBytes(need.total()), need.arenas, need.workers, available, formatBytes(available),
                  note, settings.context(), settings.prompt_tokens()));
}

} // namespace strata
