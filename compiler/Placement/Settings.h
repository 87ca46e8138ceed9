// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What is planned for: what a command line says, completed and checked by the model.
#pragma once

#include "compiler/Placement/PlanSummary.h"

#include <optional>

namespace strata {

/// The options of all tools that plan; what they leave out follows from the model.
struct WishedSettings {
  std::optional<uint64_t> context, promptTokens, chunkTokens;
  uint64_t sequences = 1;
  uint64_t kvNumberBytes = 2;
  std::optional<schema::ActivationEncoding> activations; ///< In both phases.
};

/// Without a wish: the model's context, at most 32768; a prompt as long as the context, at most 32768; chunks of 512;
/// activations in i16 when decoding and in i8 in prompts.
/// Exit code 2 if the wishes contradict the model or each other.
Result<PlanSettings> completeSettings(const WishedSettings &wished, const ModelDescription &description);

} // namespace strata
