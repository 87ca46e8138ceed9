// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How long a launch would take on a GPU, from what the simulator counted (docs/simulator.md, "Modelled time").
#pragma once

#include "runtime/Simulator/GpuFigures.h"

#include <array>
#include <string>
#include <vector>

namespace strata::sim {

/// What a launch takes of a multiprocessor.
struct LaunchShape {
  std::array<uint32_t, 3> grid = {1, 1, 1};
  uint32_t threads = 0; ///< Of a CTA.
  uint32_t registers = 0;
  uint64_t sharedBytes = 0; ///< Static and dynamic.
};

/// CTAs that a multiprocessor holds together; 0 if it cannot hold one.
uint32_t residentCtas(const GpuFigures &gpu, const LaunchShape &shape);

/// One of the things that a launch cannot be faster than.
struct TimeLimit {
  std::string name; ///< "HBM", "L2", "latency", "issue slots", "integer units", …
  double seconds = 0;
};

struct ModelledTime {
  double seconds = 0;     ///< From start to end.
  std::string bottleneck; ///< The limit with the largest part in that.
  uint32_t residentCtas = 0;
  double occupancy = 0;     ///< Of the threads of a multiprocessor.
  double waves = 0;         ///< Times that the GPU is filled with CTAs.
  double bytesInFlight = 0; ///< Of a multiprocessor while its warps wait.
  double dramBytes = 0;
  double dramShare = 0;          ///< Of the bandwidth of the data sheet.
  std::vector<TimeLimit> limits; ///< Each alone: every one is at most `seconds`.
};

/// Counts are those of one launch.
ModelledTime modelTime(const GpuFigures &gpu, const LaunchShape &shape, const Counts &counts);

} // namespace strata::sim
