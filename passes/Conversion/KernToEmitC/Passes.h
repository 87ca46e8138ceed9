// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// From the kern dialect to EmitC (docs/passes/KernToEmitC.md).
#pragma once

#include "dialects/Kern/KernOps.h"

#include "mlir/Dialect/EmitC/IR/EmitC.h"
#include "mlir/Pass/Pass.h"

namespace strata {

#define GEN_PASS_DECL
#include "passes/Conversion/KernToEmitC/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/Conversion/KernToEmitC/Passes.h.inc"

} // namespace strata
