// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/plan/Routing.h"

#include "compiler/Support/FormatCount.h"
#include "runtime/Routing/Replay.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <set>

namespace strata::planning {

RoutingShape routingShape(const gguf::Model &model, const ModelDescription &description) {
  uint32_t dense = std::min(description.denseLayers, description.layers);
  return {model.fingerprint(), dense, description.layers - dense, description.experts, description.expertsUsed};
}

Result<void> useRouting(PlanRequest &request, const std::vector<std::string> &paths, const RoutingShape &shape) {
  UsageCounts usage = noUsage(shape);
  RoutingTrace trace = {shape, {}};
  bool ordered = true;
  for (const std::string &path : paths) {
    STRATA_ASSIGN(RoutingFile file, loadRoutingFile(path, shape));
    if (file.usage.tokens == 0)
      return fail(ExitCode::Input, "",
                  fmt::format("\"{}\" has no generated tokens, so that nothing follows from it; record a longer answer",
                              escapeName(path)));
    usage.add(file.usage);
    ordered &= file.trace.has_value();
    if (file.trace)
      std::ranges::move(file.trace->segments, std::back_inserter(trace.segments));
  }
  request.usage = std::move(usage.counts);
  if (ordered)
    request.trace = std::make_shared<const RoutingTrace>(std::move(trace));
  return {};
}

Result<RoutingTrace> loadTrace(const std::string &path, const RoutingShape &shape) {
  STRATA_ASSIGN(RoutingFile file, loadRoutingFile(path, shape));
  if (!file.trace)
    return fail(ExitCode::Input, "",
                fmt::format("\"{}\" is a usage file, which has no order to replay; give a trace of strata-run --trace",
                            escapeName(path)));
  return *std::move(file.trace);
}

/// The experts of every layer that the plan keeps in memory; 0 if it does not fit.
static uint32_t plannedSlots(const Planned &planned) {
  const Plan &plan = planned.plan;
  uint64_t layers = planned.weights.expertLayers();
  if (plan.shortfall || layers == 0)
    return 0;
  return static_cast<uint32_t>((plan.of(Tier::Gpu).experts + plan.of(Tier::Ram).experts) / layers);
}

static std::string formatRows(const std::vector<ReplayRow> &rows, uint32_t experts, uint32_t ofPlan) {
  std::string text = fmt::format("{:>6}{:>9}", "slots", "share");
  for (CachePolicyKind policy : kCachePolicies)
    text += fmt::format("{:>12}", cachePolicyName(policy));
  text += fmt::format("{:>14}\n", "clairvoyant");
  for (const ReplayRow &row : rows) {
    text += fmt::format("{:>6}{:>7.1f} %", row.slots, 100.0 * row.slots / experts);
    for (double rate : row.hitRates)
      text += fmt::format("{:>10.1f} %", 100 * rate);
    text += fmt::format("{:>12.1f} %{}\n", 100 * row.bound, row.slots == ofPlan ? "  this plan" : "");
  }
  return text;
}

Result<std::string> formatReplay(const Planned &planned, const RoutingTrace &trace) {
  uint32_t experts = trace.shape.experts, ofPlan = plannedSlots(planned);
  std::set<uint32_t> sizes;
  for (uint32_t part : {16u, 8u, 4u, 2u})
    sizes.insert(std::max(1u, experts / part));
  if (ofPlan != 0)
    sizes.insert(ofPlan);
  std::vector<uint32_t> slots(sizes.begin(), sizes.end());
  STRATA_ASSIGN(ReplayReport report, replayTrace(trace, slots));
  std::string text = fmt::format(
      "replay of {} generated tokens ({} prompt tokens are left out: a prompt reads every expert once)\n"
      "hit rate by policy and slots of every layer; all start with the most used of what they counted\n"
      "\nin sample: counted and measured with all tokens\n",
      formatCount(report.trainedTokens + report.measuredTokens), formatCount(trace.tokens(RoutingPhase::Prompt)));
  text += formatRows(report.inSample, experts, ofPlan);
  text += fmt::format("\nheld out: counted with the first {} tokens, measured with the last {}\n",
                      formatCount(report.trainedTokens), formatCount(report.measuredTokens));
  return text + formatRows(report.heldOut, experts, ofPlan);
}

} // namespace strata::planning
