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

namespace {

constexpr uint64_t kContexts[] = {4096, 8192, 16384, 32768, 65536, 131072};
constexpr uint64_t kRamGiB[] = {16, 24, 32, 40, 48, 64, 96, 128, 192, 256, 384, 512};

/// One line of a table: how a plan's columns look.
struct Row {
  std::string name;
  std::string extra; ///< A column that only some tables have.
};

std::string head(std::string_view name, std::string_view extra) {
  return fmt::format("{:<14}{:>12}{:>13}{:>14}{:>8}{:>9}{:>12}  {}\n", name, "gpu experts", "ram experts",
                     "disk experts", "hits", "tok/s", "32k prompt", extra);
}

std::string promptTime(const Prediction &prediction, uint64_t context) {
  if (prediction.prompts.empty() || prediction.prompts.back().tokens != 32768)
    return context < 32768 ? "-" : "";
  return fmt::format("{:.0f} s", prediction.prompts.back().cost.total);
}

/// The plan of a row, and its line.
Result<std::string> rowOf(const Row &row, const ModelWeights &weights, const MachineDescription &machine,
                          const PlanRequest &request) {
  STRATA_ASSIGN(Plan plan, makePlan(weights, machine, request));
  if (plan.shortfall)
    return fmt::format("{:<14}{:<68}  {}\n", row.name, verdict(plan, {}), row.extra);
  Prediction prediction = predict(plan, weights, machine);
  return fmt::format("{:<14}{:>12}{:>13}{:>14}{:>6.1f} %{:>9.2f}{:>12}  {}\n", row.name,
                     formatCount(plan.of(Tier::Gpu).experts), formatCount(plan.of(Tier::Ram).experts),
                     formatCount(plan.of(Tier::Disk).experts), 100 * prediction.uniform.hitRate,
                     prediction.uniform.tokensPerSecond(), promptTime(prediction, request.settings.context), row.extra);
}

Result<std::string> contexts(const Planned &planned) {
  std::vector<uint64_t> tried(std::begin(kContexts), std::end(kContexts));
  uint64_t most = planned.weights.description.contextLength;
  std::erase_if(tried, [&](uint64_t context) { return context >= most; });
  tried.push_back(most);
  std::string table = head("context", "kv cache, expanded");
  for (uint64_t context : tried) {
    PlanRequest request = planned.request;
    PlanSettings &settings = request.settings;
    if (!request.promptTokensGiven)
      settings.promptTokens = std::min<uint64_t>(context, 32768);
    settings.context = context;
    settings.promptTokens = std::min(settings.promptTokens, context);
    settings.chunkTokens = std::min(settings.chunkTokens, settings.promptTokens);
    const ModelDescription &model = planned.weights.description;
    Checked latent = kvBytes(model, settings.kvNumberBytes, context, settings.sequences);
    Checked expanded = Checked(expandedKvBytes(model, settings.kvNumberBytes)) * context * settings.sequences;
    STRATA_ASSIGN(std::string line, rowOf({formatCount(context), fmt::format("{}, {}", formatBytes(latent.value()),
                                                                             formatBytes(expanded.value()))},
                                          planned.weights, planned.machine, request));
    table += line;
  }
  return table;
}

Result<std::string> machines(const Planned &planned) {
  std::vector<MachineDescription> tried;
  for (const char *preset : {"host", "v100s-32g", "ovh-ai1-1-gpu", "ovh-t2-45"}) {
    STRATA_ASSIGN(MachineDescription machine, loadMachine(preset));
    tried.push_back(std::move(machine));
  }
  bool known = std::any_of(tried.begin(), tried.end(),
                           [&](const MachineDescription &one) { return one.json == planned.machine.json; });
  if (!known)
    tried.insert(tried.begin(), planned.machine);
  std::string table = head("machine", "GPU memory, RAM");
  for (const MachineDescription &machine : tried) {
    std::string memory = fmt::format("{}, {}", machine.gpu ? formatBytes(machine.gpu->memoryBytes) : "no GPU",
                                     formatBytes(machine.ramBytes));
    STRATA_ASSIGN(std::string line,
                  rowOf({escapeName(machine.name).substr(0, 13), memory}, planned.weights, machine, planned.request));
    table += line;
  }
  return table;
}

Result<std::string> ramSizes(const Planned &planned) {
  std::string table = head("RAM", "");
  for (uint64_t gib : kRamGiB) {
    MachineDescription machine = planned.machine;
    machine.ramBytes = gib << 30;
    STRATA_ASSIGN(std::string line,
                  rowOf({formatBytes(machine.ramBytes), ""}, planned.weights, machine, planned.request));
    table += line;
  }
  return table;
}

Result<std::string> quantisations(const Planned &planned) {
  std::string table = head("quantisation", "size, perplexity");
  auto add = [&](std::string name, const ModelWeights &weights, std::string perplexity) -> Result<void> {
    STRATA_ASSIGN(std::string line,
                  rowOf({std::move(name), fmt::format("{}, {}", formatBytes(weights.total), perplexity)}, weights,
                        planned.machine, planned.request));
    table += line;
    return {};
  };
  STRATA_TRY(add("this file", planned.weights, "-"));
  for (Encoding encoding : comparedEncodings()) {
    std::string name(encodingInfo(encoding).name);
    auto tensors = requantise(planned.tensors, encoding);
    if (!tensors) {
      table += fmt::format("{:<14}rows of this model are no whole number of its blocks\n", name);
      continue;
    }
    STRATA_ASSIGN(ModelWeights weights, weighModel(*tensors, planned.weights.description));
    std::string_view published = publishedPerplexity(planned.weights.description, encoding);
    STRATA_TRY(add(name, weights, std::string(published.empty() ? "not published" : published)));
  }
  return table;
}

} // namespace

Result<std::string> formatWhatIf(const Planned &planned, std::string_view what) {
  if (what == "contexts")
    return contexts(planned);
  if (what == "machines")
    return machines(planned);
  if (what == "ram")
    return ramSizes(planned);
  return quantisations(planned);
}

} // namespace strata::planning
