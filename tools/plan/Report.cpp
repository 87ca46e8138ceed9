// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Placement/Requantise.h"
#include "compiler/Support/FormatCount.h"
#include "runtime/Base/Size.h"
#include "tools/plan/PlanTool.h"

#include <algorithm>
#include <fmt/format.h>

namespace strata::planning {

uint64_t expandedKvBytes(const ModelDescription &description, uint64_t numberBytes) {
  uint64_t head = uint64_t{description.nope} + description.rope + description.value;
  return uint64_t{description.layers} * description.heads * head * numberBytes;
}

std::string verdict(const Plan &plan, const Prediction &prediction) {
  if (plan.shortfall)
    return fmt::format("does not fit: needs {} more {}", formatBytes(plan.shortfall->bytes),
                       plan.shortfall->tier == Tier::Gpu   ? "GPU memory"
                       : plan.shortfall->tier == Tier::Ram ? "RAM"
                                                           : "disk");
  return prediction.uniform.cost.bottleneck == CostTerm::DiskReads ? "runs, disk-bound" : "runs";
}

namespace {

constexpr size_t kMostAdvice = 3;

/// "2:35 min" from a minute on, "4.83 s", "37 ms" and "12 us" below.
std::string formatTime(double seconds) {
  if (seconds < 1e-3)
    return fmt::format("{:.0f} us", seconds * 1e6);
  if (seconds < 1)
    return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds < 9.995)
    return fmt::format("{:.2f} s", seconds);
  if (seconds < 59.95)
    return fmt::format("{:.1f} s", seconds);
  auto whole = static_cast<uint64_t>(std::min(seconds, 1e15) + 0.5);
  if (whole >= 3600)
    return fmt::format("{}:{:02}:{:02} h", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02} min", whole / 60, whole % 60);
}

/// Three digits that say something, at the slow end too.
std::string formatSpeed(double tokensPerSecond) {
  int decimals = tokensPerSecond < 1 ? 3 : tokensPerSecond < 100 ? 2 : 0;
  return fmt::format("{:.{}f} tok/s", tokensPerSecond, decimals);
}

std::string formatRate(const Figure &figure) {
  return fmt::format("{:.1f} GB/s {}", figure.value / 1e9, figure.measured ? "measured" : "ASSUMED");
}

class Report {
public:
  Report(const Planned &all, const std::string &verifyingCommand) : planned(all), command(verifyingCommand) {}
  std::string format();

private:
  template <typename... Args> void line(fmt::format_string<Args...> form, Args &&...args) {
    text += fmt::format(form, std::forward<Args>(args)...) + "\n";
  }
  void header();
  void settings();
  void tiers();
  void tier(Tier tier);
  std::string_view hitRateSource() const;
  std::string hostLayers() const;
  void speed();
  void firstTokens();
  void reasons();
  void memoryReason(Tier tier);
  void slowestTerms();
  void faster();

