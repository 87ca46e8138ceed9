// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The first lines of a plan: what fits where, and what it costs.
#pragma once

#include "compiler/Machine/Machine.h"
#include "compiler/Placement/Inventory.h"
#include "runtime/Schema/artifact_generated.h"

#include <cstdint>
#include <string>
#include <vector>

namespace strata {

/// An allocation that the run makes beside weights and cache.
struct ArenaNeed {
  std::string name; ///< "decode", "prompt", "chunk", "worker scratch"
  uint64_t bytes = 0;
  uint64_t liveBytes = 0; ///< The most that is live at one time: bytes - liveBytes is waste.
};

/// The options of the plan as far as sizes and costs depend on them.
struct PlanSettings {
  uint64_t context = 0; ///< Positions per sequence.
  uint64_t sequences = 1;
  uint64_t promptTokens = 0;
  uint64_t chunkTokens = 0;
  uint64_t kvNumberBytes = 2; ///< 2: f16, 4: f32.
  /// Of quantised products.
  schema::ActivationEncoding decodeActivations = schema::ActivationEncoding::i16;
  schema::ActivationEncoding promptActivations = schema::ActivationEncoding::i8;
};

/// Everything that the host's memory must hold.
struct RamNeed {
  uint64_t weights = 0;
  uint64_t kv = 0;
  uint64_t arenas = 0;
  uint64_t total = 0;
};

/// `weightsArenaBytes` is the size of the arena that holds all weights, alignment included. Exit code 2 if the settings
/// make a size that overflows 64 bits.
Result<RamNeed> ramNeed(const ModelDescription &description, const PlanSettings &settings, uint64_t weightsArenaBytes,
                        const std::vector<ArenaNeed> &arenas);

/// Bytes that are missing on the machine: 0 if the plan fits or the machine's memory is not known.
uint64_t shortfall(const RamNeed &need, const MachineDescription &machine);

/// Ten lines for people: model, machine, settings, weights with their classes, experts, cache, arenas with their waste,
/// bytes per token, and whether the machine's memory suffices. Budgets do not stop a compilation: the shortfall is
/// printed.
std::string formatPlanSummary(const ModelDescription &description, const MachineDescription &machine,
                              const PlanSettings &settings, const Inventory &inventory, const RamNeed &need,
                              const std::vector<ArenaNeed> &arenas);

} // namespace strata
