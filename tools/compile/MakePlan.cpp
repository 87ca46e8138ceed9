// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/compile/MakePlan.h"
#include "tools/plan/Routing.h"

#include "compiler/Artifact/PlanSizes.h"
#include "dialects/Plan/PlanOps.h"
#include "passes/Plan/TierUse.h"
#include "tools/compile/PlaceTiers.h"

#include <fmt/format.h>

namespace strata::compile {

namespace {

/// What lowering a copy of the module tells about memory.
struct LoweredSizes {
  ArenaBytes arenas;
  uint64_t workerScratch = 0;
};

/// Every tensor begins at a multiple of 64 bytes, and every matrix of an expert. The planner counts what they have;
/// this is at most what rounding adds to that.
Checked roundingBytes(mlir::ModuleOp plan) {
  Checked bytes = 0;
  auto rounding = [](Checked size) { return size.alignUp(plan::kAlignment) - size; };
  for (auto tensor : plan.getOps<plan::TensorOp>()) {
    Checked size = *plan::weightBytes(tensor.getType());
    uint64_t parts = tensor.getTier() ? 1 : static_cast<uint64_t>(tensor.getType().getShape().front());
    bytes += rounding(size / parts) * parts * tensor.getTensorCount();
  }
  return bytes;
}

LoweredSizes sizesOf(mlir::ModuleOp plan, const PlanSettings &settings, const MachineDescription &machine,
                     bool onHost) {
  LoweredSizes sizes;
  sizes.workerScratch = onHost ? (workerScratchBytes(plan) * machine.cores).value() : 0;
  for (auto arena : plan.getOps<plan::ArenaOp>()) {
    uint64_t bytes = plan::arenaBytes(arena).value_or(0);
    bool scratch = arena.getKind() == plan::ArenaKind::decode || arena.getKind() == plan::ArenaKind::prompt ||
                   arena.getKind() == plan::ArenaKind::chunk;
    if (!scratch)
      continue;
    if (machine.gpu && arena.getDevice() == plan::DeviceKind::host)
      sizes.arenas.host += bytes;
    else if (arena.getKind() == plan::ArenaKind::decode)
      sizes.arenas.decode = bytes;
    else if (arena.getKind() == plan::ArenaKind::chunk)
      sizes.arenas.chunk = bytes;
    else // One more byte a row is more than what the rounding of a buffer of fewer rows can add.
      sizes.arenas.promptRow = (bytes + settings.promptTokens - 1) / settings.promptTokens + 1;
  }
  (machine.gpu ? sizes.arenas.host : sizes.arenas.decode) += sizes.workerScratch;
  uint64_t rounding = roundingBytes(plan).value();
  sizes.arenas.decode += rounding;
  if (machine.gpu && sizes.arenas.host != 0)
    sizes.arenas.host += rounding;
  return sizes;
}

class PlanMaker {
public:
  PlanMaker(mlir::ModuleOp optimised, const Options &commandLineOptions, planning::Planned &all)
      : module(optimised), options(commandLineOptions), planned(all) {}
  Result<void> run();

private:
  Result<LoweredSizes> lower(bool severalTiers);

  mlir::ModuleOp module;
  const Options &options;
  planning::Planned &planned;
};

Result<LoweredSizes> PlanMaker::lower(bool severalTiers) {
  mlir::OwningOpRef<mlir::ModuleOp> copy = module.clone();
  const ModelDescription &description = planned.weights.description;
  bool hasGpu = planned.machine.gpu.has_value();
  if (severalTiers)
    placeSomewhere(*copy, description.denseLayers, description.layers, description.experts, hasGpu);
  PhaseRun run;
  run.passes = pipelineOptions(options, planned.request.settings, planned.machine);
  run.reproducer = (options.output.empty() ? "strata-compile" : options.output) + ".reproducer.mlir";
  for (Phase phase : {Phase::Place, Phase::Schedule})
    STRATA_TRY(runPhase(*copy, phase, run));
  return sizesOf(*copy, planned.request.settings, planned.machine, severalTiers || !hasGpu);
}

Result<void> PlanMaker::run() {
  STRATA_ASSIGN(LoweredSizes sizes, lower(false));
  planned.request.arenas = sizes.arenas;
  STRATA_TRY(planning::makeAndPredict(planned));
  if (planned.plan.shortfall || !planned.plan.inOneTier()) {
    STRATA_ASSIGN(LoweredSizes several, lower(true));
    // With the larger of both nothing fits that did not fit before.
    ArenaBytes &arenas = *planned.request.arenas;
    arenas.promptRow = std::max(arenas.promptRow, several.arenas.promptRow);
    arenas.chunk = std::max(arenas.chunk, several.arenas.chunk);
    arenas.decode = std::max(arenas.decode, several.arenas.decode);
    arenas.host = std::max(arenas.host, several.arenas.host);
    sizes.workerScratch = several.workerScratch;
    STRATA_TRY(planning::makeAndPredict(planned));
  }
  if (planned.plan.shortfall)
    return {};
  return placeTiers(module, planned.plan, sizes.workerScratch);
}

} // namespace

Result<planning::Planned> planRequest(const Options &options, const gguf::Model &model,
                                      const ModelDescription &description) {
  planning::Planned planned;
  STRATA_ASSIGN(planned.machine, planning::budgetedMachine(options.machine, options.ram, options.gpuMemory));
  STRATA_ASSIGN(planned.request.settings, planSettings(options, description));
  planned.request.promptTokensGiven = options.promptTokens.has_value();
  planned.request.gpuHeadRoom = options.gpuHeadRoom;
  planned.request.ramHeadRoom = options.ramHeadRoom;
  if (!options.trace.empty()) {
    STRATA_TRY(planning::useRouting(planned.request, options.trace, planning::routingShape(model, description)));
  }
  planned.request.cachePolicy = options.cachePolicy;
  STRATA_ASSIGN(planned.weights, weighModel(model, description));
  planned.tensors = model.tensors();
  return planned;
}

Result<void> makePlanOf(mlir::ModuleOp module, const Options &options, planning::Planned &planned) {
  return PlanMaker(module, options, planned).run();
}

} // namespace strata::compile
