// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Memory for the operands of a kernel that is only counted.
#pragma once

#include "runtime/Simulator/Simulator.h"
#include "tools/bench/ShapedKernels.h"
#include "tools/bench/SimulatedBuffer.h"

#include <vector>

namespace strata::bench {

/// Operands of the right size. Weights, activations and the cache are zeros, for counts do not depend on them; every
/// row of a step uses experts and cache blocks of its own.
class KernelOperands {
public:
  /// Exit code 3 if there is not enough memory.
  static Result<KernelOperands> make(sim::GlobalMemory &memory, const ShapedKernel &kernel, const kernels::Plan &plan,
                                     const kernels::Step &step);
  const sim::Arguments &arguments() const { return addresses; }

private:
  std::vector<SimulatedBuffer> buffers;
  sim::Arguments addresses;
};

} // namespace strata::bench
