// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// From kernels of a plan to CUDA text.
#pragma once

#include "compiler/Codegen/Nvrtc.h"
#include "dialects/Kern/KernOps.h"

namespace strata {

/// The translation unit of one kernel: the texts of its main loop, then what its function generates. `function` is not
/// changed. Exit code 70 if it cannot be generated, which no plan of ours makes happen.
Result<KernelUnit> generateUnit(kern::FuncOp function);

/// The units of all kernels of a module, in its order.
Result<std::vector<KernelUnit>> generateUnits(mlir::ModuleOp module);

} // namespace strata
