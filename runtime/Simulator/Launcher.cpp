// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Base/Checked.h"
#include "runtime/Simulator/Sample.h"
#include "runtime/Simulator/Simulator.h"
#include "runtime/Simulator/Warp.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>
#include <numeric>

namespace strata::sim {

namespace {

/// sm_70: threads of a CTA, shared memory of one, with the opt-in.
constexpr uint64_t kMostThreads = 1024;
constexpr uint64_t kMostSharedBytes = 96 * 1024;

/// A small generator of our own, so that a seed means the same everywhere.
class Shuffler {
public:
  explicit Shuffler(uint64_t seed) : state(seed) {}
  uint64_t next() { // SplitMix64, Steele et al., "Fast Splittable Pseudorandom Number Generators".
    uint64_t z = (state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  template <typename T> void shuffle(std::vector<T> &values) {
    for (size_t i = values.size(); i > 1; --i)
      std::swap(values[i - 1], values[next() % i]);
  }

private:
  uint64_t state;
};

std::string threadName(const CtaPlace &place, uint32_t thread) {
  uint32_t x = thread % place.block[0], y = thread / place.block[0] % place.block[1],
           z = thread / place.block[0] / place.block[1];
  return fmt::format("thread ({}, {}, {}) of CTA ({}, {}, {})", x, y, z, place.cta[0], place.cta[1], place.cta[2]);
}

/// The sentence of a fault, after "KERNEL, PTX line N, OPCODE: thread … ".
std::string faultSentence(const Fault &fault, const CtaPlace &place) {
  switch (fault.kind) {
  case Fault::Kind::unallocated:
    return fmt::format("accesses {} bytes at {:#x}, which no allocation holds", fault.bytes, fault.address);
  case Fault::Kind::outOfShared:
    return fmt::format("accesses {} bytes of shared memory at {}, beyond its end", fault.bytes, fault.address);
  case Fault::Kind::outOfLocal:
    return fmt::format("accesses {} bytes of local memory at {}, beyond its end", fault.bytes, fault.address);
  case Fault::Kind::misaligned:
    return fmt::format("accesses {} bytes at {:#x}, which is no multiple of that", fault.bytes, fault.address);
  case Fault::Kind::readOnly:
    return fmt::format("writes to {:#x}, which is read only", fault.address);
  case Fault::Kind::unwrittenGlobal:
    return fmt::format("reads {} bytes at {:#x} that nothing has written", fault.bytes, fault.address);
  case Fault::Kind::unwrittenShared:
    return fmt::format("reads {} bytes of shared memory at {} that nothing has written", fault.bytes, fault.address);
  case Fault::Kind::race:
    return fmt::format("and {} touch shared memory at {}, one of them to write, without a barrier between them",
                       threadName(place, fault.other), fault.address);
  case Fault::Kind::inactiveSource:
    return fmt::format("shuffles from lane {}, which does not take part", fault.other);
  case Fault::Kind::wrongMask:
    return fmt::format("is there with the lanes {:#010x}, but its member mask is {:#010x}", fault.address, fault.other);
  case Fault::Kind::divergent:
    return "is not there: all lanes of the warp must be";
  case Fault::Kind::trap:
    return "met a trap";
  case Fault::Kind::none:
    break;
  }
  return "reads a register that nothing has written";
}

} // namespace

struct Launcher::Scratch {
  const Program *program = nullptr;
  std::vector<std::unique_ptr<Warp>> warps;
  SharedMemory shared;
  Footprint footprint;
  std::vector<std::byte> parameters;
};

Launcher::Launcher(GlobalMemory &globalMemory) : memory(globalMemory), scratch(std::make_unique<Scratch>()) {}
Launcher::~Launcher() = default;

namespace {

/// One grid.
class Grid {
public:
  Grid(const Program &decoded, const LaunchOptions &launchOptions, std::vector<std::unique_ptr<Warp>> &ctaWarps,
       SharedMemory &sharedMemory, Footprint &launchFootprint)
      : program(decoded), options(launchOptions), warps(ctaWarps), shared(sharedMemory), footprint(launchFootprint),
        shuffler(launchOptions.seed), instructionsLeft(launchOptions.mostWarpInstructions) {}

