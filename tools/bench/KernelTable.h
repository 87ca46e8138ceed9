// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The table of simulated kernels: what their launches did, how long that would take, and what limits it.
#pragma once

#include "compiler/Codegen/Nvrtc.h"
#include "runtime/Simulator/TimeModel.h"
#include "tools/bench/Table.h"

#include <string>

namespace strata::bench {

/// All launches of one kernel in one part of a run.
struct KernelTotal {
  uint64_t launches = 0;
  sim::Counts counts;
  double seconds = 0; ///< Modelled, of all of them.
  double dramBytes = 0;
  uint64_t macs = 0;         ///< Of products, where that is known.
  sim::ModelledTime longest; ///< Of its launches.

  void add(const sim::LaunchShape &shape, const sim::Counts &launch);
};

/// The card that modelled times are of: artifacts with kernels are for machines with this one.
const sim::GpuFigures &modelledGpu();

class KernelTable {
public:
  /// Runs the calibration; where it cannot be run, a note on stderr says why.
  KernelTable(RunInfo run, const Result<Nvrtc> &nvrtc);
  /// `program` is the part of the run: "decode", "prompt", …
  void add(const std::string &program, const std::string &kernel, const KernelTotal &total);
  std::string format(OutputFormat format) const { return table.format(format); }

private:
  Table table;
  Cell calibrationError;
};

} // namespace strata::bench
