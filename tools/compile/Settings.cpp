// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/compile/Settings.h"

#include "compiler/Placement/Settings.h"

namespace strata::compile {

Result<PlanSettings> planSettings(const Options &options, const ModelDescription &description) {
  return completeSettings({.context = options.context,
                           .promptTokens = options.promptTokens,
                           .chunkTokens = options.chunkTokens,
                           .sequences = options.sequences,
                           .kvNumberBytes = options.kv == "f16" ? 2u : 4u},
                          description);
}

PipelineOptions pipelineOptions(const Options &options, const PlanSettings &settings,
                                const MachineDescription &machine) {
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
