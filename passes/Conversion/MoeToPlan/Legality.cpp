// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Conversion/MoeToPlan/Legality.h"

#include "dialects/Plan/PlanOps.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace strata;

/// The pass that replaces an operation which has no dispatch; empty if it has one, nothing if no pass does.
static std::optional<StringRef> missingPass(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<StringRef>>(op)
      .Case([](moe::LayerOp) { return "moe-outline-layers"; })
      .Case([](moe::MlaOp) { return "moe-absorb-mla"; })
      .Case([](moe::DequantOp) { return "moe-fuse-dequant-matmul"; })
      .Case<moe::SiluOp, moe::MulOp>([](Operation *) { return "moe-fuse-gated-matmul"; })
      .Case([](moe::ExpertsOp) { return "moe-group-experts"; })
      .Case<ModuleOp, moe::ModelOp, moe::BlockOp, moe::LayersOp, moe::YieldOp, moe::ReturnOp, moe::WeightOp,
            moe::EmbedOp, moe::RmsNormOp, moe::MatmulOp, moe::DequantMatmulOp, moe::AddOp, moe::GatedMatmulOp,
            moe::QueryRopeOp, moe::KvAppendOp, moe::HeadMatmulOp, moe::DequantHeadMatmulOp, moe::LatentAttentionOp,
            moe::RouteOp, moe::GroupedExpertsOp, plan::ExpertsOp, plan::BudgetOp, plan::HostLayersOp, plan::ArenaOp>(
          [](Operation *) { return ""; })
      .Default([](Operation *) { return std::nullopt; });
}

FailureOr<moe::ModelOp> strata::findPlannableModel(ModuleOp module) {
  struct Obstacle {
    Operation *first = nullptr;
    int64_t count = 0;
  };
  llvm::MapVector<OperationName, Obstacle> obstacles;
  module.walk([&](Operation *op) {
    if (missingPass(op) == "")
      return;
    Obstacle &obstacle = obstacles[op->getName()];
    obstacle.first = obstacle.first ? obstacle.first : op;
    ++obstacle.count;
  });
  if (!obstacles.empty()) {
    InFlightDiagnostic error = module.emitError("the module cannot be planned: ");
    error << obstacles.size()
          << (obstacles.size() == 1 ? " kind of operation in it has" : " kinds of operation in it have")
          << " no dispatch";
    for (auto &[name, obstacle] : obstacles) {
      Diagnostic &note = error.attachNote(obstacle.first->getLoc());
      note << name << ", " << obstacle.count << (obstacle.count == 1 ? " time" : " times") << ", first here: ";
      if (std::optional<StringRef> pass = missingPass(obstacle.first))
        note << "run --" << *pass << " before";
      else
        note << "no pass replaces it";
    }
    return failure();
  }
  auto models = module.getOps<moe::ModelOp>();
  if (!llvm::hasSingleElement(models)) {
    module.emitError("the module cannot be planned: it has ") << llvm::range_size(models) << " models instead of one";
    return failure();
  }
  return *models.begin();
}
