// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Placement/Settings.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace strata {

/// What a context and a prompt are by themselves; longer ones have to be asked for.
static constexpr uint64_t kDefaultPositions = 32768;
static constexpr uint64_t kDefaultChunk = 512;
/// The numbers of position blocks are 32-bit and signed in the tables of the cache.
static constexpr uint64_t kMaximumBlocks = std::numeric_limits<int32_t>::max();

static tl::unexpected<Error> commandLine(std::string message) {
  return fail(ExitCode::CommandLine, "", std::move(message));
}

Result<PlanSettings> completeSettings(const WishedSettings &wished, const ModelDescription &description) {
  PlanSettings settings;
  settings.context = wished.context.value_or(std::min<uint64_t>(description.contextLength, kDefaultPositions));
  settings.sequences = wished.sequences;
  settings.promptTokens = wished.promptTokens.value_or(std::min(settings.context, kDefaultPositions));
  settings.chunkTokens = wished.chunkTokens.value_or(std::min(settings.promptTokens, kDefaultChunk));
  settings.kvNumberBytes = wished.kvNumberBytes;
  settings.decodeActivations = wished.activations.value_or(settings.decodeActivations);
  settings.promptActivations = wished.activations.value_or(settings.promptActivations);

  if (settings.context > description.contextLength)
    return commandLine(fmt::format("--context={} is more than the {} positions that the model was made for; choose at "
                                   "most those",
                                   settings.context, description.contextLength));
  if (settings.promptTokens > settings.context)
    return commandLine(fmt::format("--prompt-tokens={} is more than the context of {}; choose at most that, or a "
                                   "larger --context",
                                   settings.promptTokens, settings.context));
  if (settings.chunkTokens > settings.promptTokens)
    return commandLine(fmt::format("--chunk-tokens={} is more than the {} tokens of a prompt's pass; choose at most "
                                   "that, or a larger --prompt-tokens",
                                   settings.chunkTokens, settings.promptTokens));
  uint64_t blocks = (settings.context + kPositionsPerBlock - 1) / kPositionsPerBlock * settings.sequences;
  if (blocks > kMaximumBlocks)
    return commandLine(fmt::format("--context={} with --sequences={} is a cache of {} position blocks, and there may "
                                   "be {}; choose smaller ones",
                                   settings.context, settings.sequences, blocks, kMaximumBlocks));
  return settings;
}

} // namespace strata
