// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Simulator/Latencies.h"

namespace strata::sim {

static Latencies makeVoltaLatencies() {
  Latencies latencies;
  // Half of a scheduler's 32 lanes have a unit of their kind: one instruction occupies it for two cycles.
  latencies.issue = 2;
  latencies.load = {28, 212, 425};
  latencies.barrier = 8;
  auto set = [&](uint32_t cycles, std::initializer_list<InstructionClass> classes) {
    for (InstructionClass instructionClass : classes)
      latencies.result[static_cast<size_t>(instructionClass)] = cycles;
  };
  using enum InstructionClass;
  set(4, {integer, float32, control, other});
  set(5, {dot, float16});
  set(8, {float64, tensor});
  set(14, {convert, special});
  set(23, {warp});
  set(26, {loadShared, storeShared});
  set(28, {loadGlobal, storeGlobal, local});
  set(212, {atomic});
  return latencies;
}

const Latencies &voltaLatencies() {
  static const Latencies kLatencies = makeVoltaLatencies();
  return kLatencies;
}

} // namespace strata::sim
