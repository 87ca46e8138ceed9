// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Routing/Replay.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <numeric>

namespace strata {

uint64_t clairvoyantHits(std::span<const uint16_t> choices, uint32_t perToken, uint32_t experts, uint32_t slots) {
  constexpr size_t kNever = std::numeric_limits<size_t>::max();
  size_t tokens = choices.size() / perToken;
  std::vector<size_t> nextUse(experts, kNever);
  std::vector<size_t> useAfter(choices.size()); // When each choice's expert is used again.
  for (size_t i = choices.size(); i-- > 0;) {
    useAfter[i] = nextUse[choices[i]];
    nextUse[choices[i]] = i / perToken;
  }
  // Now nextUse has every expert's first use: those used first are the best to start with.
  auto sooner = [&](uint16_t a, uint16_t b) { return nextUse[a] != nextUse[b] ? nextUse[a] < nextUse[b] : a < b; };
  std::vector<uint16_t> held(experts);
  std::iota(held.begin(), held.end(), uint16_t{0});
  std::vector<bool> holds(experts, true);
  auto keepSoonest = [&] {
    if (held.size() <= slots)
      return;
    std::nth_element(held.begin(), held.begin() + slots, held.end(), sooner);
    for (size_t i = slots; i < held.size(); ++i)
      holds[held[i]] = false;
    held.resize(slots);
  };
  keepSoonest();
  uint64_t hits = 0;
  for (size_t token = 0; token < tokens; ++token) {
    for (size_t i = token * perToken; i < (token + 1) * perToken; ++i) {
      uint16_t expert = choices[i];
      nextUse[expert] = useAfter[i];
      hits += holds[expert];
      if (!holds[expert])
        held.push_back(expert);
      holds[expert] = true;
    }
    keepSoonest();
  }
  return hits;
}

uint64_t policyHits(CachePolicyKind policy, std::span<const uint16_t> choices, uint32_t perToken, uint32_t experts,
                    uint32_t slots, std::span<const uint64_t> usage) {
  ExpertCache cache(policy, experts, slots, usage);
  uint64_t hits = 0;
  for (size_t i = 0; i < choices.size(); i += perToken)
    hits += cache.use(choices.subspan(i, perToken));
  return hits;
}

namespace {

/// The generated tokens' choices, layer by layer.
std::vector<std::vector<uint16_t>> generatedChoices(const RoutingTrace &trace) {
  std::vector<std::vector<uint16_t>> layers(trace.shape.layers);
  uint32_t used = trace.shape.expertsUsed;
  for (const TraceSegment &segment : trace.segments)
    if (segment.phase == RoutingPhase::Generated)
      for (size_t i = 0; i < segment.ids.size(); i += used) {
        auto first = segment.ids.begin() + static_cast<ptrdiff_t>(i);
        std::vector<uint16_t> &layer = layers[i / used % trace.shape.layers];
        layer.insert(layer.end(), first, first + used);
      }
  return layers;
}

/// What of a layer's choices counts, and what is measured.
struct Sample {
  size_t trainEnd, measureBegin;
};

ReplayRow measure(const RoutingShape &shape, const std::vector<std::vector<uint16_t>> &layers, const Sample &sample,
                  uint32_t slots) {
  ReplayRow row;
  row.slots = slots;
  std::array<uint64_t, 4> hits = {};
  uint64_t bound = 0, all = 0;
  for (const std::vector<uint16_t> &choices : layers) {
    std::vector<uint64_t> usage(shape.experts);
    for (uint16_t expert : std::span(choices).first(sample.trainEnd))
      ++usage[expert];
    std::span<const uint16_t> measured = std::span(choices).subspan(sample.measureBegin);
    all += measured.size();
    for (CachePolicyKind policy : kCachePolicies)
      hits[static_cast<size_t>(policy)] += policyHits(policy, measured, shape.expertsUsed, shape.experts, slots, usage);
    bound += clairvoyantHits(measured, shape.expertsUsed, shape.experts, slots);
  }
  auto rate = [&](uint64_t count) { return static_cast<double>(count) / static_cast<double>(all); };
  std::transform(hits.begin(), hits.end(), row.hitRates.begin(), rate);
  row.bound = rate(bound);
  return row;
}

} // namespace

Result<ReplayReport> replayTrace(const RoutingTrace &trace, std::span<const uint32_t> slots) {
  uint64_t tokens = trace.tokens(RoutingPhase::Generated);
  if (tokens < 2)
    return fail(
        ExitCode::Input, "",
        fmt::format("the routing trace has {} generated token{}, and a replay needs two; record a longer answer",
                    tokens, tokens == 1 ? "" : "s"));
  std::vector<std::vector<uint16_t>> layers = generatedChoices(trace);
  ReplayReport report;
  report.trainedTokens = tokens / 2;
  report.measuredTokens = tokens - report.trainedTokens;
  size_t half = report.trainedTokens * trace.shape.expertsUsed, all = tokens * trace.shape.expertsUsed;
  for (uint32_t each : slots) {
    report.inSample.push_back(measure(trace.shape, layers, {all, 0}, each));
    report.heldOut.push_back(measure(trace.shape, layers, {half, half}, each));
  }
  return report;
}

} // namespace strata