  Result<Counts> run(GlobalMemory &memory, const std::byte *parameters) {
    for (auto &warp : warps) {
      warp->state.global = &memory;
      warp->state.shared = &shared;
      warp->state.parameters = parameters;
      warp->state.checks = options.checks;
      warp->state.checks.shuffleOrder = options.seed != 0;
      warp->state.counts = &counts;
      warp->state.footprint = &footprint;
      std::fill(warp->issued.begin(), warp->issued.end(), 0);
      std::fill(warp->lanes.begin(), warp->lanes.end(), 0);
    }
    footprint.start();
    Sample sample = sampleOf(options.grid, options.sampledCtas);
    counts.ctas = uint64_t(options.grid[0]) * options.grid[1] * options.grid[2];
    counts.executedCtas = sample.ctas.size();
    if (options.seed && counts.executedCtas == counts.ctas)
      shuffler.shuffle(sample.ctas);
    for (const SampledCta &cta : sample.ctas) {
      footprint.startCta(cta.group, cta.row, cta.leads);
      STRATA_TRY(runCta(cta.number));
      if (options.checks.count && !cta.leads)
        addCycles();
    }
    addInstructions();
    estimateAll(sample);
    return counts;
  }

private:
  Result<void> runCta(uint64_t number) {
    place.block = options.block;
    place.grid = options.grid;
    place.cta = {static_cast<uint32_t>(number % options.grid[0]),
                 static_cast<uint32_t>(number / options.grid[0] % options.grid[1]),
                 static_cast<uint32_t>(number / options.grid[0] / options.grid[1])};
    place.number = static_cast<uint32_t>(number);
    place.dynamicSharedBytes = options.dynamicSharedBytes;
    shared.reset(program.sharedBytes + options.dynamicSharedBytes);
    std::vector<uint32_t> order(warps.size());
    std::iota(order.begin(), order.end(), 0u);
    if (options.seed)
      shuffler.shuffle(order);
    for (uint32_t warp : order)
      warps[warp]->start(place, warp, options.seed ? shuffler.next() : 0);
    while (true) {
      for (uint32_t warp : order)
        if (warps[warp]->run(instructionsLeft) == Warp::Status::failed)
          return describe(*warps[warp]);
      if (std::all_of(warps.begin(), warps.end(), [](auto &warp) { return warp->current() == Warp::Status::done; }))
        return {};
      STRATA_TRY(releaseBarrier());
    }
  }

  /// All warps are done or wait: opens a barrier that enough threads have reached.
  Result<void> releaseBarrier() {
    for (uint32_t barrier = 0; barrier < 16; ++barrier) {
      uint64_t here = 0, wanted = 0, warpsLeft = 0;
      for (auto &warp : warps) {
        warpsLeft += warp->current() != Warp::Status::done;
        if (warp->current() != Warp::Status::atBarrier || warp->barrier().option != barrier)
          continue;
        ++here;
        wanted = static_cast<uint64_t>(warp->barrier().immediate) / 32;
      }
      if (here == 0 || here != (wanted ? wanted : warpsLeft))
        continue;
      auto isHere = [&](auto &warp) {
        return warp->current() == Warp::Status::atBarrier && warp->barrier().option == barrier;
      };
      uint64_t cycle = 0;
      for (auto &warp : warps)
        if (isHere(warp))
          cycle = std::max(cycle, warp->cycles() + voltaLatencies().barrier);
      for (auto &warp : warps)
        if (isHere(warp))
          warp->passBarrier(cycle);
      return {};
    }
    auto waiting =
        std::find_if(warps.begin(), warps.end(), [](auto &warp) { return warp->current() == Warp::Status::atBarrier; });
    return fail(ExitCode::Bug, "",
                fmt::format("kernel {}, PTX line {}: warps wait at barriers that the others never reach",
                            program.kernel, (*waiting)->barrier().line));
  }

  tl::unexpected<Error> describe(const Warp &warp) const {
    const Fault &fault = warp.state.fault;
    uint32_t at = warp.faultAt();
    std::string where =
        fmt::format("kernel {}, PTX line {}, {}", program.kernel, program.instructions[at].line, program.opcodes[at]);
    if (fault.kind == Fault::Kind::none && !warp.readsUnwritten())
      return fail(ExitCode::Bug, "",
                  fmt::format("{}: after {} instructions it has not ended", where, options.mostWarpInstructions));
    return fail(ExitCode::Bug, "",
                fmt::format("{}: {} {}", where, threadName(place, warp.state.firstThread + fault.lane),
                            faultSentence(fault, place)));
  }

  /// The first CTA finds what all of them share further away than the others do: its cycles stand for it alone, if at
  /// all.
  void addCycles() {
    uint64_t cycles = 0;
    for (const auto &warp : warps)
      cycles = std::max(cycles, warp->cycles());
    if (timedCtas == 1 && counts.executedCtas > 1)
      counts.ctaCycles = counts.longestCtaCycles = timedCtas = 0;
    ++timedCtas;
    counts.ctaCycles += cycles;
    counts.longestCtaCycles = std::max(counts.longestCtaCycles, cycles);
  }

