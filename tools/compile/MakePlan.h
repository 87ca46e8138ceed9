// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The planner's plan for a model that is optimised, with the sizes that its programs will have.
#pragma once

#include "tools/compile/Options.h"
#include "tools/compile/Phases.h"
#include "tools/compile/Settings.h"
#include "tools/plan/PlanTool.h"

#include <map>
#include <optional>
#include <utility>

namespace strata::compile {

/// The planner's input as far as it does not depend on programs.
Result<planning::Planned> planRequest(const Options &options, const gguf::Model &model,
                                      const ModelDescription &description);

/// What a module needs that is past phase optimise, beside weights and cache.
struct LoweredSizes {
  ArenaBytes arenas;
  uint64_t workerScratch = 0; ///< Of the host's threads.
};

/// Lowers copies of a module to learn their sizes, each kind once. The module must outlive it.
class LoweredShapes {
public:
  /// For the model, machine and settings of `planned`.
  LoweredShapes(mlir::ModuleOp optimised, const Options &options, const planning::Planned &planned);
  /// Of a plan in one tier, or in several; the host computes the layers from `gpuLayers` on and the head, or nothing.
  Result<LoweredSizes> sizes(bool severalTiers, std::optional<uint32_t> gpuLayers);

private:
  mlir::ModuleOp module;
  ModelDescription description;
  MachineDescription machine;
  PlanSettings settings;
  PhaseRun run;
  std::map<std::pair<bool, std::optional<uint32_t>>, LoweredSizes> known;
};

/// Fills `planned` with the plan for `module`, which is past phase optimise. Then places tiers in it (PlaceTiers.h),
/// unless the plan does not fit.
Result<void> makePlanOf(mlir::ModuleOp module, LoweredShapes &shapes, planning::Planned &planned);

} // namespace strata::compile
