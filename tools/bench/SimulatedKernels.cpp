// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/SimulatedKernels.h"

#include "runtime/Artifact/LocateModel.h"
#include "runtime/Device/Sim/SimDevice.h"
#include "runtime/Exec/Session.h"

#include <fmt/format.h>
#include <iostream>
#include <map>

namespace strata::bench {

namespace {

enum class Part : uint8_t { load, prompt, decode };
constexpr const char *kPartNames[] = {"load", "prompt", "decode"};

struct KernelTotal {
  uint64_t launches = 0;
  uint64_t ctas = 0;
  sim::Counts counts;
};

/// Adds up launches by the part of the run that they belong to, and kernel.
class Collector {
public:
  Part part = Part::load;
  std::map<std::pair<Part, uint32_t>, KernelTotal> totals;

  void add(const SimLaunch &launch) {
    KernelTotal &total = totals[{part, launch.kernel}];
    ++total.launches;
    total.ctas += uint64_t(launch.grid[0]) * launch.grid[1] * launch.grid[2];
    total.counts += launch.counts;
  }
};

/// Any tokens will do: the same ones for every run.
std::vector<int32_t> promptOf(uint32_t tokens, uint32_t vocabulary) {
  std::vector<int32_t> prompt(tokens);
  for (uint64_t i = 0; i < tokens; ++i)
    prompt[i] = static_cast<int32_t>(i * 7919 % vocabulary);
  return prompt;
}

Result<void> runBoth(Session &session, uint32_t tokens, Collector &collector) {
  STRATA_ASSIGN(SequenceId sequence, session.openSequence());
  collector.part = Part::prompt;
  std::vector<int32_t> prompt = promptOf(tokens, session.vocabulary());
  STRATA_ASSIGN(PromptStep step, session.startPrompt(sequence, prompt, WantedRows::last, nullptr));
  for (bool over = false; !over;) {
    STRATA_ASSIGN(over, step.advance());
  }
  collector.part = Part::decode;
  DecodeRow row = {sequence, prompt[0]};
  return session.decode(std::span(&row, 1));
}

double ratio(uint64_t count, uint64_t of) {
  return of ? static_cast<double>(count) / static_cast<double>(of) : 0;
}

/// The figures of a launch on average follow from these sums; md shows the ratios that people look at.
std::vector<Column> kernelColumns() {
  std::vector<Column> columns = {{"program", "program"},
                                 {"kernel", "kernel"},
                                 {"launches", "launches"},
                                 {"ctas", "CTAs"},
                                 {"warp_instructions", "warp instr"}};
  for (size_t i = 0; i < sim::kInstructionClasses; ++i)
    columns.push_back({fmt::format("warp_{}", sim::instructionClassKey(static_cast<sim::InstructionClass>(i))), ""});
  for (Column column : std::vector<Column>{{"global_requests", ""},
                                           {"sectors_per_request", "sectors/request"},
                                           {"global_bytes_read", ""},
                                           {"global_bytes_written", ""},
                                           {"global_sector_bytes", "sector bytes"},
                                           {"shared_requests", ""},
                                           {"shared_bytes", "shared bytes"},
                                           {"shared_passes_per_request", "bank passes", 2},
                                           {"load_waits", "load waits"},
                                           {"bytes_in_flight_per_wait", "bytes in flight"}})
    columns.push_back(std::move(column));
  return columns;
}

std::vector<Cell> kernelRow(Part part, const std::string &kernel, const KernelTotal &total) {
  const sim::Counts &counts = total.counts;
  std::vector<Cell> row = {kPartNames[static_cast<size_t>(part)], kernel, total.launches, total.ctas,
                           counts.warpInstructions};
  for (uint64_t instructions : counts.warpByClass)
    row.emplace_back(instructions);
  for (Cell cell :
       std::vector<Cell>{counts.globalRequests, ratio(counts.globalSectors, counts.globalRequests),
                         counts.globalBytesRead, counts.globalBytesWritten, counts.globalSectors * 32,
                         counts.sharedRequests, counts.sharedBytes, ratio(counts.sharedPasses, counts.sharedRequests),
                         counts.loadWaits, ratio(counts.bytesInFlight, counts.loadWaits)})
    row.push_back(std::move(cell));
  return row;
}

} // namespace

Result<ExitCode> benchSimulatedKernels(const Options &options) {
  STRATA_ASSIGN(LoadedArtifact artifact, LoadedArtifact::load(options.model));
  STRATA_ASSIGN(LocatedModel located,
                locateModel(artifact, options.weights.empty() ? std::nullopt : std::optional(options.weights)));
  Collector collector;
  SimDeviceOptions deviceOptions;
  deviceOptions.checks.count = true;
  deviceOptions.observer = [&](const SimLaunch &launch) { collector.add(launch); };
  STRATA_ASSIGN(std::unique_ptr<Device> device, SimDevice::create(artifact.root(), deviceOptions));
  STRATA_ASSIGN(std::unique_ptr<Session> session,
                Session::create(std::move(artifact), located, std::move(device), SessionOptions()));
  STRATA_TRY(runBoth(*session, options.tokens, collector));

  const schema::Artifact &root = session->artifact().root();
  Table table({buildCommit(), escapeName(root.machine()->name()->string_view()),
               escapeName(root.model()->files()->Get(0)->name()->string_view()), "sim"},
              kernelColumns());
  for (const auto &[key, total] : collector.totals)
    table.add(kernelRow(key.first, escapeName(root.kernels()->Get(key.second)->name()->string_view()), total));
  std::cout << table.format(options.output);
  return ExitCode::Done;
}

} // namespace strata::bench
