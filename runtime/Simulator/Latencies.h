// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How long results of instructions are on their way, for a warp that nothing else disturbs.
#pragma once

#include "runtime/Simulator/Counts.h"

#include <array>
#include <cstdint>

namespace strata::sim {

/// Where a load finds its bytes, as far as the CTAs of one launch know: another launch may have left them nearer.
enum class MemoryLevel : uint8_t {
  l1,  ///< The CTA has loaded them before.
  l2,  ///< Another CTA of the launch has touched them.
  dram ///< Nobody has.
};

/// Cycles between an instruction's issue and that of one that uses its result. Loads and stores of global memory aside.
struct Latencies {
  uint32_t issue = 0; ///< Between two instructions of a warp that do not depend on each other.
  std::array<uint32_t, kInstructionClasses> result = {};
  std::array<uint32_t, 3> load = {}; ///< From global memory, by MemoryLevel.
  uint32_t barrier = 0;              ///< Once all warps are there.

  uint32_t of(InstructionClass instructionClass) const { return result[static_cast<size_t>(instructionClass)]; }
  uint32_t of(MemoryLevel level) const { return load[static_cast<size_t>(level)]; }
};

/// Of a V100: docs/simulator.md says where each is from.
const Latencies &voltaLatencies();

} // namespace strata::sim
