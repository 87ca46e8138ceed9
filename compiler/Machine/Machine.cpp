// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Machine/Machine.h"

#include "compiler/Machine/Presets.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iterator>

namespace strata {

static constexpr uint64_t kLargestFile = 1 << 20;

std::string machinePresets() {
  std::string names;
  for (const MachinePreset &preset : presetTable())
    names += (names.empty() ? "" : ", ") + std::string(preset.name);
  return names;
}

DiskRead bestRead(const DiskDescription &disk, uint64_t blockBytes) {
  constexpr double kWithin = 0.9;
  auto distance = [&](const DiskRead &read) {
    return std::abs(std::log(static_cast<double>(read.blockBytes) / static_cast<double>(blockBytes)));
  };
  uint64_t block = 0;
  if (!disk.reads.empty())
    block = std::ranges::min_element(disk.reads, {}, distance)->blockBytes;
  double best = 0;
  for (const DiskRead &read : disk.reads)
    if (read.blockBytes == block)
      best = std::max(best, read.bandwidth.value);
  DiskRead chosen;
  for (const DiskRead &read : disk.reads)
    if (read.blockBytes == block && read.bandwidth.value >= kWithin * best && read.depth >= chosen.depth)
      chosen = read;
  return chosen;
}

Figure diskBandwidth(const DiskDescription &disk, uint64_t blockBytes) {
  return bestRead(disk, blockBytes).bandwidth;
}

Result<MachineDescription> loadMachine(std::string_view presetOrFile) {
  for (const MachinePreset &preset : presetTable())
    if (preset.name == presetOrFile) {
      MachineDescription machine = preset.describe();
      machine.json = formatMachineFile(machine);
      return machine;
    }
  std::filesystem::path path(presetOrFile);
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))
    return fail(ExitCode::CommandLine, "",
                fmt::format("--machine={} is neither a preset nor a file; presets are {}", escapeName(presetOrFile),
                            machinePresets()));
  uint64_t bytes = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file)
    return fail(ExitCode::Input, "", fmt::format("machine file {}: cannot be read", escapeName(presetOrFile)));
  if (bytes > kLargestFile)
    return fail(
        ExitCode::Input, "",
        fmt::format("machine file {}: {} bytes, at most {} are read", escapeName(presetOrFile), bytes, kLargestFile));
  std::string text(std::istreambuf_iterator<char>(file), {});
  return parseMachine(text, path.filename().string());
}

Result<void> requireHostOnly(const MachineDescription &machine) {
  if (!machine.gpu)
    return {};
  return fail(ExitCode::Machine, "",
              fmt::format("machine {} has a GPU: this version compiles for the host only; use --machine=host, or "
                          "strata-plan, which plans for GPUs",
                          escapeName(machine.name)));
}

} // namespace strata
