// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The machine that a model is compiled for.
#pragma once

#include "runtime/Base/Error.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace strata {

struct MachineDescription {
  std::string name;      ///< The preset, or the machine file's "name".
  uint32_t cores = 1;    ///< What this process, or the described one, may use.
  uint64_t ramBytes = 0; ///< 0: not known.
  std::string json;      ///< The whole description, for the artifact.
};

/// `host`: the compiling machine's cores and memory limit, read now. Otherwise the name of a JSON file:
///
///   {"name": "box", "cores": 13, "ram": "40GiB"}
///
/// with "name" optional (the file's name). This version plans for the host only: presets and files that describe a GPU
/// or a disk tier are refused with exit code 3. Nonsense in a file is 1, an unknown preset 2.
Result<MachineDescription> loadMachine(std::string_view presetOrFile);

/// The text of a machine file; `place` names it in errors and is the machine's name unless the file has one.
Result<MachineDescription> parseMachine(std::string_view text, std::string_view place);

} // namespace strata
