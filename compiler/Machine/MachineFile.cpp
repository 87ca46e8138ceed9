// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Machine files: reading and writing (docs/machine-files.md).

#include "compiler/Machine/Figure.h"
#include "compiler/Machine/Machine.h"
#include "compiler/Machine/Presets.h"
#include "runtime/Base/Size.h"
#include "runtime/Schema/SlotBytes.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <limits>

namespace strata {
using nlohmann::json;

namespace {

constexpr uint32_t kMostCores = 65536;
constexpr size_t kMostReads = 256;

using Fault = std::optional<std::string>; ///< What is wrong with a file; nothing: all is well.

#define STRATA_PARSE(TARGET, EXPR)                                                                                     \
  do {                                                                                                                 \
    auto parsed = (EXPR);                                                                                              \
    if (!parsed)                                                                                                       \
      return parsed.error();                                                                                           \
    TARGET = *std::move(parsed);                                                                                       \
  } while (false)

Fault unknownKey(std::string_view section, const std::string &key, std::string_view known) {
  return fmt::format("unknown key \"{}{}\"; known are {}", section, escapeName(key), known);
}

Fault missingKey(const json &object, std::string_view section, std::initializer_list<const char *> keys) {
  for (const char *key : keys)
    if (!object.contains(key))
      return fmt::format("\"{}{}\" is missing", section, key);
  return {};
}

bool isArch(const std::string &text) {
  return text.size() >= 5 && text.size() <= 8 && text.starts_with("sm_") &&
         text.find_first_not_of("0123456789", 3) == std::string::npos;
}

Fault parseGpuKey(const std::string &key, const json &value, GpuDescription &gpu) {
  SizeFigure size;
  if (key == "arch") {
    if (!value.is_string() || !isArch(value.get<std::string>()))
      return "\"gpu.arch\" is no architecture; write it as \"sm_70\"";
    gpu.arch = value.get<std::string>();
  } else if (key == "memory") {
    STRATA_PARSE(size, parseSizeFigure(value, "gpu.memory"));
    gpu.memoryBytes = size.bytes;
    gpu.memoryMeasured = size.measured;
  } else if (key == "reserved") {
    STRATA_PARSE(size, parseSizeFigure(value, "gpu.reserved"));
    gpu.reservedBytes = size.bytes;
    gpu.reservedMeasured = size.measured;
  } else if (key == "bandwidth") {
    STRATA_PARSE(gpu.bandwidth, parseFigure(value, FigureKind::BytesPerSecond, "gpu.bandwidth"));
  } else if (key == "pcie") {
    STRATA_PARSE(gpu.pcie, parseFigure(value, FigureKind::BytesPerSecond, "gpu.pcie"));
  } else if (key == "product_rate") {
    STRATA_PARSE(gpu.productRate, parseFigure(value, FigureKind::OperationsPerSecond, "gpu.product_rate"));
  } else if (key == "attention_rate") {
    STRATA_PARSE(gpu.attentionRate, parseFigure(value, FigureKind::OperationsPerSecond, "gpu.attention_rate"));
  } else {
    return unknownKey("gpu.", key, "arch, memory, reserved, bandwidth, pcie, product_rate, attention_rate");
  }
  return {};
}

Fault parseGpu(const json &value, GpuDescription &gpu) {
  if (!value.is_object())
    return "\"gpu\" is no object";
  gpu = assumedGpu();
  for (const auto &[key, part] : value.items())
    if (Fault fault = parseGpuKey(key, part, gpu))
      return fault;
  if (Fault fault = missingKey(value, "gpu.", {"arch", "memory", "bandwidth", "pcie"}))
    return fault;
  if (gpu.memoryBytes == 0)
    return "\"gpu.memory\" is zero";
  if (gpu.reservedBytes >= gpu.memoryBytes)
    return "\"gpu.reserved\" is not less than \"gpu.memory\"";
  if (gpu.pcie.value > gpu.bandwidth.value)
    return "\"gpu.pcie\" is faster than \"gpu.bandwidth\", the memory that it fills";
  return {};
}

Fault parseRead(const json &value, size_t index, DiskRead &read) {
  std::string where = fmt::format("disk.reads[{}]", index);
  if (!value.is_object())
    return fmt::format("\"{}\" is no object", where);
  for (const auto &[key, part] : value.items()) {
    std::string name = where + "." + key;
    if (key == "block") {
      SizeFigure size;
      STRATA_PARSE(size, parseSizeFigure(part, name));
      read.blockBytes = size.bytes;
    } else if (key == "depth") {
      STRATA_PARSE(read.depth, parseCount(part, kMostReadDepth, name));
    } else if (key == "bandwidth") {
      STRATA_PARSE(read.bandwidth, parseFigure(part, FigureKind::BytesPerSecond, name));
    } else {
      return unknownKey(where + ".", key, "block, depth, bandwidth");
    }
  }
  if (Fault fault = missingKey(value, where + ".", {"block", "depth", "bandwidth"}))
    return fault;
  if (read.blockBytes == 0)
    return fmt::format("\"{}.block\" is zero", where);
  return {};
}

Fault parseReads(const json &value, DiskDescription &disk) {
  if (!value.is_array() || value.empty() || value.size() > kMostReads)
    return fmt::format("\"disk.reads\" is no list of 1 to {} reads", kMostReads);
  for (const json &part : value) {
    DiskRead read;
    if (Fault fault = parseRead(part, disk.reads.size(), read))
      return fault;
    for (const DiskRead &other : disk.reads)
      if (other.blockBytes == read.blockBytes && other.depth == read.depth)
        return fmt::format("\"disk.reads\" has blocks of {} with depth {} twice", formatBytes(read.blockBytes),
                           read.depth);
    disk.reads.push_back(read);
  }
  std::sort(disk.reads.begin(), disk.reads.end(), [](const DiskRead &a, const DiskRead &b) {
    return std::tie(a.blockBytes, a.depth) < std::tie(b.blockBytes, b.depth);
  });
  return {};
}

Fault parseDisk(const json &value, DiskDescription &disk) {
  if (!value.is_object())
    return "\"disk\" is no object";
  for (const auto &[key, part] : value.items()) {
    SizeFigure size;
    if (key == "capacity") {
      STRATA_PARSE(size, parseSizeFigure(part, "disk.capacity"));
      if (size.bytes == 0)
        return "\"disk.capacity\" is zero; leave it out if it is not known";
      disk.capacityBytes = size.bytes;
      disk.capacityMeasured = size.measured;
    } else if (key == "reads") {
      if (Fault fault = parseReads(part, disk))
        return fault;
    } else if (key == "latency") {
      STRATA_PARSE(disk.latency, parseFigure(part, FigureKind::Seconds, "disk.latency"));
    } else {
      return unknownKey("disk.", key, "capacity, reads, latency");
    }
  }
  return missingKey(value, "disk.", {"reads"});
}

Fault parseSystem(const json &value, MachineDescription &machine) {
  if (!value.is_object())
    return "\"system\" is no object";
  std::string known;
  for (std::string_view name : systemNotes())
    known += (known.empty() ? "" : ", ") + std::string(name);
  for (const auto &[key, part] : value.items()) {
    std::span<const std::string_view> names = systemNotes();
    if (std::find(names.begin(), names.end(), key) == names.end())
      return unknownKey("system.", key, known);
    if (!part.is_string())
      return fmt::format("\"system.{}\" is no text", key);
    machine.system[key] = part.get<std::string>();
  }
  return {};
}

/// Host figures that the file does not give stay zero, to be assumed once the cores are known.
Fault parseKey(const std::string &key, const json &value, MachineDescription &machine) {
  if (key == "name") {
    if (!value.is_string())
      return "\"name\" is no string";
    machine.name = value.get<std::string>();
  } else if (key == "cores") {
    STRATA_PARSE(machine.cores, parseCount(value, kMostCores, "cores"));
  } else if (key == "ram") {
    SizeFigure size;
    STRATA_PARSE(size, parseSizeFigure(value, "ram"));
    machine.ramBytes = size.bytes;
    machine.ramMeasured = size.measured;
  } else if (key == "memory_bandwidth") {
    STRATA_PARSE(machine.host.memoryBandwidth, parseFigure(value, FigureKind::BytesPerSecond, key));
  } else if (key == "product_rate") {
    STRATA_PARSE(machine.host.productRate, parseFigure(value, FigureKind::OperationsPerSecond, key));
  } else if (key == "attention_rate") {
    STRATA_PARSE(machine.host.attentionRate, parseFigure(value, FigureKind::OperationsPerSecond, key));
  } else if (key == "gpu") {
    return parseGpu(value, machine.gpu.emplace());
  } else if (key == "disk") {
    return parseDisk(value, machine.disk.emplace());
  } else if (key == "system") {
    return parseSystem(value, machine);
  } else {
    return unknownKey("", key, "name, cores, ram, memory_bandwidth, product_rate, attention_rate, gpu, disk, system");
  }
  return {};
}

Fault checkTogether(const MachineDescription &machine) {
  if (machine.ramBytes == 0)
    return "\"ram\" is zero";
  if (!machine.disk)
    return {};
  for (const DiskRead &read : machine.disk->reads)
    if (read.bandwidth.value > machine.host.memoryBandwidth.value)
      return "a bandwidth in \"disk.reads\" is above \"memory_bandwidth\", which its reads go through";
  return {};
}

Fault parseAll(const json &file, MachineDescription &machine) {
  for (const auto &[key, value] : file.items())
    if (Fault fault = parseKey(key, value, machine))
      return fault;
  if (Fault fault = missingKey(file, "", {"cores", "ram"}))
    return fault;
  HostFigures assumed = assumedHostFigures(machine.cores);
  for (Figure HostFigures::*figure :
       {&HostFigures::memoryBandwidth, &HostFigures::productRate, &HostFigures::attentionRate})
    if ((machine.host.*figure).value == 0)
      machine.host.*figure = assumed.*figure;
  return checkTogether(machine);
}

#undef STRATA_PARSE

/// Nothing if the text is no JSON, or an object of it has a key twice: the parser would take one of the two silently.
json parseStrictly(std::string_view text, std::string &twice) {
  std::vector<std::vector<std::string>> open;
  auto watch = [&](int, json::parse_event_t event, json &parsed) {
    if (event == json::parse_event_t::object_start)
      open.emplace_back();
    else if (event == json::parse_event_t::object_end)
      open.pop_back();
    else if (event == json::parse_event_t::key) {
      auto name = parsed.get<std::string>();
      if (std::find(open.back().begin(), open.back().end(), name) != open.back().end())
        twice = name;
      open.back().push_back(std::move(name));
    }
    return true;
  };
  return json::parse(text, watch, /*allow_exceptions=*/false);
}

json gpuJson(const GpuDescription &gpu) {
  return json{{"arch", gpu.arch},
              {"memory", formatSizeFigure(gpu.memoryBytes, gpu.memoryMeasured)},
              {"reserved", formatSizeFigure(gpu.reservedBytes, gpu.reservedMeasured)},
              {"bandwidth", formatFigure(gpu.bandwidth, FigureKind::BytesPerSecond)},
              {"pcie", formatFigure(gpu.pcie, FigureKind::BytesPerSecond)},
              {"product_rate", formatFigure(gpu.productRate, FigureKind::OperationsPerSecond)},
              {"attention_rate", formatFigure(gpu.attentionRate, FigureKind::OperationsPerSecond)}};
}

json diskJson(const DiskDescription &disk) {
  json out;
  if (disk.capacityBytes != 0)
    out["capacity"] = formatSizeFigure(disk.capacityBytes, disk.capacityMeasured);
  for (const DiskRead &read : disk.reads)
    out["reads"].push_back({{"block", fmt::format("{}B", read.blockBytes)},
                            {"depth", read.depth},
                            {"bandwidth", formatFigure(read.bandwidth, FigureKind::BytesPerSecond)}});
  if (disk.latency.value != 0)
    out["latency"] = formatFigure(disk.latency, FigureKind::Seconds);
  return out;
}

} // namespace

std::span<const std::string_view> systemNotes() {
  static constexpr std::array<std::string_view, 6> kNames = {"io_uring",   "locked_memory", "control_group",
                                                             "huge_pages", "disk",          "gpu"};
  return kNames;
}

Result<MachineDescription> parseMachine(std::string_view text, std::string_view place) {
  auto refuse = [&](std::string_view what) {
    return fail(ExitCode::Input, "", fmt::format("machine file {}: {}", escapeName(place), what));
  };
  std::string twice;
  json file = parseStrictly(text, twice);
  if (!file.is_object())
    return refuse("no JSON object; write {\"cores\": 13, \"ram\": \"40GiB\"}");
  if (!twice.empty())
    return refuse(fmt::format("\"{}\" is there twice", escapeName(twice)));
  MachineDescription machine;
  machine.name = place;
  if (Fault fault = parseAll(file, machine))
    return refuse(*fault);
  machine.json = formatMachineFile(machine);
  return machine;
}

std::string formatMachineFile(const MachineDescription &machine) {
  json out{{"name", machine.name},
           {"cores", machine.cores},
           {"ram", formatSizeFigure(machine.ramBytes, machine.ramMeasured)},
           {"memory_bandwidth", formatFigure(machine.host.memoryBandwidth, FigureKind::BytesPerSecond)},
           {"product_rate", formatFigure(machine.host.productRate, FigureKind::OperationsPerSecond)},
           {"attention_rate", formatFigure(machine.host.attentionRate, FigureKind::OperationsPerSecond)}};
  if (machine.gpu)
    out["gpu"] = gpuJson(*machine.gpu);
  if (machine.disk)
    out["disk"] = diskJson(*machine.disk);
  if (!machine.system.empty())
    out["system"] = machine.system;
  // A name of bytes that are no UTF-8 can only be a file's.
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace strata
