// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/compile/Settings.h"

namespace strata::compile {

/// The dialect's and the artifact's enumerators have the same names.
static plan::ActivationEncoding activationsOf(schema::ActivationEncoding encoding) {
  return *plan::symbolizeActivationEncoding(schema::EnumNameActivationEncoding(encoding));
}

PipelineOptions pipelineOptions(const PlanSettings &settings, const MachineDescription &machine) {
  PipelineOptions passes;
  passes.context = static_cast<uint32_t>(settings.context);
  passes.sequences = static_cast<uint32_t>(settings.sequences);
  passes.promptTokens = static_cast<uint32_t>(settings.promptTokens);
  passes.chunkTokens = static_cast<uint32_t>(settings.chunkTokens);
  passes.decodeActivations = activationsOf(settings.decodeActivations);
  passes.promptActivations = activationsOf(settings.promptActivations);
  passes.device = machine.gpu ? plan::DeviceKind::gpu : plan::DeviceKind::host;
  passes.kv = settings.kvNumberBytes == 2 ? plan::KvEncoding::f16 : plan::KvEncoding::f32;
  return passes;
}

} // namespace strata::compile
