// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/compile/Settings.h"

#include <algorithm>
#include <fmt/format.h>

namespace strata::compile {

/// What a context and a prompt are by themselves; longer ones have to be asked for.
static constexpr uint64_t kDefaultPositions = 32768;
static constexpr uint64_t kDefaultChunk = 512;
/// The numbers of position blocks are 32-bit and signed in the tables of the cache.
static constexpr uint64_t kMaximumBlocks = std::numeric_limits<int32_t>::max();

static tl::unexpected<Error> commandLine(std::string message) {
  return fail(ExitCode::CommandLine, "", std::move(message));
}

Result<PlanSettings> planSettings(const Options &options, const ModelDescription &description) {
  PlanSettings settings;
  settings.context = options.context.value_or(std::min<uint64_t>(description.contextLength, kDefaultPositions));
  settings.sequences = options.sequences;
  settings.promptTokens = options.promptTokens.value_or(std::min(settings.context, kDefaultPositions));
  settings.chunkTokens = options.chunkTokens.value_or(std::min(settings.promptTokens, kDefaultChunk));
  settings.kvNumberBytes = options.kv == "f16" ? 2 : 4;

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

PipelineOptions pipelineOptions(const Options &options, const PlanSettings &settings, const MachineDescription &machine) {
  PipelineOptions passes;
  passes.context = static_cast<uint32_t>(settings.context);
  passes.sequences = static_cast<uint32_t>(settings.sequences);
  passes.promptTokens = static_cast<uint32_t>(settings.promptTokens);
  passes.chunkTokens = static_cast<uint32_t>(settings.chunkTokens);
  if (std::optional<plan::ActivationEncoding> encoding = plan::symbolizeActivationEncoding(options.activations))
    passes.decodeActivations = passes.promptActivations = *encoding; // "auto" is none: the pass has its defaults.
  passes.device = machine.gpu ? plan::DeviceKind::gpu : plan::DeviceKind::host;
  passes.kv = *plan::symbolizeKvEncoding(options.kv);
  return passes;
}

} // namespace strata::compile
