// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The machines that are known by name, and what is assumed of others.
#pragma once

#include "compiler/Machine/Machine.h"

#include <span>

namespace strata {

struct MachinePreset {
  std::string_view name;
  MachineDescription (*describe)();
};

/// `host` comes first.
std::span<const MachinePreset> presetTable();

/// A GPU of which only the figures are filled in that a machine file may leave out.
GpuDescription assumedGpu();

} // namespace strata
