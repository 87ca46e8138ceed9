// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Machine/Presets.h"

#include "runtime/Base/HostLimits.h"

#include <algorithm>
#include <array>

namespace strata {

static constexpr uint64_t kMiB = uint64_t{1} << 20;
static constexpr uint64_t kGiB = uint64_t{1} << 30;

static Figure assumed(double value) {
  return {value, false};
}

HostFigures assumedHostFigures(uint32_t cores) {
  // One core reads 15 GB/s beside others until the memory of one socket is busy, and does 0.3 TOPS in int8 products
  // (13 cores: 80 GB/s, 4 TOPS). Attention is in floats: a quarter of that.
  double bandwidth = std::min(15e9 * cores, 80e9);
  return {assumed(bandwidth), assumed(0.3e12 * cores), assumed(0.075e12 * cores)};
}

GpuDescription assumedGpu() {
  GpuDescription gpu;
  gpu.reservedBytes = 450 * kMiB;
  gpu.productRate = assumed(40e12);   // What mixture-of-experts products reach on a V100 at 64 rows per expert.
  gpu.attentionRate = assumed(30e12); // Causal attention on a V100.
  return gpu;
}

static DiskDescription assumedDisk(uint64_t capacityBytes, double bandwidth) {
  DiskDescription disk;
  disk.capacityBytes = capacityBytes;
  disk.reads.push_back({8 * kMiB, 8, assumed(bandwidth)});
  disk.latency = assumed(100e-6);
  return disk;
}

/// Tesla V100S, PCIe, 32 GB.
static GpuDescription v100s() {
  GpuDescription gpu = assumedGpu();
  gpu.arch = "sm_70";
  gpu.memoryBytes = 34'058'272'768; // What the driver reports in all.
  gpu.memoryMeasured = true;
  gpu.bandwidth = assumed(1040e9); // 92 % of 1134 GB/s.
  gpu.pcie = assumed(12e9);        // 3.0 x16, pinned, blocks of 8 MB.
  return gpu;
}

static MachineDescription describe(std::string name, uint32_t cores, uint64_t ramBytes) {
  MachineDescription machine;
  machine.name = std::move(name);
  machine.cores = cores;
  machine.ramBytes = ramBytes;
  machine.host = assumedHostFigures(cores);
  return machine;
}

static MachineDescription host() {
  HostLimits limits = hostLimits();
  MachineDescription machine = describe("host", limits.cores, limits.ramBytes);
  machine.ramMeasured = true;
  machine.disk = assumedDisk(0, 1e9);
  return machine;
}

static MachineDescription gpuMachine(std::string name, uint32_t cores, uint64_t ramBytes, uint64_t diskBytes) {
  MachineDescription machine = describe(std::move(name), cores, ramBytes);
  machine.gpu = v100s();
  machine.disk = assumedDisk(diskBytes, 2e9);
  return machine;
}

std::span<const MachinePreset> presetTable() {
  static constexpr std::array<MachinePreset, 4> kPresets = {{
      {"host", host},
      {"v100s-32g", [] { return gpuMachine("v100s-32g", 8, 40 * kGiB, 750 * kGiB); }},
      {"ovh-ai1-1-gpu", [] { return gpuMachine("ovh-ai1-1-gpu", 13, 40 * kGiB, 750 * kGiB); }},
      // The offer says GB, of memory as of the disk.
      {"ovh-t2-45", [] { return gpuMachine("ovh-t2-45", 15, 45'000'000'000, 400'000'000'000); }},
  }};
  return kPresets;
}

} // namespace strata
