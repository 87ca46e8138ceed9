// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// One product on the simulator: compiled, launched on operands of its shapes, counted.
#pragma once

#include "compiler/Codegen/CompileKernels.h"
#include "runtime/Simulator/TimeModel.h"
#include "tools/bench/DecodeProducts.h"

#include <vector>

namespace strata::bench {

/// A launch, for the model of times.
struct SimulatedProduct {
  sim::LaunchShape shape;
  sim::Counts counts;
};

/// The kernels of products, in their order.
Result<CompiledUnits> compileProducts(const Nvrtc &nvrtc, const std::vector<DecodeProduct> &products);

/// Launches a product once; `sampledCtas` as the simulator has it, 0: all. Weights and activations are zeros, for
/// counts do not depend on them; every row of a step uses experts of its own.
Result<SimulatedProduct> simulateProduct(const DecodeProduct &product, const CompiledUnit &compiled,
                                         uint64_t sampledCtas);

} // namespace strata::bench
