// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// One warp: its registers, where its lanes are, and the loop that executes it.
#pragma once

#include "runtime/Simulator/WarpState.h"

#include <string>
#include <vector>

namespace strata::sim {

/// What the special registers of a CTA say.
struct CtaPlace {
  std::array<uint32_t, 3> cta = {}, grid = {}, block = {};
  uint32_t number = 0; ///< Of the CTA in its grid.
  uint32_t dynamicSharedBytes = 0;
};

class Warp {
public:
  enum class Status : uint8_t { running, atBarrier, done, failed };

  /// Memory for the registers of a kernel, with the numbers of its text.
  explicit Warp(const Program &decoded);
  /// Puts the warp at the kernel's beginning.
  void start(const CtaPlace &place, uint32_t warpNumber, uint64_t scheduleSeed);
  /// Executes until a barrier, the end, or a fault.
  Status run(uint64_t &instructionsLeft);
  /// Goes on; all warps that were there do at the same cycle.
  void passBarrier(uint64_t cycle) {
    scoreboard.waitUntil(cycle);
    ++state.ctaBarriers;
    status = Status::running;
  }

  Status current() const { return status; }
  const Instruction &barrier() const { return program.instructions[stack.back().at - 1]; }
  uint32_t liveLanes() const { return live; }
  /// Since its beginning, if it were alone; only while launches count.
  uint64_t cycles() const { return scoreboard.cycles(); }
  /// Where the fault is: the instruction, and what was not written if that is it.
  uint32_t faultAt() const { return faultInstruction; }
  bool readsUnwritten() const { return unwrittenRead; }

  WarpState state;
  /// By instruction: how often the warp issued it, and for how many lanes; the launch adds them up.
  std::vector<uint64_t> issued, lanes;

private:
  /// Lanes that go together until `join`; the top of the stack runs.
  struct Group {
    uint32_t at = 0;
    uint32_t mask = 0;
    uint32_t join = 0;
  };

  uint32_t predicateMask(const Instruction &i) const;
  bool operandsAreWritten(const Instruction &i, uint32_t mask);
  void markResults(const Instruction &i, uint32_t mask);
  void branch(const Instruction &i, uint32_t taken);
  void exitLanes(uint32_t mask);
  void settle();
  Status fail(uint32_t instruction);

  const Program &program;
  std::vector<uint32_t> registers; ///< 32 lanes a unit, and what aligns them to 64 bytes.
  std::vector<uint32_t> written, predicates, predicatesWritten;
  std::vector<std::byte> local;
  std::vector<Group> stack;
  uint32_t live = 0;
  Status status = Status::done;
  uint64_t schedule = 0;
  uint32_t faultInstruction = 0;
  bool unwrittenRead = false;
  Scoreboard scoreboard;
};

} // namespace strata::sim
