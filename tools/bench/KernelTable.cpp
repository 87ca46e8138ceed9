// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/KernelTable.h"

#include "runtime/Simulator/Footprint.h"
#include "tools/bench/Calibration.h"

#include <fmt/format.h>
#include <iostream>

namespace strata::bench {

namespace {

double ratio(uint64_t count, uint64_t of) {
  return of ? static_cast<double>(count) / static_cast<double>(of) : 0;
}

/// A column of the table, and what stands in it.
struct Figure {
  Column column;
  Cell (*of)(const KernelTotal &total);
};

const Figure kTimes[] = {
    {{"launches", "launches"}, [](const KernelTotal &t) -> Cell { return t.launches; }},
    {{"modelled_us", "modelled us"}, [](const KernelTotal &t) -> Cell { return t.seconds * 1e6; }},
    {{"us_per_launch", "us/launch"},
     [](const KernelTotal &t) -> Cell { return t.seconds * 1e6 / static_cast<double>(t.launches); }},
    {{"bottleneck", "limited by"}, [](const KernelTotal &t) -> Cell { return t.longest.bottleneck; }},
    {{"hbm_percent", "HBM %"},
     [](const KernelTotal &t) -> Cell {
       if (t.seconds <= 0) // What fits no multiprocessor has no time.
         return {};
       return 100 * t.dramBytes / t.seconds / modelledGpu().dramBytesPerSecond;
     }},
    {{"tops", "TOPS"},
     [](const KernelTotal &t) -> Cell {
       if (t.macs == 0 || t.seconds <= 0)
         return {};
       return 2 * static_cast<double>(t.macs) / t.seconds * 1e-12;
     }},
    {{"hbm_bytes", ""}, [](const KernelTotal &t) -> Cell { return t.dramBytes; }},
    {{"waves", "waves", 2}, [](const KernelTotal &t) -> Cell { return t.longest.waves; }},
    {{"resident_ctas", ""}, [](const KernelTotal &t) -> Cell { return uint64_t(t.longest.residentCtas); }},
    {{"occupancy_percent", "occupancy %", 0}, [](const KernelTotal &t) -> Cell { return 100 * t.longest.occupancy; }},
    {{"bytes_in_flight_per_sm", "in flight/SM", 0},
     [](const KernelTotal &t) -> Cell { return t.longest.bytesInFlight; }},
};

const Figure kCounts[] = {
    {{"ctas", "CTAs"}, [](const KernelTotal &t) -> Cell { return t.counts.ctas; }},
    {{"executed_ctas", ""}, [](const KernelTotal &t) -> Cell { return t.counts.executedCtas; }},
    {{"cta_cycles", "cycles/CTA", 0},
     [](const KernelTotal &t) -> Cell { return ratio(t.counts.ctaCycles, t.counts.ctas); }},
    {{"warp_instructions", "warp instr"}, [](const KernelTotal &t) -> Cell { return t.counts.warpInstructions; }},
};

const Figure kMemory[] = {
    {{"global_requests", ""}, [](const KernelTotal &t) -> Cell { return t.counts.globalRequests; }},
    {{"sectors_per_request", "sectors/request"},
     [](const KernelTotal &t) -> Cell { return ratio(t.counts.globalSectors, t.counts.globalRequests); }},
    {{"global_bytes_read", ""}, [](const KernelTotal &t) -> Cell { return t.counts.globalBytesRead; }},
    {{"global_bytes_written", ""}, [](const KernelTotal &t) -> Cell { return t.counts.globalBytesWritten; }},
    {{"l1_lines", ""}, [](const KernelTotal &t) -> Cell { return t.counts.globalLines; }},
    {{"l2_bytes", ""},
     [](const KernelTotal &t) -> Cell {
       return (t.counts.fetchedSectors + t.counts.storedSectors) * sim::Footprint::kSectorBytes;
     }},
    {{"unique_bytes_read", ""},
     [](const KernelTotal &t) -> Cell { return t.counts.uniqueSectorsRead * sim::Footprint::kSectorBytes; }},
    {{"unique_bytes_written", ""},
     [](const KernelTotal &t) -> Cell { return t.counts.uniqueSectorsWritten * sim::Footprint::kSectorBytes; }},
    {{"shared_requests", ""}, [](const KernelTotal &t) -> Cell { return t.counts.sharedRequests; }},
    {{"shared_bytes", ""}, [](const KernelTotal &t) -> Cell { return t.counts.sharedBytes; }},
    {{"shared_passes_per_request", "bank passes"},
     [](const KernelTotal &t) -> Cell { return ratio(t.counts.sharedPasses, t.counts.sharedRequests); }},
    {{"barriers", ""}, [](const KernelTotal &t) -> Cell { return t.counts.barriers; }},
    {{"load_waits", ""}, [](const KernelTotal &t) -> Cell { return t.counts.loadWaits; }},
    {{"loads_in_flight", "loads in flight"},
     [](const KernelTotal &t) -> Cell { return ratio(t.counts.loadsInFlight, t.counts.loadWaits); }},
    {{"bytes_in_flight_per_wait", ""},
     [](const KernelTotal &t) -> Cell { return ratio(t.counts.bytesInFlight, t.counts.loadWaits); }},
};

/// md shows what people look at first; csv and json have everything.
std::vector<Column> kernelColumns() {
  std::vector<Column> columns = {{"program", "program"}, {"kernel", "kernel"}};
  auto add = [&](std::span<const Figure> figures) {
    for (const Figure &figure : figures)
      columns.push_back(figure.column);
  };
  add(kTimes);
  columns.push_back({"calibration_error_percent", ""});
  add(kCounts);
  for (size_t i = 0; i < sim::kInstructionClasses; ++i)
    columns.push_back({"warp_" + sim::instructionClassKey(static_cast<sim::InstructionClass>(i)), ""});
  add(kMemory);
  return columns;
}

} // namespace

const sim::GpuFigures &modelledGpu() {
  return sim::v100s();
}

void KernelTotal::add(const sim::LaunchShape &shape, const sim::Counts &launch) {
  sim::ModelledTime time = sim::modelTime(modelledGpu(), shape, launch);
  ++launches;
  counts += launch;
  seconds += time.seconds;
  dramBytes += time.dramBytes;
  if (time.seconds > longest.seconds)
    longest = std::move(time);
}

KernelTable::KernelTable(RunInfo run, const Result<Nvrtc> &nvrtc) : table(std::move(run), kernelColumns()) {
  auto rows = nvrtc.and_then([](const Nvrtc &opened) { return calibrate(opened); });
  if (!rows) {
    std::cerr << "strata-bench: note: the model of times is not calibrated here: " << rows.error().message << "\n";
    return;
  }
  table.addNote(fmt::format("times are modelled for a {}; {}", modelledGpu().name, describeCalibration(*rows)));
  calibrationError = 100 * largestError(*rows);
}

void KernelTable::add(const std::string &program, const std::string &kernel, const KernelTotal &total) {
  std::vector<Cell> row = {program, kernel};
  auto addFigures = [&](std::span<const Figure> figures) {
    for (const Figure &figure : figures)
      row.push_back(figure.of(total));
  };
  addFigures(kTimes);
  row.push_back(calibrationError);
  addFigures(kCounts);
  for (uint64_t instructions : total.counts.warpByClass)
    row.emplace_back(instructions);
  addFigures(kMemory);
  table.add(std::move(row));
}

} // namespace strata::bench
