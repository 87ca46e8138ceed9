// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/plan/PlanTool.h"

#include <nlohmann/json.hpp>

namespace strata::planning {

using nlohmann::ordered_json;

namespace {

constexpr int kVersion = 1;

ordered_json byTier(const std::array<double, kTiers> &numbers) {
  ordered_json out;
  for (size_t i = 0; i < kTiers; ++i)
    out[std::string(tierName(static_cast<Tier>(i)))] = numbers[i];
  return out;
}

ordered_json costJson(const Cost &cost) {
  ordered_json terms;
  for (size_t i = 0; i < kCostTerms; ++i)
    terms[std::string(costTermName(static_cast<CostTerm>(i)))] = cost.seconds[i];
  return {{"seconds", cost.total}, {"bottleneck", costTermName(cost.bottleneck)}, {"terms", terms}};
}

ordered_json tokenJson(const TokenPrediction &token) {
  return {{"hit_rate", token.hitRate},
          {"tokens_per_second", token.tokensPerSecond()},
          {"expert_bytes", byTier(token.expertBytes)},
          {"dense_bytes", byTier(token.denseBytes)},
          {"cost", costJson(token.cost)}};
}

ordered_json predictionJson(const Prediction &prediction) {
  ordered_json out{{"uniform", tokenJson(prediction.uniform)}, {"skewed_assumed", tokenJson(prediction.skewed)}};
  if (prediction.traced)
    out["traced"] = tokenJson(*prediction.traced);
  out["prompts"] = ordered_json::array();
  for (const PromptPrediction &prompt : prediction.prompts)
    out["prompts"].push_back({{"tokens", prompt.tokens},
                              {"passes", prompt.passes},
                              {"disk_bytes", prompt.diskBytes},
                              {"cost", costJson(prompt.cost)}});
  out["load_seconds"] = prediction.loadSeconds;
  out["dense_load_seconds"] = prediction.denseLoadSeconds;
  return out;
}

ordered_json tierJson(const TierUse &use) {
  return {{"budget", use.budget},
          {"head_room", use.headRoom},
          {"dense", use.dense},
          {"kv", use.kv},
          {"scratch", use.scratch},
          {"experts", use.experts},
          {"expert_bytes", use.expertBytes},
          {"free", use.free()}};
}

ordered_json settingsJson(const Planned &planned) {
  const PlanSettings &settings = planned.plan.settings;
  return {{"context", settings.context},
          {"sequences", settings.sequences},
          {"prompt_tokens", settings.promptTokens},
          {"prompt_tokens_wished", planned.plan.promptTokensWished},
          {"chunk_tokens", settings.chunkTokens},
          {"kv_number_bytes", settings.kvNumberBytes},
          {"decode_activations", schema::EnumNameActivationEncoding(settings.decodeActivations)},
          {"prompt_activations", schema::EnumNameActivationEncoding(settings.promptActivations)},
          {"cache_policy", cachePolicyName(planned.plan.cachePolicy)}};
}

ordered_json layersJson(const Plan &plan) {
  ordered_json out = ordered_json::array();
  for (uint32_t i = 0; i < plan.layers.size(); ++i) {
    const LayerPlacement &layer = plan.layers[i];
    out.push_back({{"dense", tierName(layer.dense)},
                   {"gpu_experts", layer.experts[0]},
                   {"ram_experts", layer.experts[1]},
                   {"disk_experts", layer.experts[2]},
                   {"cache_slots", i < plan.denseLayers ? 0 : plan.cacheSlots(i)}});
  }
  return out;
}

ordered_json arenasJson(const Plan &plan) {
  ordered_json out = ordered_json::array();
  for (const PlannedArena &arena : plan.arenas)
    out.push_back({{"name", arena.name}, {"tier", tierName(arena.tier)}, {"bytes", arena.bytes}});
  return out;
}

} // namespace

std::string formatJson(const Planned &planned) {
  const Plan &plan = planned.plan;
  const ModelDescription &model = planned.weights.description;
  uint64_t numberBytes = plan.settings.kvNumberBytes;
  ordered_json out{{"version", kVersion},
                   {"model",
                    {{"name", model.name},
                     {"bytes", planned.weights.total},
                     {"tensors", planned.weights.tensors.size()},
                     {"experts", planned.weights.routedExperts()},
                     {"kv_bytes_per_position", kvBytesPerPosition(model, numberBytes)},
                     {"expanded_kv_bytes_per_position", expandedKvBytes(model, numberBytes)}}},
                   {"machine", ordered_json::parse(formatMachineFile(planned.machine))},
                   {"settings", settingsJson(planned)},
                   {"verdict", verdict(plan, planned.prediction)}};
  for (size_t i = 0; i < kTiers; ++i)
    out["tiers"][std::string(tierName(static_cast<Tier>(i)))] = tierJson(plan.tiers[i]);
  out["output"] = tierName(plan.output);
  out["prompt_device"] = plan.promptDevice() == ComputeDevice::Gpu ? "gpu" : "host";
  out["layers"] = layersJson(plan);
  out["arenas"] = arenasJson(plan);
  if (plan.shortfall) {
    out["shortfall"] = {
        {"tier", tierName(plan.shortfall->tier)}, {"bytes", plan.shortfall->bytes}, {"why", plan.shortfall->why}};
    out["would_do"] = planned.fitting;
  } else {
    out["prediction"] = predictionJson(planned.prediction);
    if (planned.usageGain)
      out["usage_gain"] = {{"lru_without_counts", tokenJson(planned.usageGain->now)},
                           {"pinned_by_counts", tokenJson(planned.usageGain->then)}};
    out["would_help"] = ordered_json::array();
    for (const Advice &one : planned.faster)
      out["would_help"].push_back({{"change", one.change}, {"tokens_per_second", one.tokensPerSecond}});
  }
  // Names come from files and may be no UTF-8.
  return out.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

} // namespace strata::planning