  const Planned &planned;
  const std::string &command;
  const Plan &plan = planned.plan;
  const Prediction &prediction = planned.prediction;
  const MachineDescription &machine = planned.machine;
  const ModelDescription &model = planned.weights.description;
  std::string text;
};

void Report::header() {
  line("{}  {}  {} in {} tensors", escapeName(model.name.empty() ? model.architecture : model.name),
       encodingInfo(mainEncoding(planned.tensors)).name, formatBytes(planned.weights.total),
       formatCount(planned.weights.tensors.size()));
  std::string gpu = machine.gpu ? fmt::format("{} {}, PCIe {}; ", machine.gpu->arch,
                                              formatBytes(machine.gpu->memoryBytes), formatRate(machine.gpu->pcie))
                                : "no GPU; ";
  line("machine    {}: {}{} cores, {}", escapeName(machine.name), gpu, machine.cores, formatBytes(machine.ramBytes));
  Figure disk = machine.disk ? diskBandwidth(*machine.disk, planned.weights.largestExpert() / 3) : Figure{};
  line("           memory {}; {}", formatRate(machine.host.memoryBandwidth),
       machine.disk ? "disk " + formatRate(disk) : "no disk tier");
}

void Report::settings() {
  const PlanSettings &settings = plan.settings;
  std::string halved = plan.promptTokensWished > settings.promptTokens
                           ? fmt::format(" ({} do not fit)", formatCount(plan.promptTokensWished))
                           : "";
  std::string activations =
      settings.decodeActivations == settings.promptActivations
          ? fmt::format(", activations {}", schema::EnumNameActivationEncoding(settings.decodeActivations))
          : "";
  line("settings   context {}, {} sequence{}, passes of {} prompt tokens{}, KV {}{}", formatCount(settings.context),
       settings.sequences, settings.sequences == 1 ? "" : "s", formatCount(settings.promptTokens), halved,
       settings.kvNumberBytes == 2 ? "f16" : "f32", activations);
  Checked expanded = Checked(settings.context) * settings.sequences * expandedKvBytes(model, settings.kvNumberBytes);
  line("kv cache   {} of latents, {} B a position; all heads' keys and values would be {}",
       formatBytes(plan.of(Tier::Gpu).kv + plan.of(Tier::Ram).kv),
       formatCount(kvBytesPerPosition(model, settings.kvNumberBytes)),
       expanded.valid() ? formatBytes(expanded.value()) : "more than 2^64 B");
}

void Report::tier(Tier tier) {
  const TierUse &use = plan.of(tier);
  size_t index = static_cast<size_t>(tier);
  double all = planned.weights.routedBytesPerToken();
  double share = all > 0 && !plan.shortfall ? 100 * prediction.uniform.expertBytes[index] / all : 0;
  std::string experts = fmt::format("{} {}", formatCount(use.experts), formatBytes(use.expertBytes));
  if (tier == Tier::Disk)
    line("{:<5}{:>10}{:>10}{:>10}{:>10}{:>19}{:>10}{:>10}{:>8.1f} %", "disk",
         use.budget == 0 ? "unknown" : formatBytes(use.budget), "-", "-", "-", experts, "-", "-", share);
  else
    line("{:<5}{:>10}{:>10}{:>10}{:>10}{:>19}{:>10}{:>10}{:>8.1f} %", tierName(tier), formatBytes(use.budget),
         formatBytes(use.dense), formatBytes(use.kv), formatBytes(use.scratch), experts, formatBytes(use.headRoom),
         formatBytes(use.free()), share);
}

void Report::tiers() {
  line("{:<5}{:>10}{:>10}{:>10}{:>10}{:>19}{:>10}{:>10}{:>10}", "tier", "budget", "dense", "kv", "scratch", "experts",
       "head room", "free", "reads");
  if (machine.gpu)
    tier(Tier::Gpu);
  tier(Tier::Ram);
  if (machine.disk)
    tier(Tier::Disk);
}

/// What the host computes beside a GPU, since that has no room for it.
std::string Report::hostLayers() const {
  if (plan.shortfall || !plan.hasGpu || plan.output == Tier::Gpu)
    return "";
  uint32_t onGpu = plan.denseLayersIn(Tier::Gpu);
  if (onGpu == plan.layers.size())
    return "; the host computes the head, for which the GPU has no room";
  return fmt::format("; the host computes the head and {} of {} layers, from {} on, for which the GPU has no room",
                     plan.layers.size() - onGpu, plan.layers.size(), onGpu);
}

/// Where the second hit rate comes from.
std::string_view Report::hitRateSource() const {
  if (plan.usage.empty())
    return plan.cachePolicy == CachePolicyKind::Pinned ? "since nothing says which experts are used most"
                                                       : "ASSUMED from what is published of siblings";
  return plan.trace && plan.cacheSlots() != 0 ? "by a replay of the trace" : "as the usage counts have it";
}

void Report::speed() {
  const TokenPrediction &low = prediction.uniform, &high = prediction.best();
  line("speed      {} after {} tokens, uniform routing ({:.1f} % hits, {:.2f} GB from disk)",
       formatSpeed(low.tokensPerSecond()), formatCount(plan.settings.context), 100 * low.hitRate,
       low.expertBytes[2] / 1e9);
  if (prediction.traced || low.hitRate < 1)
    line("           {} with {:.1f} % hits ({}), {}", formatSpeed(high.tokensPerSecond()), 100 * high.hitRate,
         cachePolicyName(plan.cachePolicy), hitRateSource());
  if (const auto &gain = planned.usageGain; gain && low.hitRate < 1)
    line("           less chance {} with {:.1f} %; lru without the counts {} with {:.1f} %",
         formatSpeed(gain->then.tokensPerSecond()), 100 * gain->then.hitRate, formatSpeed(gain->now.tokensPerSecond()),
         100 * gain->now.hitRate);
}

void Report::firstTokens() {
  constexpr uint64_t kShown[] = {75, 1024, 8192, 32768}; // --json has more.
  std::string times;
  for (const PromptPrediction &prompt : prediction.prompts)
    if (std::ranges::find(kShown, prompt.tokens) != std::end(kShown))
      times += fmt::format("{}{}{} {}", times.empty() ? "" : ", ", formatCount(prompt.tokens),
                           times.empty() ? " tokens" : "", formatTime(prompt.cost.total));
  if (!times.empty())
    line("prompts    {} to the first token", times);
  if (prediction.loadSeconds > 0)
    line("loading    {} until all that stays in memory is read, {} of it for the dense part",
         formatTime(prediction.loadSeconds), formatTime(prediction.denseLoadSeconds));
}

void Report::memoryReason(Tier tier) {
  const TierUse &use = plan.of(tier);
  auto gib = [](uint64_t bytes) { return static_cast<double>(bytes) / (uint64_t{1} << 30); };
  line("           {}: {:.1f} - dense {:.1f} - kv {:.1f} - scratch {:.1f} - head room {:.1f} = {:.1f} GiB for experts",
       tierName(tier), gib(use.budget), gib(use.dense), gib(use.kv), gib(use.scratch), gib(use.headRoom),
       gib(use.free() + use.expertBytes));
}

/// The largest terms of a token's time after the bottleneck.
void Report::slowestTerms() {
  const Cost &cost = prediction.uniform.cost;
  std::vector<CostTerm> terms;
  for (size_t i = 0; i < kCostTerms; ++i)
    if (auto term = static_cast<CostTerm>(i); cost.of(term) > 0 && term != cost.bottleneck)
      terms.push_back(term);
  std::stable_sort(terms.begin(), terms.end(), [&](CostTerm a, CostTerm b) { return cost.of(a) > cost.of(b); });
  for (size_t i = 0; i < std::min<size_t>(2, terms.size()); ++i)
    line("           then {}: {}", costTermName(terms[i]), formatTime(cost.of(terms[i])));
}

void Report::reasons() {
  const Cost &cost = prediction.uniform.cost;
  line("limit      {}: {} of {} a token", costTermName(cost.bottleneck), formatTime(cost.of(cost.bottleneck)),
       formatTime(cost.total));
  if (plan.of(Tier::Disk).experts == 0)
    return slowestTerms();
  if (machine.gpu)
    memoryReason(Tier::Gpu);
  memoryReason(Tier::Ram);
  if (!machine.gpu)
    line("           there is no GPU to keep experts on");
}

void Report::faster() {
  if (planned.faster.empty())
    return line("would help nothing of what is tried here makes it 1 % faster");
  for (size_t i = 0; i < std::min(kMostAdvice, planned.faster.size()); ++i) {
    const Advice &one = planned.faster[i];
    line("{:<11}{}: {}, +{:.0f} %", i == 0 ? "would help" : "", one.change, formatSpeed(one.tokensPerSecond),
         100 * one.gain);
  }
}

std::string Report::format() {
  header();
  settings();
  tiers();
  line("{}{}", verdict(plan, prediction), hostLayers());
  if (plan.shortfall) {
    line("limit      {}", plan.shortfall->why);
    for (size_t i = 0; i < planned.fitting.size(); ++i)
      line("{:<11}{}", i == 0 ? "would do" : "", planned.fitting[i]);
  } else {
    speed();
    firstTokens();
    reasons();
    faster();
  }
  line("verify     {}", command);
  return std::move(text);
}

} // namespace

std::string formatReport(const Planned &planned, const std::string &command) {
  return Report(planned, command).format();
}

} // namespace strata::planning
