// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// One kernel on the simulator: compiled, launched on operands of its shapes, counted.
#pragma once

#include "compiler/Codegen/CompileKernels.h"
#include "runtime/Simulator/TimeModel.h"
#include "tools/bench/ShapedKernels.h"

#include <vector>

namespace strata::bench {

/// A launch, for the model of times.
struct SimulatedKernel {
  sim::LaunchShape shape;
  sim::Counts counts;
};

/// In their order.
Result<CompiledUnits> compileKernelsOf(const Nvrtc &nvrtc, const std::vector<ShapedKernel> &decodeKernels);

/// Launches a kernel once; `sampledCtas` as the simulator has it, 0: all.
Result<SimulatedKernel> simulateKernel(const ShapedKernel &kernel, const CompiledUnit &compiled, uint64_t sampledCtas);

} // namespace strata::bench
