// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/probe/Probe.h"

#include "compiler/Support/AtomicFile.h"
#include "runtime/Base/HostLimits.h"
#include "runtime/Base/Size.h"
#include "tools/probe/GpuProbe.h"
#include "tools/probe/MemoryProbe.h"
#include "tools/probe/ReadProbe.h"
#include "tools/probe/SystemProbe.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace strata::probe {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr uint64_t kKiB = 1024, kMiB = 1024 * kKiB, kGiB = 1024 * kMiB;
constexpr ReadRequest kReads[] = {{128 * kKiB, 1}, {128 * kKiB, 16}, {kMiB, 1},     {kMiB, 4},     {kMiB, 16},
                                  {8 * kMiB, 1},   {8 * kMiB, 4},    {8 * kMiB, 8}, {8 * kMiB, 16}};
constexpr ReadRequest kBuffered = {8 * kMiB, 8};
constexpr ReadRequest kLatency = {4 * kKiB, 1};
/// All reads together take eleven of these, and writing the file at most kWriteTime: with the memory's part, less than
/// a minute.
constexpr std::chrono::duration<double> kReadTime = 600ms;
constexpr auto kWriteTime = 25s;
constexpr uint32_t kMemoryRounds = 64;

class Probe {
public:
  explicit Probe(const Options &commandLine) : options(commandLine) {}
  Result<ExitCode> run();

private:
  template <typename... Args> void say(fmt::format_string<Args...> form, Args &&...args) {
    // The machine file may go to stdout.
    fmt::print(options.output.empty() ? stderr : stdout, "{}\n", fmt::format(form, std::forward<Args>(args)...));
  }
  Result<void> host();
  void gpu();
  Result<void> disk();
  void directReads(const ProbeFile &file);
  void bufferedReads(const ProbeFile &file);
  void system();
  Result<void> write();

  const Options &options;
  MachineDescription machine;
};

Result<void> Probe::host() {
  HostLimits limits = hostLimits();
  STRATA_ASSIGN(machine, loadMachine("host"));
  machine.name = "probed";
  if (machine.ramBytes == 0)
    return fail(ExitCode::Machine, "",
                "the system does not say how much memory there is; write the machine file by hand");
  say("cores      {}", limits.cores);
  say("ram        {}, of which {} are free now", formatBytes(limits.ramBytes), formatBytes(limits.availableBytes));
  // Larger than any cache, and little enough to leave others alone.
  uint64_t bytes = std::min(kGiB, limits.availableBytes / 4);
  Figure bandwidth = measureMemory(bytes, limits.cores, kMemoryRounds);
  if (bandwidth.value > 0)
    machine.host.memoryBandwidth = bandwidth;
  say("memory     {:.1f} GB/s {}", machine.host.memoryBandwidth.value / 1e9,
      bandwidth.value > 0 ? fmt::format("read by {} threads", limits.cores)
                          : "ASSUMED: there is no memory to measure it");
  say("products   not measured: {:.2f} TOPS are assumed, attention {:.2f}; strata-bench --kernels --device=host "
      "--machine-file=FILE measures them",
      machine.host.productRate.value / 1e12, machine.host.attentionRate.value / 1e12);
  return {};
}

/// A machine without a GPU, or with one that cannot be measured, is described without it.
void Probe::gpu() {
  Result<GpuFindings> found = measureGpu();
  if (!found) {
    machine.system["gpu"] = found.error().message + ": GPU not measured";
    say("gpu        {}", machine.system["gpu"]);
    return;
  }
  machine.gpu = found->gpu;
  std::string others = found->others == 0 ? "" : fmt::format(", the first of {}", found->others + 1);
  machine.system["gpu"] = escapeName(found->name) + others;
  say("gpu        {}: {} with {}{}", escapeName(found->name), found->gpu.arch, formatBytes(found->gpu.memoryBytes),
      others);
  say("           memory {:.1f} GB/s, from pinned memory to it {:.1f} GB/s", found->gpu.bandwidth.value / 1e9,
      found->gpu.pcie.value / 1e9);
  say("           products not measured: {:.0f} TOPS are assumed, attention {:.0f}",
      found->gpu.productRate.value / 1e12, found->gpu.attentionRate.value / 1e12);
}

