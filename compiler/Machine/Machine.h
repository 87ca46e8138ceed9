// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The machine that a model is compiled for.
#pragma once

#include "runtime/Base/Error.h"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// A number per second, or seconds: bytes, operations. Each says whether somebody measured it on the machine.
struct Figure {
  double value = 0;
  bool measured = false;
};

/// What the host's cores do. Figures that a machine file leaves out are assumed from the number of cores.
struct HostFigures {
  Figure memoryBandwidth; ///< Bytes per second, read by all cores together.
  Figure productRate;     ///< Operations per second in quantised products of many columns (two per weight and column).
  Figure attentionRate;   ///< Operations per second in attention.
};

struct GpuDescription {
  std::string arch; ///< "sm_70"
  uint64_t memoryBytes = 0;
  bool memoryMeasured = false;
  uint64_t reservedBytes = 0; ///< Of memoryBytes, what the driver takes for its context.
  bool reservedMeasured = false;
  Figure bandwidth;     ///< Of its memory, in bytes per second.
  Figure pcie;          ///< Host to device from pinned memory, in bytes per second.
  Figure productRate;   ///< As the host's.
  Figure attentionRate; ///< As the host's.
};

/// Direct reads of `blockBytes` with `depth` of them under way.
struct DiskRead {
  uint64_t blockBytes = 0;
  uint32_t depth = 1;
  Figure bandwidth; ///< Bytes per second.
};

struct DiskDescription {
  uint64_t capacityBytes = 0; ///< 0: not known.
  bool capacityMeasured = false;
  std::vector<DiskRead> reads; ///< At least one; by block size, then depth.
  Figure latency;              ///< Seconds of one small read alone; 0: not known.
};

struct MachineDescription {
  std::string name;      ///< The preset, or the machine file's "name".
  uint32_t cores = 1;    ///< What this process, or the described one, may use.
  uint64_t ramBytes = 0; ///< 0: not known.
  std::string json;      ///< The whole description as a machine file, for the artifact.

  bool ramMeasured = false;
  HostFigures host = {};
  std::optional<GpuDescription> gpu = std::nullopt;
  std::optional<DiskDescription> disk = std::nullopt; ///< Nothing: experts must fit into memory.
  /// What the system allows, for people: names of systemNotes() and text. No plan depends on it.
  std::map<std::string, std::string> system = {};
};

/// The names that a machine file's "system" may have: what strata-probe finds out beside figures.
std::span<const std::string_view> systemNotes();

/// What the cores are assumed to do where nobody measured it.
HostFigures assumedHostFigures(uint32_t cores);

/// What direct reads of `blockBytes` reach: of the measured or assumed block that is nearest, by ratio, the deepest of
/// those within a tenth of its best. One read at a time may be the best for a program that only reads; one that
/// computes between its reads needs the next ones under way.
DiskRead bestRead(const DiskDescription &disk, uint64_t blockBytes);
/// Its bandwidth.
Figure diskBandwidth(const DiskDescription &disk, uint64_t blockBytes);

/// A preset (`host`, `v100s-32g`, `ovh-ai1-1-gpu`, `ovh-t2-45`) or the name of a machine file (docs/machine-files.md).
/// `host` is the compiling machine's cores and memory limit, read now. Nonsense in a file is exit code 1, an unknown
/// preset 2.
Result<MachineDescription> loadMachine(std::string_view presetOrFile);

/// "host, v100s-32g, ovh-ai1-1-gpu, ovh-t2-45".
std::string machinePresets();

/// The text of a machine file; `place` names it in errors and is the machine's name unless the file has one.
Result<MachineDescription> parseMachine(std::string_view text, std::string_view place);

/// The description as the text of a machine file, which parseMachine() reads back.
std::string formatMachineFile(const MachineDescription &machine);

/// Refuses a machine with a GPU, exit code 3: what this version compiles runs on the host only.
Result<void> requireHostOnly(const MachineDescription &machine);

} // namespace strata
