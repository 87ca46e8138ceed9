// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The handlers of arithmetic, by operation and type. They are compiled twice: for every x86-64, and for processors with
// AVX2, FMA and F16C; `arithmeticHandlers` chooses once.
#pragma once

#include "runtime/Simulator/Program.h"

namespace strata::sim {

enum class Operation : uint8_t {
  // Integers; `wide` has a result of twice the size.
  add,
  sub,
  mulLow,
  mulHigh,
  mulWide,
  madLow,
  madHigh,
  madWide,
  sad,
  div,
  rem,
  abs,
  neg,
  min,
  max,
  popc,
  clz,
  bfind,
  brev,
  bfe,
  bfi,
  bitAnd,
  bitOr,
  bitXor,
  bitNot,
  cnot,
  shiftLeft,
  shiftRight,
  funnelLeft,
  funnelRight,
  prmt,
  lop3,
  dp4a,
  dp2a,
  addCarry,
  subCarry,
  madLowCarry,
  madHighCarry, // Option: kCarryIn, kCarryOut.
  // Floats, and some of the above.
  mul,
  fma,
  rcp,
  sqrt,
  rsqrt,
  ex2,
  lg2,
  sin,
  cos,
  tanh,
  copysign,
  testp,
  // All.
  mov,
  select,
  setp,
  set,
};

enum class Comparison : uint8_t { eq, ne, lt, le, gt, ge, equ, neu, ltu, leu, gtu, geu, num, nan };

constexpr uint8_t kCarryIn = 1, kCarryOut = 2;
/// Options of other operations: prmt's mode; the signs of dp4a's operands; dp2a's half; bfind's shiftamt; shf's wrap;
/// how setp combines with a predicate.
enum class PrmtMode : uint8_t { index, forward4, backward4, replicate8, edgeLeft, edgeRight, replicate16 };
constexpr uint8_t kSignedA = 1, kSignedB = 2, kHighHalf = 4;
constexpr uint8_t kCombineAnd = 16, kCombineOr = 32, kCombineXor = 48;
/// Conversions to integers: the rounding is the option; floats to rounded floats likewise.
enum class IntegerRounding : uint8_t { none, nearest, zero, down, up };

struct ArithmeticHandlers {
  Handler (*integer)(Operation operation, Type type);
  Handler (*floating)(Operation operation, Type type, const Instruction &modifiers);
  Handler (*half)(Operation operation, Type type, const Instruction &modifiers);
  Handler (*compare)(Operation operation, Comparison comparison, Type type, Type resultType);
  /// `rounding` of a conversion between floats and integers, or to a float that is a whole number.
  Handler (*convert)(Type to, Type from, IntegerRounding rounding, const Instruction &modifiers);
  Handler (*mma)(bool aByColumns, bool bByColumns, bool resultIsHalf, bool addendIsHalf);
};

/// What the processor that runs this can do.
const ArithmeticHandlers &arithmeticHandlers();

namespace portable {
extern const ArithmeticHandlers kHandlers;
}
namespace avx2 {
extern const ArithmeticHandlers kHandlers;
}

} // namespace strata::sim
