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
  float16, ///< f16 and f16x2 arithmetic, f16 to f32
  float64, ///< f64 arithmetic
  convert, ///< between other kinds of numbers
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
  uint64_t ctas = 0;               ///< CTAs of the grid; all numbers are of all of them,
  uint64_t executedCtas = 0;       ///< estimated from those that were executed if that were fewer.
  uint64_t warpInstructions = 0;   ///< Instructions issued,
  uint64_t threadInstructions = 0; ///< and lanes that executed them.
  std::array<uint64_t, kInstructionClasses> warpByClass = {};

  uint64_t globalRequests = 0;    ///< Loads and stores of a warp,
  uint64_t globalSectors = 0;     ///< and the 32-byte sectors that they touch,
  uint64_t globalLines = 0;       ///< in so many lines of 128 bytes.
  uint64_t fetchedSectors = 0;    ///< Sectors of loads that the CTA had not loaded before: what goes past an L1,
  uint64_t storedSectors = 0;     ///< and sectors of stores and atomics.
  uint64_t uniqueSectorsRead = 0; ///< Different sectors of all CTAs together: what goes past an L2 that holds it all.
  uint64_t uniqueSectorsWritten = 0;
  uint64_t rowSharedSectors = 0; ///< Of those read: CTAs of one column (x) of the grid share them, in several rows.
  uint64_t globalBytesRead = 0;  ///< Bytes that lanes asked for.
  uint64_t globalBytesWritten = 0;
  uint64_t sharedRequests = 0;
  uint64_t sharedPasses = 0; ///< A request without bank conflicts takes one for every 128 bytes.
  uint64_t sharedBytes = 0;
  uint64_t barriers = 0; ///< Warps that came to one.
  /// Loads from global memory that a warp has issued when it first uses a result of one are in flight together.
  uint64_t loadWaits = 0;
  uint64_t loadsInFlight = 0; ///< Summed over the waits: independent loads,
  uint64_t bytesInFlight = 0; ///< and the bytes of sectors that they fetch.
  /// How long CTAs take if nothing else disturbs them (Latencies), summed, and the longest.
  uint64_t ctaCycles = 0;
  uint64_t longestCtaCycles = 0;

  Counts &operator+=(const Counts &other);
  /// All sums times `factor`, rounded; ctas, executedCtas, the unique sectors and the longest CTA stay.
  void scale(double factor);
};

} // namespace strata::sim
