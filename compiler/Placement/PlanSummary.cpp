// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Placement/PlanSummary.h"

#include "compiler/Support/FormatCount.h"
#include "runtime/Base/Size.h"

#include <fmt/format.h>

namespace strata {

Result<RamNeed> ramNeed(const ModelDescription &description, const PlanSettings &settings, uint64_t weightsArenaBytes,
                        const std::vector<ArenaNeed> &arenas) {
  Checked kv = kvBytes(description, settings.kvNumberBytes, settings.context, settings.sequences);
  Checked arenaBytes;
  for (const ArenaNeed &arena : arenas)
    arenaBytes += arena.bytes;
  Checked total = Checked(weightsArenaBytes) + kv + arenaBytes;
  if (!total.valid())
    return fail(ExitCode::CommandLine, "",
                fmt::format("--context={} with --sequences={} needs more than 2^64 bytes; choose smaller ones",
                            settings.context, settings.sequences));
  return RamNeed{weightsArenaBytes, kv.value(), arenaBytes.value(), total.value()};
}

namespace {

/// The memory that all of a plan is in: the GPU's, if the machine has one.
struct Home {
  std::string_view tier;   ///< "ram"
  std::string_view memory; ///< "RAM"
  uint64_t bytes;          ///< 0: not known.
};

} // namespace

static Home homeOf(const MachineDescription &machine) {
  if (machine.gpu)
    return {"gpu", "GPU memory", machine.gpu->memoryBytes};
  return {"ram", "RAM", machine.ramBytes};
}

uint64_t shortfall(const RamNeed &need, const MachineDescription &machine) {
  uint64_t there = homeOf(machine).bytes;
  return there == 0 || need.total <= there ? 0 : need.total - there;
}

static double percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

/// "2 sequences".
static std::string plural(uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", formatCount(count), noun, count == 1 ? "" : "s");
}

/// ", 45.2 % of its RAM"; nothing if that is not known.
static std::string share(uint64_t bytes, const MachineDescription &machine) {
  Home home = homeOf(machine);
  return home.bytes == 0 ? "" : fmt::format(", {:.1f} % of its {}", percent(bytes, home.bytes), home.memory);
}

static std::string formatModel(const ModelDescription &description) {
  auto [groups, used] = description.expertGroups;
  std::string grouping = groups == 1 ? "" : fmt::format(" in {} of {} groups", used, groups);
  return fmt::format("model      {}: {} layers, {} of them dense; {} experts per layer, {} used{}, {} shared",
                     escapeName(description.name.empty() ? description.architecture : description.name),
                     description.layers, description.denseLayers, description.experts, description.expertsUsed,
                     grouping, description.sharedExperts);
}

static std::string formatMachine(const MachineDescription &machine) {
  std::string line = fmt::format("machine    {}: {}, {} RAM", escapeName(machine.name), plural(machine.cores, "core"),
                                 machine.ramBytes == 0 ? "unknown" : formatBytes(machine.ramBytes));
  if (machine.gpu)
    line += fmt::format(", GPU {} with {}", escapeName(machine.gpu->arch), formatBytes(machine.gpu->memoryBytes));
  return line;
}

static std::string formatClasses(const Inventory &inventory) {
  std::string line = "          ";
  for (size_t i = 0; i < kTensorClasses; ++i) {
    const ClassTotals &totals = inventory.classes[i];
    if (totals.tensors != 0)
      line += fmt::format("{} {} {} ({:.2f} %)", i == 0 ? "" : ",", tensorClassName(static_cast<TensorClass>(i)),
                          formatBytes(totals.bytes), percent(totals.bytes, inventory.total.bytes));
  }
  return line;
}

static std::string formatArenas(const std::vector<ArenaNeed> &arenas, const MachineDescription &machine,
                                const RamNeed &need) {
  std::string line = "arenas    ";
  for (const ArenaNeed &arena : arenas)
    line += fmt::format(" {} {} ({:.1f} % waste),", arena.name, formatBytes(arena.bytes),
                        percent(arena.bytes - arena.liveBytes, arena.bytes));
  return line + fmt::format(" together {}{}", formatBytes(need.arenas), share(need.arenas, machine));
}

static std::string formatVerdict(const MachineDescription &machine, const RamNeed &need) {
  std::string line = fmt::format("{:<10} needs {} B ({}){}", homeOf(machine).tier, formatCount(need.total),
                                 formatBytes(need.total), share(need.total, machine));
  if (homeOf(machine).bytes == 0)
    return line + "; the machine's memory is not known";
  if (uint64_t missing = shortfall(need, machine))
    return line + fmt::format(": short by {} B ({}), loading on this machine will be refused", formatCount(missing),
                              formatBytes(missing));
  return line + ": fits";
}

std::string formatPlanSummary(const ModelDescription &description, const MachineDescription &machine,
                              const PlanSettings &settings, const Inventory &inventory, const RamNeed &need,
                              const std::vector<ArenaNeed> &arenas) {
  std::string lines[] = {
      formatModel(description),
      formatMachine(machine),
      fmt::format("settings   context {}, {}, prompts of {} tokens, chunks of {}, KV {}", formatCount(settings.context),
                  plural(settings.sequences, "sequence"), formatCount(settings.promptTokens),
                  formatCount(settings.chunkTokens), settings.kvNumberBytes == 2 ? "f16" : "f32"),
      fmt::format("weights    {} B ({}) in {}, tier {}{}", formatCount(inventory.total.bytes),
                  formatBytes(inventory.total.bytes), plural(inventory.total.tensors, "tensor"), homeOf(machine).tier,
                  share(inventory.total.bytes, machine)),
      formatClasses(inventory),
      fmt::format("experts    {} of {} B ({})", formatCount(inventory.routedExperts),
                  formatCount(inventory.expertBytes), formatBytes(inventory.expertBytes)),
      fmt::format("kv         {} B per position, {}, tier {}{}",
                  formatCount(kvBytesPerPosition(description, settings.kvNumberBytes)), formatBytes(need.kv),
                  homeOf(machine).tier, share(need.kv, machine)),
      formatArenas(arenas, machine, need),
      fmt::format("per token  {} B ({}) of weights, {} B of them not routed", formatCount(inventory.bytesPerToken),
                  formatBytes(inventory.bytesPerToken),
                  formatCount(inventory.bytesPerToken - inventory.routedBytesPerToken)),
      formatVerdict(machine, need),
  };
  std::string text;
  for (const std::string &line : lines)
    text += line + "\n";
  return text;
}

} // namespace strata
