// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Simulator/TimeModel.h"

#include "runtime/Simulator/Footprint.h"

#include <algorithm>
#include <cmath>

namespace strata::sim {

namespace {

constexpr uint32_t kLanes = 32;

uint32_t roundUp(uint32_t value, uint32_t unit) {
  return (value + unit - 1) / unit * unit;
}

double sectorBytes(uint64_t sectors) {
  return static_cast<double>(sectors * Footprint::kSectorBytes);
}

/// What one CTA takes of everything, on average, in cycles of a multiprocessor or of the whole GPU.
struct CtaCost {
  std::string name;
  double cycles = 0;
  bool wholeGpu = false; ///< Shared by all multiprocessors.
};

/// Bytes between HBM and L2. What rows of the grid share is read again for each of them if L2 does not hold what a row
/// reads: CTAs start in the order of the columns.
struct DramBytes {
  double read, written;
};
DramBytes dramBytes(const GpuFigures &gpu, const LaunchShape &shape, const Counts &counts) {
  double read = sectorBytes(counts.uniqueSectorsRead), again = sectorBytes(counts.rowSharedSectors);
  double rows = static_cast<double>(shape.grid[1]) * shape.grid[2];
  if (again > static_cast<double>(gpu.l2Bytes))
    read += again * (rows - 1);
  return {read, sectorBytes(counts.uniqueSectorsWritten)};
}

std::vector<CtaCost> ctaCosts(const GpuFigures &gpu, const LaunchShape &shape, const Counts &counts) {
  auto ctas = static_cast<double>(counts.ctas);
  auto classes = [&](std::span<const InstructionClass> wanted) {
    uint64_t sum = 0;
    for (InstructionClass instructionClass : wanted)
      sum += counts.warpByClass[static_cast<size_t>(instructionClass)];
    return static_cast<double>(sum);
  };
  std::vector<CtaCost> costs;
  DramBytes dram = dramBytes(gpu, shape, counts);
  double dramSeconds = (dram.read / gpu.dramReadShare + dram.written / gpu.dramWriteShare) / gpu.dramBytesPerSecond;
  costs.push_back({"HBM", dramSeconds * gpu.clock / ctas, true});
  costs.push_back({"L2", sectorBytes(counts.fetchedSectors + counts.storedSectors) / gpu.l2BytesPerCycle / ctas, true});
  double instructions = static_cast<double>(counts.warpInstructions) * gpu.instructionsPerPtx;
  costs.push_back({"issue slots", instructions / gpu.issuePerCycle / ctas});
  static constexpr InstructionClass kShuffles[] = {InstructionClass::warp};
  double passes = static_cast<double>(counts.globalLines + counts.sharedPasses) + classes(kShuffles);
  costs.push_back({"L1 and shared memory", passes / gpu.lsuPassesPerCycle / ctas});
  for (const Pipe &pipe : gpu.pipes)
    costs.push_back({pipe.name, classes(pipe.classes) / pipe.instructionsPerCycle / ctas});
  return costs;
}

/// The limits of a wave: `ctas` in all, so many on the multiprocessor that has most. The last one is the latency.
std::vector<double> waveCycles(const std::vector<CtaCost> &costs, double ctas, double onOne, double ctaCycles) {
  std::vector<double> cycles;
  for (const CtaCost &cost : costs)
    cycles.push_back(cost.cycles * (cost.wholeGpu ? ctas : onOne));
  cycles.push_back(ctaCycles);
  return cycles;
}

/// Limits that are near each other are felt together.
double softMaximum(const std::vector<double> &values, double exponent) {
  double largest = *std::max_element(values.begin(), values.end());
  if (largest <= 0)
    return 0;
  double sum = 0;
  for (double value : values)
    sum += std::pow(value / largest, exponent);
  return largest * std::pow(sum, 1 / exponent);
}

} // namespace

uint32_t residentCtas(const GpuFigures &gpu, const LaunchShape &shape) {
  uint32_t warps = (shape.threads + kLanes - 1) / kLanes;
  if (warps == 0 || shape.registers > gpu.registers || shape.sharedBytes > gpu.sharedBytes)
    return 0;
  uint32_t warpRegisters = roundUp(std::max(shape.registers, 1u), gpu.registerUnit) * kLanes;
  // Each scheduler has its own registers and warps.
  uint32_t warpsByRegisters = gpu.registers / gpu.warpUnit / warpRegisters * gpu.warpUnit;
  uint32_t resident = std::min({gpu.ctas, gpu.threads / (warps * kLanes), warpsByRegisters / warps});
  if (shape.sharedBytes > 0)
    resident = std::min(resident, gpu.sharedBytes / roundUp(static_cast<uint32_t>(shape.sharedBytes), gpu.sharedUnit));
  return resident;
}

ModelledTime modelTime(const GpuFigures &gpu, const LaunchShape &shape, const Counts &counts) {
  ModelledTime time;
  time.residentCtas = residentCtas(gpu, shape);
  if (counts.ctas == 0 || time.residentCtas == 0)
    return time;
  std::vector<CtaCost> costs = ctaCosts(gpu, shape, counts);
  auto ctas = static_cast<double>(counts.ctas);
  double wave = static_cast<double>(time.residentCtas) * gpu.multiprocessors;
  time.waves = ctas / wave;

  // Full waves, and then what is left, of which the longest CTA decides how long it takes.
  double fullWaves = std::ceil(time.waves) - 1, left = ctas - fullWaves * wave;
  double meanCycles = static_cast<double>(counts.ctaCycles) / ctas + gpu.ctaTurnaroundCycles;
  double longestCycles = static_cast<double>(counts.longestCtaCycles) + gpu.ctaTurnaroundCycles;
  std::vector<double> full = waveCycles(costs, wave, time.residentCtas, meanCycles);
  std::vector<double> last = waveCycles(costs, left, std::ceil(left / gpu.multiprocessors), longestCycles);
  double cycles = fullWaves * softMaximum(full, gpu.kneeExponent) + softMaximum(last, gpu.kneeExponent);
  time.seconds = gpu.startUpSeconds + cycles / gpu.clock;

  for (size_t i = 0; i < full.size(); ++i)
    time.limits.push_back({i < costs.size() ? costs[i].name : "latency", (fullWaves * full[i] + last[i]) / gpu.clock});
  time.limits.push_back({"start-up", gpu.startUpSeconds});
  time.bottleneck = std::max_element(time.limits.begin(), time.limits.end(), [](auto &a, auto &b) {
                      return a.seconds < b.seconds;
                    })->name;

  double resident = std::min<double>(time.residentCtas, std::ceil(ctas / gpu.multiprocessors));
  time.occupancy = resident * shape.threads / gpu.threads;
  double warps = static_cast<double>((shape.threads + kLanes - 1) / kLanes);
  if (counts.loadWaits)
    time.bytesInFlight =
        resident * warps * static_cast<double>(counts.bytesInFlight) / static_cast<double>(counts.loadWaits);
  DramBytes dram = dramBytes(gpu, shape, counts);
  time.dramBytes = dram.read + dram.written;
  time.dramShare = time.dramBytes / time.seconds / gpu.dramBytesPerSecond;
  return time;
}

} // namespace strata::sim
