// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Simulator/ControlFlow.h"

#include <algorithm>

namespace strata::sim {

namespace {

/// Post-dominators of basic blocks, by the iteration of Cooper, Harvey and Kennedy ("A Simple, Fast Dominance
/// Algorithm") on the reversed graph. Block 0 here is the end of the kernel.
class PostDominators {
public:
  explicit PostDominators(const Program &decoded) : program(decoded) {
    findBlocks();
    findSuccessors();
    order();
    iterate();
  }

  /// The first instruction of the block that post-dominates the one of an instruction.
  uint32_t joinOf(uint32_t instruction) const {
    uint32_t dominator = immediate[blockOf[instruction]];
    return dominator == kEnd || dominator == kUnknown ? size() : starts[dominator];
  }

private:
  static constexpr uint32_t kEnd = 0, kUnknown = ~uint32_t(0);
  uint32_t size() const { return static_cast<uint32_t>(program.instructions.size()); }

  void findBlocks() {
    std::vector<bool> leads(size() + 1);
    leads[0] = true;
    for (uint32_t at = 0; at < size(); ++at) {
      const Instruction &i = program.instructions[at];
      if (i.control == Control::branch)
        leads[i.target] = true;
      if (i.control == Control::branch || i.control == Control::exit)
        leads[at + 1] = true;
    }
    starts = {size()};
    blockOf.resize(size());
    for (uint32_t at = 0; at < size(); ++at) {
      if (leads[at])
        starts.push_back(at);
      blockOf[at] = static_cast<uint32_t>(starts.size() - 1);
    }
  }

  uint32_t blockAt(uint32_t instruction) const { return instruction < size() ? blockOf[instruction] : kEnd; }

  void findSuccessors() {
    successors.resize(starts.size());
    predecessors.resize(starts.size());
    for (uint32_t block = 1; block < starts.size(); ++block) {
      uint32_t last = (block + 1 < starts.size() ? starts[block + 1] : size()) - 1;
      const Instruction &i = program.instructions[last];
      if (i.control == Control::branch)
        successors[block].push_back(blockAt(i.target));
      if (i.control == Control::exit)
        successors[block].push_back(kEnd);
      if (i.control == Control::none || i.control == Control::barrier || i.predicate != kNoUnit)
        successors[block].push_back(blockAt(last + 1));
      for (uint32_t successor : successors[block])
        predecessors[successor].push_back(block);
    }
  }

  /// Blocks in reverse postorder of the reversed graph, from the end.
  void order() {
    number.assign(starts.size(), kUnknown);
    std::vector<bool> seen(starts.size());
    std::vector<std::pair<uint32_t, size_t>> stack = {{kEnd, 0}};
    seen[kEnd] = true;
    while (!stack.empty()) {
      auto &[block, next] = stack.back();
      if (next < predecessors[block].size()) {
        uint32_t before = predecessors[block][next++];
        if (!seen[before]) {
          seen[before] = true;
          stack.emplace_back(before, 0);
        }
        continue;
      }
      sequence.push_back(block);
      stack.pop_back();
    }
    std::reverse(sequence.begin(), sequence.end());
    for (uint32_t i = 0; i < sequence.size(); ++i)
      number[sequence[i]] = i;
  }

  uint32_t meet(uint32_t a, uint32_t b) const {
    while (a != b) {
      while (number[a] > number[b])
        a = immediate[a];
      while (number[b] > number[a])
        b = immediate[b];
    }
    return a;
  }

  void iterate() {
    immediate.assign(starts.size(), kUnknown);
    immediate[kEnd] = kEnd;
    for (bool changed = true; changed;) {
      changed = false;
      for (uint32_t block : sequence) {
        if (block == kEnd)
          continue;
        uint32_t found = kUnknown;
        for (uint32_t successor : successors[block])
          if (immediate[successor] != kUnknown)
            found = found == kUnknown ? successor : meet(found, successor);
        changed |= immediate[block] != found;
        immediate[block] = found;
      }
    }
  }

  const Program &program;
  std::vector<uint32_t> starts;  ///< The first instruction of every block; that of the end is behind the last one.
  std::vector<uint32_t> blockOf; ///< By instruction.
  std::vector<std::vector<uint32_t>> successors, predecessors;
  std::vector<uint32_t> sequence, number, immediate;
};

} // namespace

void findJoins(Program &program) {
  PostDominators dominators(program);
  for (uint32_t at = 0; at < program.instructions.size(); ++at)
    if (Instruction &i = program.instructions[at]; i.control == Control::branch && i.predicate != kNoUnit)
      i.join = dominators.joinOf(at);
}

} // namespace strata::sim
