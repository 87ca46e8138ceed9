// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A kernel in the form in which it is executed: one handler an instruction, operands as places in the register file.
#pragma once

#include "runtime/Simulator/Counts.h"
#include "runtime/Simulator/Ptx.h"

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace strata::sim {

struct Instruction;
struct WarpState;

/// Executes an instruction for the lanes of `mask`. What goes wrong is written into the state's fault.
using Handler = void (*)(WarpState &state, const Instruction &instruction, uint32_t mask);

/// A place in the register file: 32 lanes of 4 bytes. Registers of 64 bits have two.
using Unit = uint16_t;
constexpr Unit kNoUnit = 0xffff;

enum class Control : uint8_t { none, branch, exit, barrier };
/// How an f32 or f16 result is made of an exact one.
enum class Rounding : uint8_t { nearest, zero, down, up };

struct Instruction {
  Handler run = nullptr; ///< Null for control flow.
  Control control = Control::none;
  InstructionClass counted = InstructionClass::other;
  uint32_t line = 0;

  Unit predicate = kNoUnit; ///< An index into the predicates.
  bool predicateNegated = false;

  uint8_t destinations = 0, sources = 0;
  Unit destination[8] = {};
  Unit source[14] = {};
  Unit predicateDestination[2] = {kNoUnit, kNoUnit};
  Unit predicateSource[2] = {kNoUnit, kNoUnit};
  bool predicateSourceNegated[2] = {false, false};

  int64_t immediate = 0;   ///< The offset of an address; a mode.
  uint32_t target = 0;     ///< Of a branch.
  uint32_t join = 0;       ///< Where the lanes of a divergent branch meet again.
  uint8_t option = 0;      ///< What the handler makes of it.
  uint8_t accessBytes = 0; ///< Of one lane of a memory access.
  Space space = Space::generic;
  Rounding rounding = Rounding::nearest;
  bool flushSubnormals = false;
  bool saturate = false;
  bool negate[4] = {}; ///< Predicate operands aside, what `!` or a sign bit of a source means to the handler.
};

/// Registers that hold what the hardware or the launch says, by name.
struct SpecialRegister {
  std::string name; ///< "%tid.x"
  Unit unit = 0;
};

struct Program {
  std::string kernel;
  std::vector<Instruction> instructions; ///< The last one is an exit.
  std::vector<std::string> opcodes;      ///< Of every instruction, for messages.
  uint32_t units = 0;
  uint32_t predicates = 0;
  /// Units with the same content in every lane of every warp: numbers of the text.
  struct Constant {
    Unit unit = 0;
    uint64_t bits = 0;
    bool wide = false;
  };
  std::vector<Constant> constants;
  std::vector<SpecialRegister> specials;
  std::vector<Variable> parameters;
  std::vector<uint64_t> parameterOffsets;
  uint64_t parameterBytes = 0;
  uint64_t sharedBytes = 0; ///< Static.
  uint64_t localBytes = 0;  ///< Per thread.
  std::array<uint32_t, 3> maximumThreads = {0, 0, 0};
};

} // namespace strata::sim
