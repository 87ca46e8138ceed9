// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/plan/Recompile.h"

#include "compiler/Placement/ExpertPlacement.h"
#include "compiler/Support/FormatCount.h"
#include "runtime/Memory/PlannedExperts.h"

#include <algorithm>
#include <fmt/format.h>

namespace strata::planning {

static constexpr double kWorthSaying = 0.05;

/// Where the head is: its device writes the logits.
static Tier headTier(const schema::Artifact &artifact) {
  for (const schema::Value *value : *artifact.programs()->Get(0)->values())
    if (value->role() == schema::Role::logits &&
        artifact.arenas()->Get(value->arena())->device() == schema::DeviceKind::gpu)
      return Tier::Gpu;
  return Tier::Ram;
}

Plan planOf(const schema::Artifact &artifact, const ModelWeights &weights) {
  const schema::Settings &settings = *artifact.settings();
  Plan plan;
  plan.settings = {.context = settings.context(),
                   .sequences = settings.sequences(),
                   .promptTokens = settings.prompt_tokens(),
                   .chunkTokens = settings.chunk_tokens(),
                   .kvNumberBytes = settings.kv() == schema::KvEncoding::f16 ? 2u : 4u,
                   .decodeActivations = settings.decode_activations(),
                   .promptActivations = settings.prompt_activations()};
  for (uint32_t i = 0; artifact.budgets() && i < artifact.budgets()->size(); ++i)
    plan.hasGpu |= artifact.budgets()->Get(i)->tier() == schema::Tier::gpu;
  for (uint32_t layer = 0; layer < weights.layers.size(); ++layer)
    plan.layers.push_back({.dense = layer < artifact.kv()->gpu_layers() ? Tier::Gpu : Tier::Ram, .experts = {}});
  plan.output = plan.hasGpu ? headTier(artifact) : Tier::Ram;
  plan.embedding = weights.embedding;
  plan.denseLayers = std::min(weights.description.denseLayers, weights.description.layers);
  plan.expertsPerLayer = weights.description.experts;
  plan.expertTiers.assign(weights.routedExperts(), Tier::Disk);
  std::vector<bool> pinned(plan.expertTiers.size());
  for (uint32_t i = 0; artifact.experts() && i < artifact.experts()->size(); ++i) {
    const schema::LayerExperts &line = *artifact.experts()->Get(i);
    plan.cachePolicy = cachePolicyOf(line.policy()); // The same in all lines.
    for (uint32_t layer = line.first_layer(); layer < line.first_layer() + line.layers(); ++layer) {
      size_t first = size_t{layer - plan.denseLayers} * plan.expertsPerLayer;
      forEachExpert(line.gpu(), [&](uint32_t expert) { plan.expertTiers[first + expert] = Tier::Gpu; });
      forEachExpert(line.ram(), [&](uint32_t expert) { plan.expertTiers[first + expert] = Tier::Ram; });
      forEachExpert(line.pinned(), [&](uint32_t expert) { pinned[first + expert] = true; });
    }
  }
  countExperts(plan, weights);
  plan.pinnedInRam = std::move(pinned); // Not by counts of this run, but as it was compiled.
  return plan;
}

Result<std::string> adviseRecompiling(const schema::Artifact &artifact, const gguf::Model &model,
                                      const UsageCounts &usage, const std::string &path) {
  if (!artifact.experts() || artifact.experts()->size() == 0 || usage.tokens == 0)
    return std::string();
  auto described = describeModel(model, {});
  if (!described)
    return tl::unexpected<Error>(described.error().front());
  STRATA_ASSIGN(ModelWeights weights, weighModel(model, *described));
  std::string json = artifact.machine()->json() ? artifact.machine()->json()->str() : "";
  STRATA_ASSIGN(MachineDescription machine, parseMachine(json, "in the artifact"));
  if (usage.counts.size() != weights.routedExperts())
    return fail(ExitCode::Input, "", "the usage counts are not those of the artifact's model");
  UsageGain gain = gainOfUsage(planOf(artifact, weights), weights, machine, usage.counts);
  if (gain.gain() < kWorthSaying)
    return std::string();
  return fmt::format(
      "compiled again with --trace={}, the plan is predicted to make {:.3g} tokens/s in place of {:.3g}, "
      "with {:.1f} % of its experts' reads from memory in place of {:.1f} % (by the use of experts in {} "
      "tokens)",
      escapeName(path), gain.then.tokensPerSecond(), gain.now.tokensPerSecond(), 100 * gain.then.hitRate,
      100 * gain.now.hitRate, formatCount(usage.tokens));
}

} // namespace strata::planning
