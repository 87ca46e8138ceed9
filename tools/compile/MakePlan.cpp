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
#include <set>

namespace strata::compile {

namespace {

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

/// What rounding adds at most to the buffers of a prompt's pass, when there are fewer rows than were lowered for.
Checked promptRoundingBytes(mlir::ModuleOp plan) {
  Checked bytes = 0;
  plan.walk([&](plan::BufferOp buffer) {
    if (buffer.getType().getRows() == plan::Rows::prompt)
      bytes += plan::kAlignment;
  });
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
    uint64_t promptRow = (bytes + settings.promptTokens - 1) / settings.promptTokens;
    if (machine.gpu && arena.getDevice() == plan::DeviceKind::host)
      (arena.getKind() == plan::ArenaKind::prompt ? sizes.arenas.hostPromptRow : sizes.arenas.host) +=
          arena.getKind() == plan::ArenaKind::prompt ? promptRow : bytes;
    else if (arena.getKind() == plan::ArenaKind::decode)
      sizes.arenas.decode = bytes;
    else if (arena.getKind() == plan::ArenaKind::chunk)
      sizes.arenas.chunk = bytes;
    else
      sizes.arenas.promptRow = promptRow;
  }
  (machine.gpu ? sizes.arenas.host : sizes.arenas.decode) += sizes.workerScratch;
  uint64_t rounding = (roundingBytes(plan) + promptRoundingBytes(plan)).value();
  sizes.arenas.decode += rounding;
  if (machine.gpu && sizes.arenas.host != 0)
    sizes.arenas.host += rounding;
  return sizes;
}

class PlanMaker {
public:
  PlanMaker(LoweredShapes &loweredShapes, planning::Planned &all) : shapes(loweredShapes), planned(all) {}
  /// Makes planned.plan; gives what the host's threads take beside all arenas.
  Result<uint64_t> run();

private:
  Result<void> replan(bool severalTiers, std::optional<uint32_t> gpuLayers);
  std::optional<uint32_t> gpuLayers() const;

  LoweredShapes &shapes;
  planning::Planned &planned;
  uint64_t workerScratch = 0;
};

/// With the larger of what was known and of these sizes nothing fits that did not fit before.
Result<void> PlanMaker::replan(bool severalTiers, std::optional<uint32_t> gpuLayers) {
  STRATA_ASSIGN(LoweredSizes sizes, shapes.sizes(severalTiers, gpuLayers));
  if (!planned.request.arenas)
    planned.request.arenas.emplace();
  ArenaBytes &arenas = *planned.request.arenas;
  for (auto size :
       {&ArenaBytes::promptRow, &ArenaBytes::chunk, &ArenaBytes::decode, &ArenaBytes::host, &ArenaBytes::hostPromptRow})
    arenas.*size = std::max(arenas.*size, sizes.arenas.*size);
  workerScratch = std::max(workerScratch, sizes.workerScratch);
  return planning::makeAndPredict(planned);
}

/// Of a plan whose last layers are the host's.
std::optional<uint32_t> PlanMaker::gpuLayers() const {
  const Plan &plan = planned.plan;
  if (!plan.hasGpu || plan.output == Tier::Gpu || plan.layers.empty())
    return std::nullopt;
  return plan.denseLayersIn(Tier::Gpu);
}

Result<uint64_t> PlanMaker::run() {
  STRATA_TRY(replan(false, std::nullopt));
  if (planned.plan.shortfall || !planned.plan.inOneTier()) {
    STRATA_TRY(replan(true, std::nullopt));
    // How many layers are the GPU's changes what both devices need, and that how many they are.
    std::set<std::optional<uint32_t>> lowered = {std::nullopt};
    while (!planned.plan.shortfall && lowered.insert(gpuLayers()).second)
      STRATA_TRY(replan(true, gpuLayers()));
  }
  return workerScratch;
}

} // namespace

Result<planning::Planned> planRequest(const Options &options, const gguf::Model &model,
                                      const ModelDescription &description) {
  planning::Planned planned;
  STRATA_ASSIGN(planned.machine, planning::budgetedMachine(options.machine, options.ram, options.gpuMemory));
  STRATA_ASSIGN(planned.request.settings, completeSettings(options.settings, description));
  planned.request.promptTokensGiven = options.settings.promptTokens.has_value();
  planned.request.gpuHeadRoom = options.gpuHeadRoom;
  planned.request.ramHeadRoom = options.ramHeadRoom;
  if (!options.traces.empty()) {
    STRATA_TRY(planning::useRouting(planned.request, options.traces, planning::routingShape(model, description)));
  }
  planned.request.cachePolicy = options.cachePolicy;
  STRATA_ASSIGN(planned.weights, weighModel(model, description));
  planned.tensors = model.tensors();
  return planned;
}

LoweredShapes::LoweredShapes(mlir::ModuleOp optimised, const Options &commandLineOptions,
                             const planning::Planned &ofModel)
    : module(optimised), description(ofModel.weights.description), machine(ofModel.machine),
      settings(ofModel.request.settings) {
  run.passes = pipelineOptions(settings, machine);
  run.reproducer =
      (commandLineOptions.output.empty() ? "strata-compile" : commandLineOptions.output) + ".reproducer.mlir";
}

Result<LoweredSizes> LoweredShapes::sizes(bool severalTiers, std::optional<uint32_t> gpuLayers) {
  auto found = known.find({severalTiers, gpuLayers});
  if (found != known.end())
    return found->second;
  mlir::OwningOpRef<mlir::ModuleOp> copy = module.clone();
  bool hasGpu = machine.gpu.has_value();
  if (severalTiers)
    placeSomewhere(*copy, {description.denseLayers, description.layers, description.experts, hasGpu, gpuLayers});
  for (Phase phase : {Phase::Place, Phase::Schedule})
    STRATA_TRY(runPhase(*copy, phase, run));
  return known[{severalTiers, gpuLayers}] = sizesOf(*copy, settings, machine, severalTiers || !hasGpu);
}

Result<void> makePlanOf(mlir::ModuleOp module, LoweredShapes &shapes, planning::Planned &planned) {
  STRATA_ASSIGN(uint64_t workerScratch, PlanMaker(shapes, planned).run());
  if (planned.plan.shortfall)
    return {};
  return placeTiers(module, planned.plan, workerScratch);
}

} // namespace strata::compile