void Probe::directReads(const ProbeFile &file) {
  DiskDescription measured;
  measured.capacityBytes = file.capacityBytes;
  measured.capacityMeasured = true;
  for (const ReadRequest &request : kReads) {
    ReadResult result = measureReads(file.direct.get(), file.bytes, request, kReadTime);
    if (result.bytesPerSecond == 0)
      continue;
    // The figures of a machine file do not contradict each other: no disk is faster than memory.
    Figure bandwidth{std::min(result.bytesPerSecond, machine.host.memoryBandwidth.value), true};
    measured.reads.push_back({request.blockBytes, request.depth, bandwidth});
    say("           {:>9} x {:<3} {:.2f} GB/s", formatBytes(request.blockBytes), request.depth, bandwidth.value / 1e9);
  }
  if (ReadResult small = measureReads(file.direct.get(), file.bytes, kLatency, kReadTime); small.secondsPerRead > 0) {
    measured.latency = {small.secondsPerRead, true};
    say("           one read of 4 KiB {:.0f} us", small.secondsPerRead * 1e6);
  }
  if (!measured.reads.empty())
    machine.disk = std::move(measured);
}

void Probe::bufferedReads(const ProbeFile &file) {
  forgetCached(file);
  ReadResult result = measureReads(file.buffered.get(), file.bytes, kBuffered, kReadTime);
  forgetCached(file);
  if (result.bytesPerSecond > 0)
    say("           {:>9} x {:<3} {:.2f} GB/s through the page cache", formatBytes(kBuffered.blockBytes),
        kBuffered.depth, result.bytesPerSecond / 1e9);
}

/// A directory that takes no file is no reason to end: all else is known by then. A file that cannot be read is, since
/// somebody named it.
Result<void> Probe::disk() {
  Result<ProbeFile> file = openProbeFile(options.disk, options.bytes, Clock::now() + kWriteTime);
  if (!file && file.error().code != ExitCode::Machine)
    return tl::unexpected<Error>(file.error());
  std::string assumed = fmt::format("{:.1f} GB/s are assumed", machine.disk->reads.front().bandwidth.value / 1e9);
  if (!file) {
    machine.system["disk"] = "not measured";
    say("disk       not measured, {}: {}", assumed, file.error().message);
    return {};
  }
  machine.system["disk"] = file->what;
  say("disk       {}, of {}; direct reads by block and depth:", file->what, formatBytes(file->capacityBytes));
  if (file->direct.valid())
    directReads(*file);
  if (!machine.disk->reads.front().bandwidth.measured) {
    machine.system["disk"] = "not measured: this file system refuses direct reads";
    say("           refused by this file system, so {}", assumed);
  }
  bufferedReads(*file);
  return {};
}

void Probe::system() {
  for (const auto &[name, text] : systemNotesNow()) {
    machine.system[name] = text;
    say("{:<14} {}", name, text);
  }
}

Result<void> Probe::write() {
  // Everything that was found must be readable again.
  STRATA_ASSIGN(machine, parseMachine(formatMachineFile(machine), "of this machine"));
  std::string text = nlohmann::ordered_json::parse(machine.json).dump(2) + "\n";
  if (options.output.empty()) {
    fmt::print("{}", text);
    return {};
  }
  STRATA_TRY(writeFileAtomically(options.output, std::as_bytes(std::span(text))));
  say("written    {}", escapeName(options.output));
  return {};
}

Result<ExitCode> Probe::run() {
  STRATA_TRY(host());
  gpu();
  STRATA_TRY(disk());
  system();
  STRATA_TRY(write());
  return ExitCode::Done;
}

} // namespace

Result<ExitCode> probeMachine(const Options &options) {
  return Probe(options).run();
}

} // namespace strata::probe
