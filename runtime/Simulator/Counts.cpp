// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Simulator/Counts.h"

#include <algorithm>
#include <cmath>

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

/// What grows with the CTAs that are executed.
static constexpr uint64_t Counts::*kSums[] = {
    &Counts::warpInstructions,   &Counts::threadInstructions, &Counts::globalRequests, &Counts::globalSectors,
    &Counts::globalLines,        &Counts::fetchedSectors,     &Counts::storedSectors,  &Counts::globalBytesRead,
    &Counts::globalBytesWritten, &Counts::sharedRequests,     &Counts::sharedPasses,   &Counts::sharedBytes,
    &Counts::barriers,           &Counts::loadWaits,          &Counts::loadsInFlight,  &Counts::bytesInFlight,
    &Counts::ctaCycles};

Counts &Counts::operator+=(const Counts &other) {
  ctas += other.ctas;
  executedCtas += other.executedCtas;
  longestCtaCycles = std::max(longestCtaCycles, other.longestCtaCycles);
  uniqueSectorsRead += other.uniqueSectorsRead;
  uniqueSectorsWritten += other.uniqueSectorsWritten;
  rowSharedSectors += other.rowSharedSectors;
  for (uint64_t Counts::*sum : kSums)
    this->*sum += other.*sum;
  for (size_t i = 0; i < kInstructionClasses; ++i)
    warpByClass[i] += other.warpByClass[i];
  return *this;
}

void Counts::scale(double factor) {
  auto scaled = [&](uint64_t sum) { return static_cast<uint64_t>(std::llround(static_cast<double>(sum) * factor)); };
  for (uint64_t Counts::*sum : kSums)
    this->*sum = scaled(this->*sum);
  for (uint64_t &instructions : warpByClass)
    instructions = scaled(instructions);
}

} // namespace strata::sim
