// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Placement/Advice.h"

#include "compiler/Support/FormatCount.h"
#include "runtime/Base/Size.h"

#include <algorithm>
#include <fmt/format.h>

namespace strata {

namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;
constexpr uint64_t kMoreMemory = 16 * kGiB;
constexpr double kWorthSaying = 0.01;
constexpr uint64_t kSmallestContext = 1024;

/// A machine and a request that differ from the given ones in one thing.
struct Alternative {
  std::string change;
  MachineDescription machine;
  PlanRequest request;
};

/// A sum that stays below the largest size instead of overflowing: these are sizes of machines that do not exist.
uint64_t increased(uint64_t bytes, uint64_t more) {
  return (Checked(bytes) + more).valid() ? bytes + more : bytes;
}

void fasterDisk(const Prediction &now, std::vector<Alternative> &alternatives, const Alternative &base) {
  if (!base.machine.disk)
    return;
  Alternative other = base;
  for (DiskRead &read : other.machine.disk->reads)
    read.bandwidth.value *= 2;
  other.change = fmt::format("a disk of {:.1f} GB/s", 2 * now.disk.value / 1e9);
  alternatives.push_back(std::move(other));
}

void moreMemory(std::vector<Alternative> &alternatives, const Alternative &base) {
  Alternative other = base;
  other.machine.ramBytes = increased(other.machine.ramBytes, kMoreMemory);
  other.change = formatBytes(kMoreMemory) + " more RAM";
  alternatives.push_back(std::move(other));
  if (!base.machine.gpu)
    return;
  other = base;
  other.machine.gpu->memoryBytes = increased(other.machine.gpu->memoryBytes, kMoreMemory);
  other.change = formatBytes(kMoreMemory) + " more GPU memory";
  alternatives.push_back(std::move(other));
}

void smallerSettings(std::vector<Alternative> &alternatives, const Alternative &base) {
  const PlanSettings &settings = base.request.settings;
  auto add = [&](std::string change, auto &&apply) {
    Alternative other = base;
    other.change = std::move(change);
    apply(other.request);
    alternatives.push_back(std::move(other));
  };
  uint64_t half = settings.context / 2;
  if (half >= kSmallestContext)
    add(fmt::format("--context={}", half), [&](PlanRequest &request) {
      request.settings.context = half;
      request.settings.promptTokens = std::min(half, request.settings.promptTokens);
      request.settings.chunkTokens = std::min(half, request.settings.chunkTokens);
    });
  if (settings.promptTokens >= 8 * settings.chunkTokens)
    add(fmt::format("--prompt-tokens={}", settings.promptTokens / 8),
        [&](PlanRequest &request) { request.settings.promptTokens /= 8; });
  if (settings.kvNumberBytes == 4)
    add("--kv=f16", [&](PlanRequest &request) { request.settings.kvNumberBytes = 2; });
}

Result<bool> fits(const ModelWeights &weights, const Alternative &one) {
  STRATA_ASSIGN(Plan plan, makePlan(weights, one.machine, one.request));
  return !plan.shortfall;
}

/// The largest context that fits, halving; nothing if none does.
Result<std::string> smallerContext(const ModelWeights &weights, Alternative one) {
  PlanSettings &settings = one.request.settings;
  while (settings.context / 2 >= kSmallestContext) {
    settings.context /= 2;
    settings.promptTokens = std::min(settings.promptTokens, settings.context);
    settings.chunkTokens = std::min(settings.chunkTokens, settings.context);
    STRATA_ASSIGN(bool enough, fits(weights, one));
    if (enough)
      return fmt::format("--context={}", settings.context);
  }
  return std::string();
}

/// Options that use less memory, each alone.
std::vector<Alternative> thriftier(const Alternative &base) {
  std::vector<Alternative> alternatives;
  if (base.request.settings.kvNumberBytes == 4) {
    alternatives.push_back(base);
    alternatives.back().change = "--kv=f16";
    alternatives.back().request.settings.kvNumberBytes = 2;
  }
  if (base.request.settings.sequences > 1) {
    alternatives.push_back(base);
    alternatives.back().change = "--sequences=1";
    alternatives.back().request.settings.sequences = 1;
  }
  if (base.request.promptTokensGiven) {
    alternatives.push_back(base);
    alternatives.back().change = "no --prompt-tokens, so that they are chosen";
    alternatives.back().request.promptTokensGiven = false;
  }
  return alternatives;
}

} // namespace

Result<std::vector<Advice>> adviseFaster(const ModelWeights &weights, const MachineDescription &machine,
                                         const PlanRequest &request) {
  Alternative base{"", machine, request};
  base.request.trace = nullptr; // Compared is uniform routing, which needs no replay.
  STRATA_ASSIGN(Plan plan, makePlan(weights, machine, base.request));
  Prediction now = predict(plan, weights, machine);
  std::vector<Alternative> alternatives;
  fasterDisk(now, alternatives, base);
  moreMemory(alternatives, base);
  smallerSettings(alternatives, base);
  std::vector<Advice> advice;
  for (const Alternative &one : alternatives) {
    STRATA_ASSIGN(Plan other, makePlan(weights, one.machine, one.request));
    if (other.shortfall)
      continue;
    double speed = predict(other, weights, one.machine).uniform.tokensPerSecond();
    double gain = speed / now.uniform.tokensPerSecond() - 1;
    if (gain >= kWorthSaying)
      advice.push_back({one.change, speed, gain});
  }
  std::stable_sort(advice.begin(), advice.end(), [](const Advice &a, const Advice &b) { return a.gain > b.gain; });
  return advice;
}

Result<std::vector<std::string>> adviseFitting(const ModelWeights &weights, const MachineDescription &machine,
                                               const PlanRequest &request) {
  Alternative base{"", machine, request};
  STRATA_ASSIGN(Plan plan, makePlan(weights, machine, request));
  if (!plan.shortfall)
    return std::vector<std::string>();
  std::vector<std::string> advice;
  for (const Alternative &one : thriftier(base)) {
    STRATA_ASSIGN(bool enough, fits(weights, one));
    if (enough)
      advice.push_back(one.change);
  }
  STRATA_ASSIGN(std::string context, smallerContext(weights, base));
  if (!context.empty())
    advice.push_back(context);
  advice.push_back(fmt::format("{} B ({}) more {}", formatCount(plan.shortfall->bytes),
                               formatBytes(plan.shortfall->bytes),
                               plan.shortfall->tier == Tier::Gpu   ? "GPU memory"
                               : plan.shortfall->tier == Tier::Ram ? "RAM"
                                                                   : "disk"));
  return advice;
}

} // namespace strata
