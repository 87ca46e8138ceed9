// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Pipelines.h"

#include "passes/Conversion/PlanToKern/Passes.h"
#include "passes/Moe/Passes.h"
#include "passes/Plan/Passes.h"

namespace strata {

static constexpr PhaseInfo kPhases[] = {
    {Phase::Import, "import", "the header becomes a model in the moe dialect, as its papers write it"},
    {Phase::Verify, "verify", "what contradicts the hyper-parameters is reported"},
    {Phase::Optimise, "optimise", "attention is absorbed, operations are fused, equal layers become one block"},
    {Phase::Place, "place", "blocks become dispatches of the plan dialect, on a device and in a tier"},
    {Phase::Schedule, "schedule", "every value gets its offset in an arena, and the plan is proved"},
    {Phase::Kernels, "kernels", "every launch on a GPU gets a kernel of the kern dialect, equal ones one"},
    {Phase::Artifact, "artifact", "the plan is written as an artifact"},
};

llvm::ArrayRef<PhaseInfo> phaseTable() {
  return kPhases;
}

const PhaseInfo &phaseInfo(Phase phase) {
  return kPhases[static_cast<size_t>(phase)];
}

std::optional<Phase> findPhase(llvm::StringRef name) {
  for (const PhaseInfo &info : kPhases)
    if (info.name == name)
      return info.phase;
  return std::nullopt;
}

void addPhasePasses(mlir::OpPassManager &manager, Phase phase, const PipelineOptions &options) {
  switch (phase) {
  case Phase::Import:
  case Phase::Artifact:
    return;
  case Phase::Verify:
    manager.addPass(moe::createMoeVerifyModel());
    return;
  case Phase::Optimise:
    moe::buildOptimisePipeline(manager);
    return;
  case Phase::Place:
    manager.addPass(createConvertMoeToPlan(options));
    manager.addPass(plan::createPlanFuseNorms());
    return;
  case Phase::Schedule:
    manager.addPass(plan::createPlanAllocateArenas());
    manager.addPass(plan::createPlanVerify());
    return;
  case Phase::Kernels:
    manager.addPass(createPlanChooseSchedules());
    manager.addPass(createConvertPlanToKern());
    return;
  }
}

} // namespace strata
