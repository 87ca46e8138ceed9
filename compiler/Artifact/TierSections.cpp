// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Artifact/Sections.h"

namespace strata {

static std::vector<schema::ExpertRange> rangesOf(plan::ExpertSetAttr set) {
  std::vector<schema::ExpertRange> ranges;
  for (auto [first, last] : set.getRanges())
    ranges.emplace_back(static_cast<uint32_t>(first), static_cast<uint32_t>(last));
  return ranges;
}

std::vector<std::unique_ptr<schema::LayerExpertsT>> expertSections(mlir::ModuleOp plan) {
  std::vector<std::unique_ptr<schema::LayerExpertsT>> sections;
  for (auto line : plan.getOps<plan::ExpertsOp>()) {
    auto section = std::make_unique<schema::LayerExpertsT>();
    section->first_layer = line.getFirstLayer();
    section->layers = line.getLayers();
    section->experts = line.getExperts();
    section->gpu = rangesOf(line.getGpu());
    section->ram = rangesOf(line.getRam());
    section->disk = rangesOf(line.getDisk());
    section->pinned = rangesOf(line.getPinned());
    section->slots = line.getSlots();
    section->policy = mirror<schema::CachePolicy>(line.getPolicy());
    section->decode_gpu = rangesOf(line.getDecodeGpu());
    section->prompt_gpu = rangesOf(line.getPromptGpu());
    sections.push_back(std::move(section));
  }
  return sections;
}

std::vector<std::unique_ptr<schema::TierBudgetT>> budgetSections(mlir::ModuleOp plan) {
  std::vector<std::unique_ptr<schema::TierBudgetT>> sections;
  for (auto budget : plan.getOps<plan::BudgetOp>()) {
    auto section = std::make_unique<schema::TierBudgetT>();
    section->tier = mirror<schema::Tier>(budget.getTier());
    section->bytes = budget.getBytes();
    section->reserved = budget.getReserved();
    section->head_room = budget.getHeadRoom();
    sections.push_back(std::move(section));
  }
  return sections;
}

static std::unique_ptr<schema::TokenEstimateT> estimateOf(const TokenPrediction &token) {
  auto section = std::make_unique<schema::TokenEstimateT>();
  section->hit_rate = token.hitRate;
  section->gpu_expert_bytes = token.expertBytes[static_cast<size_t>(Tier::Gpu)];
  section->ram_expert_bytes = token.expertBytes[static_cast<size_t>(Tier::Ram)];
  section->disk_expert_bytes = token.expertBytes[static_cast<size_t>(Tier::Disk)];
  section->gpu_dense_bytes = token.denseBytes[static_cast<size_t>(Tier::Gpu)];
  section->ram_dense_bytes = token.denseBytes[static_cast<size_t>(Tier::Ram)];
  section->seconds = token.cost.total;
  section->bottleneck = std::string(costTermName(token.cost.bottleneck));
  return section;
}

void addEstimates(schema::PredictionT &section, const Prediction &prediction) {
  section.uniform = estimateOf(prediction.uniform);
  section.expected = estimateOf(prediction.best());
  for (const PromptPrediction &prompt : prediction.prompts) {
    auto estimate = std::make_unique<schema::PromptEstimateT>();
    estimate->tokens = static_cast<uint32_t>(prompt.tokens);
    estimate->passes = static_cast<uint32_t>(prompt.passes);
    estimate->disk_bytes = prompt.diskBytes;
    estimate->seconds = prompt.cost.total;
    section.prompts.push_back(std::move(estimate));
  }
  section.load_seconds = prediction.loadSeconds;
}

} // namespace strata
