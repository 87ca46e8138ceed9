// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How far modelled times are from what people have measured on a V100.
#pragma once

#include "compiler/Codegen/Nvrtc.h"
#include "runtime/Simulator/TimeModel.h"

#include <string>
#include <vector>

namespace strata::bench {

struct CalibrationRow {
  std::string name;
  double measuredLow = 0, measuredHigh = 0; ///< Bytes per second; equal if one figure was published.
  sim::ModelledTime modelled;
  double bytesPerSecond = 0; ///< Modelled.

  /// How far the modelled figure is outside of what was measured: 0.1 is 10 % too fast.
  double error() const;
};

/// A plain read of memory by multiprocessors that are full to a quarter, to a half, to three quarters and quite; reads
/// and writes by full ones (gpu-stream of RRZE-HPC/gpu-benches on a V100-PCIE-16GB); and a product with weights in
/// ggml's own layout.
Result<std::vector<CalibrationRow>> calibrate(const Nvrtc &nvrtc);

/// The largest distance of a row from what was measured, as a share of it.
double largestError(const std::vector<CalibrationRow> &rows);

/// "modelled times against measurements on a V100: …": a line for people.
std::string describeCalibration(const std::vector<CalibrationRow> &rows);

} // namespace strata::bench
