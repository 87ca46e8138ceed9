// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a launch did, counted.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace strata::sim {

enum class InstructionClass : uint8_t {
  integer, ///< add, logic, shifts, conversions between integers
  dot,     ///< dp4a, dp2a
  float32, ///< f32 arithmetic
  float16, ///< f16 and f16x2 arithmetic
  float64, ///< f64 arithmetic
  convert, ///< between kinds of numbers
  special, ///< ex2, rcp, rsqrt, sin, …
  tensor,  ///< mma
  loadGlobal,
  storeGlobal,
  loadShared,
  storeShared,
  local,
  atomic,  ///< memory
  warp,    ///< shuffles, votes
  control, ///< branches, barriers, exits
  other,
};
constexpr size_t kInstructionClasses = 17;
/// "integer", "dot product", …
const char *instructionClassName(InstructionClass instructionClass);
/// "integer", "dot_product", … for columns of tables.
std::string instructionClassKey(InstructionClass instructionClass);

struct Counts {
  uint64_t ctas = 0;               ///< CTAs that were executed.
  uint64_t warpInstructions = 0;   ///< Instructions issued,
  uint64_t threadInstructions = 0; ///< and lanes that executed them.
  std::array<uint64_t, kInstructionClasses> warpByClass = {};

  uint64_t globalRequests = 0;  ///< Loads and stores of a warp,
  uint64_t globalSectors = 0;   ///< and the 32-byte sectors that they touch.
  uint64_t globalBytesRead = 0; ///< Bytes that lanes asked for.
  uint64_t globalBytesWritten = 0;
  uint64_t sharedRequests = 0;
  uint64_t sharedPasses = 0; ///< A request without bank conflicts takes one for every 128 bytes.
  uint64_t sharedBytes = 0;
  /// Loads from global memory that a warp has issued when it first uses a result of one: bytes in flight.
  uint64_t loadWaits = 0;
  uint64_t bytesInFlight = 0; ///< Summed over the waits.

  Counts &operator+=(const Counts &other);
};

} // namespace strata::sim