  /// Of the whole grid, from the CTAs that were executed.
  void estimateAll(const Sample &sample) {
    auto times = [](uint64_t all, uint64_t some) { return static_cast<double>(all) / static_cast<double>(some); };
    Footprint::Sectors unique = footprint.total(sample.columnsOfOne, sample.rowsOfOne);
    counts.uniqueSectorsRead = unique.read;
    counts.uniqueSectorsWritten = unique.written;
    counts.rowSharedSectors = unique.rowShared;
    uint64_t cycles = counts.ctaCycles;
    if (counts.executedCtas != counts.ctas)
      counts.scale(times(counts.ctas, counts.executedCtas));
    if (timedCtas)
      counts.ctaCycles = static_cast<uint64_t>(static_cast<double>(cycles) * times(counts.ctas, timedCtas));
  }

  void addInstructions() {
    for (const auto &warp : warps)
      for (size_t i = 0; i < program.instructions.size(); ++i) {
        counts.warpInstructions += warp->issued[i];
        counts.threadInstructions += warp->lanes[i];
        counts.warpByClass[static_cast<size_t>(program.instructions[i].counted)] += warp->issued[i];
      }
  }

  const Program &program;
  const LaunchOptions &options;
  std::vector<std::unique_ptr<Warp>> &warps;
  SharedMemory &shared;
  Footprint &footprint;
  Shuffler shuffler;
  uint64_t timedCtas = 0;
  uint64_t instructionsLeft;
  CtaPlace place;
  Counts counts;
};

Result<void> checkLaunch(const Program &program, const LaunchOptions &options) {
  auto refuse = [&](std::string_view sentence) {
    return fail(ExitCode::Input, "", fmt::format("kernel {}: {}", program.kernel, sentence));
  };
  Checked threads = 1, ctas = 1, shared = Checked(program.sharedBytes) + options.dynamicSharedBytes, allowed = 1;
  for (size_t axis = 0; axis < 3; ++axis) {
    threads *= options.block[axis];
    ctas *= options.grid[axis];
    allowed *= program.maximumThreads[axis];
  }
  if (!threads.atMost(kMostThreads) || threads.value() == 0)
    return refuse(fmt::format("a CTA has 1 to {} threads, and not {}", kMostThreads, threads.value()));
  if (allowed.value() != 0 && !threads.atMost(allowed))
    return refuse(
        fmt::format("it was compiled for CTAs of at most {} threads, and not {}", allowed.value(), threads.value()));
  if (!ctas.atMost(uint64_t(1) << 40) || ctas.value() == 0 || options.grid[1] > 65535 || options.grid[2] > 65535)
    return refuse("its grid is empty or larger than a grid can be");
  if (!shared.atMost(kMostSharedBytes))
    return refuse(
        fmt::format("its {} bytes of shared memory are more than the {} of a CTA", shared.value(), kMostSharedBytes));
  return {};
}

Result<std::vector<std::byte>> packParameters(const Program &program, const Arguments &arguments) {
  const auto &values = arguments.all();
  auto refuse = [&](std::string sentence) {
    return fail(ExitCode::Input, "", fmt::format("kernel {}: {}", program.kernel, sentence));
  };
  if (values.size() != program.parameters.size())
    return refuse(fmt::format("it has {} parameters, and {} are given", program.parameters.size(), values.size()));
  std::vector<std::byte> bytes(program.parameterBytes);
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i].size() != program.parameters[i].bytes)
      return refuse(
          fmt::format("its parameter {} has {} bytes, and not {}", i, program.parameters[i].bytes, values[i].size()));
    std::copy(values[i].begin(), values[i].end(),
              bytes.begin() + static_cast<std::ptrdiff_t>(program.parameterOffsets[i]));
  }
  return bytes;
}

} // namespace

Result<Counts> Launcher::launch(const Program &program, const LaunchOptions &options, const Arguments &arguments) {
  STRATA_TRY(checkLaunch(program, options));
  STRATA_ASSIGN(scratch->parameters, packParameters(program, arguments));
  size_t warpCount = (size_t(options.block[0]) * options.block[1] * options.block[2] + 31) / 32;
  if (scratch->program != &program)
    scratch->warps.clear();
  scratch->program = &program;
  while (scratch->warps.size() < warpCount)
    scratch->warps.push_back(std::make_unique<Warp>(program));
  scratch->warps.resize(warpCount);
  Grid grid(program, options, scratch->warps, scratch->shared, scratch->footprint);
  return grid.run(memory, scratch->parameters.data());
}

} // namespace strata::sim
