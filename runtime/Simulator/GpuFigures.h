// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a GPU can do per cycle and per second: the data that modelled times are made of.
#pragma once

#include "runtime/Simulator/Counts.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace strata::sim {

/// A unit of a multiprocessor that instructions of some classes occupy.
struct Pipe {
  const char *name = "";
  double instructionsPerCycle = 0; ///< Of warps.
  std::span<const InstructionClass> classes;
};

/// docs/simulator.md says where each number is from.
struct GpuFigures {
  std::string_view name;
  double clock = 0; ///< Cycles per second.
  uint32_t multiprocessors = 0;

  // What a multiprocessor holds.
  uint32_t registers = 0;
  uint32_t registerUnit = 0; ///< Registers of a thread are given out in multiples of this,
  uint32_t warpUnit = 0;     ///< and warps' registers to so many schedulers evenly.
  uint32_t threads = 0;
  uint32_t ctas = 0;
  uint32_t sharedBytes = 0;
  uint32_t sharedUnit = 0;

  // What it does per cycle.
  double issuePerCycle = 0;     ///< Instructions of warps.
  double lsuPassesPerCycle = 0; ///< Lines of global memory, passes of shared memory and shuffles.
  std::span<const Pipe> pipes;

  // Memory.
  double dramBytesPerSecond = 0; ///< By the data sheet.
  double dramReadShare = 0;      ///< Of that, what reads can reach,
  double dramWriteShare = 0;     ///< and writes among reads.
  double l2BytesPerCycle = 0;    ///< All of it together.
  uint64_t l2Bytes = 0;

  // Constants of the model.
  double startUpSeconds = 0;      ///< Of a launch among others.
  double instructionsPerPtx = 0;  ///< Machine instructions for one of PTX.
  double ctaTurnaroundCycles = 0; ///< From the last load of a CTA to the first instruction of its successor. Fitted.
  double kneeExponent = 0;        ///< How sharply one limit takes over from another. Fitted.
};

/// The card whose measurements calibrate the model, Tesla V100-PCIE-16GB, and the one that results are about.
const GpuFigures &v100();
const GpuFigures &v100s();

} // namespace strata::sim
