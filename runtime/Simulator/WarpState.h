// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the handlers of instructions see of a warp.
#pragma once

#include "runtime/Simulator/Footprint.h"
#include "runtime/Simulator/GlobalMemory.h"
#include "runtime/Simulator/Program.h"
#include "runtime/Simulator/Scoreboard.h"
#include "runtime/Simulator/SharedMemory.h"

namespace strata::sim {

/// What a launch looks for beside what it cannot do without: bounds, alignment, divergent barriers.
struct Checks {
  bool unwritten = true;     ///< Registers, shared and global memory that are read before they are written.
  bool races = true;         ///< In shared memory.
  bool count = true;         ///< Sectors, bank conflicts, loads in flight, cycles (Counts).
  bool shuffleOrder = false; ///< The side of a divergent branch that runs first is drawn; set by a launch with a seed.
};

/// Why a launch ends early; the launch makes a sentence of it.
struct Fault {
  enum class Kind : uint8_t {
    none,
    unallocated,
    outOfShared,
    outOfLocal,
    misaligned,
    readOnly,
    unwrittenGlobal,
    unwrittenShared,
    race,
    inactiveSource,
    wrongMask,
    divergent,
    trap
  };
  Kind kind = Kind::none;
  uint32_t lane = 0;
  uint64_t address = 0;
  uint32_t bytes = 0;
  uint32_t other = 0; ///< The other thread of a race, the lane that was not there, the mask.
};

/// Generic addresses of shared and local memory lie in windows that no host address is in.
constexpr uint64_t kSharedWindow = uint64_t(0xffff) << 48;
constexpr uint64_t kLocalWindow = uint64_t(0xfffe) << 48;
constexpr uint64_t kWindowMask = uint64_t(0xffff) << 48;

struct WarpState {
  uint32_t (*file)[32] = nullptr; ///< By unit.
  uint32_t *written = nullptr;    ///< By unit: which lanes have been written.
  uint32_t *predicates = nullptr; ///< A bit a lane.
  uint32_t carry = 0;             ///< CC.CF
  GlobalMemory *global = nullptr;
  SharedMemory *shared = nullptr;
  const std::byte *parameters = nullptr;
  std::byte *local = nullptr; ///< localBytes for each lane.
  uint64_t localBytes = 0;
  Checks checks;
  Counts *counts = nullptr;
  Footprint *footprint = nullptr;
  AccessCost access;        ///< Of the last instruction.
  uint32_t firstThread = 0; ///< The number of lane 0 in its CTA.
  uint32_t ctaBarriers = 0, warpBarriers = 0;
  uint64_t clock = 0; ///< Instructions that the warp has issued.
  Fault fault;

  void fail(Fault::Kind kind, uint32_t lane, uint64_t address = 0, uint32_t bytes = 0, uint32_t other = 0) {
    if (fault.kind == Fault::Kind::none)
      fault = {kind, lane, address, bytes, other};
  }
};

} // namespace strata::sim
