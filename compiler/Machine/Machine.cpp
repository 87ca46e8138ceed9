// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Machine/Machine.h"

#include "runtime/Base/HostLimits.h"
#include "runtime/Base/Size.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace strata {
using nlohmann::json;

/// Presets whose plan needs more than the host; they are known so that the refusal can say why.
static constexpr std::array<std::string_view, 2> kGpuPresets = {"v100s-32g", "ovh-ai1-1-gpu"};
static constexpr uint64_t kLargestFile = 1 << 20;
static constexpr int64_t kMostCores = 65536;

static MachineDescription describe(std::string name, uint32_t cores, uint64_t ramBytes) {
  MachineDescription machine{std::move(name), cores, ramBytes, {}};
  machine.json = json{{"name", machine.name}, {"cores", cores}, {"ram", fmt::format("{}B", ramBytes)}}.dump();
  return machine;
}

static tl::unexpected<Error> refuseBeyondHost(std::string_view place, std::string_view what) {
  return fail(ExitCode::Machine, "",
              fmt::format("{} describes {}: this version plans for the host only; use --machine=host",
                          escapeName(place), what));
}

Result<MachineDescription> parseMachine(std::string_view text, std::string_view place) {
  auto refuse = [&](std::string_view what) {
    return fail(ExitCode::Input, "", fmt::format("machine file {}: {}", escapeName(place), what));
  };
  json file = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!file.is_object())
    return refuse("no JSON object; write {\"cores\": 13, \"ram\": \"40GiB\"}");
  std::string name(place);
  int64_t cores = 0;
  uint64_t ramBytes = 0;
  for (const auto &[key, value] : file.items()) {
    if (key == "gpu" || key == "disk")
      return refuseBeyondHost(place, key == "gpu" ? "a GPU" : "a disk tier");
    if (key == "name") {
      if (!value.is_string())
        return refuse("\"name\" is no string");
      name = value.get<std::string>();
    } else if (key == "cores") {
      // A number above int64's range reads as unsigned and would wrap.
      bool inRange = value.is_number_integer() && (!value.is_number_unsigned() || value.get<uint64_t>() <= kMostCores);
      cores = inRange ? value.get<int64_t>() : 0;
      if (cores < 1 || cores > kMostCores)
        return refuse(fmt::format("\"cores\" is no whole number between 1 and {}", kMostCores));
    } else if (key == "ram") {
      auto size = value.is_string() ? parseSize(value.get<std::string>()) : parseSize(value.dump());
      if (!size)
        return refuse("\"ram\": " + size.error().message);
      ramBytes = *size;
    } else {
      return refuse(fmt::format("unknown key \"{}\"; known are name, cores, ram", escapeName(key)));
    }
  }
  if (cores == 0 || ramBytes == 0)
    return refuse(fmt::format("\"{}\" is missing", cores == 0 ? "cores" : "ram"));
  return describe(name, static_cast<uint32_t>(cores), ramBytes);
}

Result<MachineDescription> loadMachine(std::string_view presetOrFile) {
  if (presetOrFile == "host") {
    HostLimits limits = hostLimits();
    return describe("host", limits.cores, limits.ramBytes);
  }
  if (std::find(kGpuPresets.begin(), kGpuPresets.end(), presetOrFile) != kGpuPresets.end())
    return refuseBeyondHost("preset " + std::string(presetOrFile), "a GPU");
  std::filesystem::path path(presetOrFile);
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))
    return fail(ExitCode::CommandLine, "",
                fmt::format("--machine={} is neither a preset nor a file; use --machine=host or a JSON file",
                            escapeName(presetOrFile)));
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

} // namespace strata
