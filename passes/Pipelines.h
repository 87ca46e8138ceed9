// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The phases of a compilation: the one table that options, help, dumps and tests go by.
#pragma once

#include "passes/Conversion/MoeToPlan/Passes.h"

#include "mlir/Pass/PassManager.h"

#include <optional>

namespace strata {

/// In the order in which they run.
enum class Phase { Import, Verify, Optimise, Place, Schedule, Kernels, Artifact };

struct PhaseInfo {
  Phase phase;
  llvm::StringRef name;
  llvm::StringRef meaning; ///< For people: half a sentence.
};

llvm::ArrayRef<PhaseInfo> phaseTable();
const PhaseInfo &phaseInfo(Phase phase);
/// Nothing if no phase has that name.
std::optional<Phase> findPhase(llvm::StringRef name);

/// What the passes are told. How the plan is cut is all they can be told today.
using PipelineOptions = ConvertMoeToPlanOptions;

/// Adds the passes of a phase. Import and Artifact have none: they begin and end with something that is no module.
void addPhasePasses(mlir::OpPassManager &manager, Phase phase, const PipelineOptions &options);

} // namespace strata
