// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A run of strata-plan, from the command line's options to what is printed.
#pragma once

#include "compiler/Placement/Advice.h"
#include "compiler/Placement/Prediction.h"
#include "compiler/Placement/UsageGain.h"
#include "runtime/Routing/RoutingTrace.h"
#include "tools/plan/Options.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace strata::planning {

/// Everything that a report is made of.
struct Planned {
  ModelWeights weights;
  std::vector<gguf::TensorInfo> tensors;
  MachineDescription machine;
  PlanRequest request;
  Plan plan;
  Prediction prediction;                ///< Empty if the plan does not fit.
  std::optional<UsageGain> usageGain;   ///< Of a plan that fits and is made with usage counts.
  std::vector<Advice> faster;           ///< If the plan fits.
  std::vector<std::string> fitting;     ///< If it does not.
  std::optional<RoutingTrace> replayed; ///< Of --replay.
};

/// The machine, with these sizes instead of its own. Exit code 2 or 3 where there is no GPU to have one.
Result<MachineDescription> budgetedMachine(const std::string &machine, std::optional<uint64_t> ram,
                                           std::optional<uint64_t> gpuMemory);

/// Decides, predicts, and looks for what would help.
Result<void> makeAndPredict(Planned &planned);

/// The error of a plan that does not fit, exit code 3.
tl::unexpected<Error> shortfallError(const Planned &planned);

/// Reads the model's header and prints the plan, or what was asked for instead. Exit code 3, after the plan, if it does
/// not fit.
Result<ExitCode> planModel(const Options &options);

/// "runs", "runs, disk-bound" or "does not fit: needs 3.2 GiB more RAM".
std::string verdict(const Plan &plan, const Prediction &prediction);

/// The plan for people: at most 24 lines of 100 columns. `command` is the one that verifies it.
std::string formatReport(const Planned &planned, const std::string &command);

/// The plan for programs, "version" 1.
std::string formatJson(const Planned &planned);

/// A table of plans of which each has another of `what`: contexts, machines, ram or quantisations.
Result<std::string> formatWhatIf(const Planned &planned, std::string_view what);

/// Bytes of one position if keys and values of every head were kept, as caches do that do not know latent attention.
uint64_t expandedKvBytes(const ModelDescription &description, uint64_t numberBytes);

} // namespace strata::planning
