// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/plan/PlanTool.h"

#include "compiler/Placement/Explain.h"
#include "runtime/Base/Size.h"
#include "tools/CommandLine.h"
#include "tools/DescribeModel.h"
#include "tools/plan/Routing.h"

#include <fmt/format.h>

namespace strata::planning {

static constexpr std::string_view kTool = "strata-plan";

static void remark(std::string_view kind, const std::vector<std::string> &sentences) {
  for (const std::string &sentence : sentences)
    fmt::print(stderr, "{}: {}: {}\n", kTool, kind, sentence);
}

/// The machine with the budgets that the options give.
Result<MachineDescription> budgetedMachine(const std::string &name, std::optional<uint64_t> ram,
                                           std::optional<uint64_t> gpuMemory) {
  STRATA_ASSIGN(MachineDescription machine, loadMachine(name));
  if (ram)
    machine.ramBytes = *ram;
  if (!gpuMemory)
    return machine;
  if (!machine.gpu)
    return fail(ExitCode::CommandLine, "",
                fmt::format("--gpu-memory is given and machine {} has no GPU; choose one of {}, or a file",
                            escapeName(machine.name), machinePresets()));
  if (*gpuMemory <= machine.gpu->reservedBytes)
    return fail(ExitCode::Machine, "",
                fmt::format("--gpu-memory={}B is not more than the {} that the driver takes", *gpuMemory,
                            formatBytes(machine.gpu->reservedBytes)));
  machine.gpu->memoryBytes = *gpuMemory;
  return machine;
}

static Result<Planned> prepare(const Options &options) {
  Planned planned;
  STRATA_ASSIGN(planned.machine, budgetedMachine(options.machine, options.ram, options.gpuMemory));
  STRATA_ASSIGN(gguf::Model model, gguf::Model::open(options.model, {.headerOnly = options.headerOnly}));
  STRATA_ASSIGN(ModelDescription description, describeAndReport(kTool, model, {options.expertGroups}));
  STRATA_ASSIGN(planned.request.settings, completeSettings(options.settings, description));
  planned.request.promptTokensGiven = options.settings.promptTokens.has_value();
  planned.request.gpuHeadRoom = options.gpuHeadRoom;
  planned.request.ramHeadRoom = options.ramHeadRoom;
  STRATA_ASSIGN(planned.weights, weighModel(model, description));
  RoutingShape shape = routingShape(model, description);
  if (!options.traces.empty()) {
    STRATA_TRY(useRouting(planned.request, options.traces, shape));
  }
  planned.request.cachePolicy = options.cachePolicy;
  if (!options.replay.empty()) {
    STRATA_ASSIGN(planned.replayed, loadTrace(options.replay, shape));
  }
  planned.tensors = model.tensors();
  remark("warning", model.warnings());
  remark("note", description.defaults);
  remark("note", description.notes);
  return planned;
}

Result<void> makeAndPredict(Planned &planned) {
  STRATA_ASSIGN(planned.plan, makePlan(planned.weights, planned.machine, planned.request));
  if (planned.plan.shortfall) {
    STRATA_ASSIGN(planned.fitting, adviseFitting(planned.weights, planned.machine, planned.request));
    return {};
  }
  planned.prediction = predict(planned.plan, planned.weights, planned.machine);
  if (!planned.request.usage.empty()) {
    PlanRequest without = planned.request;
    without.usage.clear();
    without.trace = nullptr;
    without.cachePolicy = CachePolicyKind::Lru;
    STRATA_ASSIGN(Plan plan, makePlan(planned.weights, planned.machine, without));
    planned.usageGain = gainOfUsage(plan, planned.weights, planned.machine, planned.request.usage);
  }
  STRATA_ASSIGN(planned.faster, adviseFaster(planned.weights, planned.machine, planned.request));
  return {};
}

/// What a plan that does not fit ends with.
tl::unexpected<Error> shortfallError(const Planned &planned) {
  const Shortfall &shortfall = *planned.plan.shortfall;
  std::string remedies;
  for (const std::string &one : planned.fitting)
    remedies += (remedies.empty() ? "" : ", or ") + one;
  return fail(ExitCode::Machine, "",
              fmt::format("the plan does not fit: {} is short by {} B for {}; what would do: {}",
                          tierName(shortfall.tier), shortfall.bytes, shortfall.why, remedies));
}

Result<ExitCode> planModel(const Options &options) {
  STRATA_ASSIGN(Planned planned, prepare(options));
  STRATA_TRY(makeAndPredict(planned));
  if (planned.replayed) {
    STRATA_ASSIGN(std::string table, formatReplay(planned, *planned.replayed));
    fmt::print("{}", table);
    return ExitCode::Done;
  }
  if (!options.whatIf.empty()) {
    STRATA_ASSIGN(std::string table, formatWhatIf(planned, options.whatIf));
    fmt::print("{}", table);
    return ExitCode::Done;
  }
  if (!options.explained.empty()) {
    STRATA_ASSIGN(std::string text, explain(planned.plan, planned.weights, options.explained));
    fmt::print("{}", text);
    return ExitCode::Done;
  }
  fmt::print("{}", options.json ? formatJson(planned) : formatReport(planned, options.commandLine));
  if (planned.plan.shortfall)
    return shortfallError(planned);
  return ExitCode::Done;
}

} // namespace strata::planning
