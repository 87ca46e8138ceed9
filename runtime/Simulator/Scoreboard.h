// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// When a warp could issue its instructions if it were alone, and what it has in flight meanwhile.
#pragma once

#include "runtime/Simulator/Latencies.h"
#include "runtime/Simulator/Program.h"

#include <vector>

namespace strata::sim {

/// What an instruction's access to memory was, for the scoreboard.
struct AccessCost {
  MemoryLevel level = MemoryLevel::l1; ///< The furthest that a lane's bytes came from.
  uint32_t fetchedSectors = 0;         ///< Sectors that the CTA had not loaded before.
  uint32_t passes = 1;                 ///< Of shared memory.
};

/// An instruction is issued when its operands are there; results are on their way for as long as the latencies say.
/// Within a basic block instructions do not wait for those before them that they do not depend on: the assembler puts
/// them into a better order than PTX has them in. It does not move loads over stores, nor anything over a branch or a
/// barrier. Loads from global memory come back in their order.
class Scoreboard {
public:
  Scoreboard(const Program &program, const Latencies &gpuLatencies);
  void start();

  /// Waits for the operands; a wait for a load is counted, with what is in flight then.
  void issue(const Instruction &instruction, Counts &counts);
  /// After the instruction was executed.
  void complete(const Instruction &instruction, const AccessCost &access);

  uint64_t cycles() const { return now; }
  void waitUntil(uint64_t cycle) { now = latestIssue = latestStore = cycle; }

private:
  Latencies latencies;
  uint64_t now = 0;         ///< When the next instruction can be issued, for all that those before it need.
  uint64_t issuedAt = 0;    ///< The last one was,
  uint64_t latestIssue = 0; ///< and the latest of its basic block,
  uint64_t latestStore = 0; ///< and the latest store.
  std::vector<uint64_t> unitReady, predicateReady;
  /// Loads from global memory: by unit the number of the load that wrote it; how many were issued and waited for.
  std::vector<uint64_t> loadOf;
  uint64_t loadsIssued = 0, loadsWaited = 0, bytesIssued = 0, bytesWaited = 0;
  uint64_t lastLoadReady = 0;
};

} // namespace strata::sim
