// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Simulator/Counts.h"

#include <algorithm>

namespace strata::sim {

const char *instructionClassName(InstructionClass instructionClass) {
  constexpr const char *kNames[kInstructionClasses] = {
      "integer", "dot product", "f32",          "f16",         "f64",          "conversion", "special function",
      "tensor",  "global load", "global store", "shared load", "shared store", "local",      "atomic",
      "warp",    "control",     "other"};
  return kNames[static_cast<size_t>(instructionClass)];
}

std::string instructionClassKey(InstructionClass instructionClass) {
  std::string key = instructionClassName(instructionClass);
  std::replace(key.begin(), key.end(), ' ', '_');
  return key;
}

Counts &Counts::operator+=(const Counts &other) {
  ctas += other.ctas;
  warpInstructions += other.warpInstructions;
  threadInstructions += other.threadInstructions;
  for (size_t i = 0; i < kInstructionClasses; ++i)
    warpByClass[i] += other.warpByClass[i];
  globalRequests += other.globalRequests;
  globalSectors += other.globalSectors;
  globalBytesRead += other.globalBytesRead;
  globalBytesWritten += other.globalBytesWritten;
  sharedRequests += other.sharedRequests;
  sharedPasses += other.sharedPasses;
  sharedBytes += other.sharedBytes;
  loadWaits += other.loadWaits;
  bytesInFlight += other.bytesInFlight;
  return *this;
}

} // namespace strata::sim
