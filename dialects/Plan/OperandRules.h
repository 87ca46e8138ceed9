// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The table of docs/operations.md: which operands and parameters each operation takes, and their shapes.
#pragma once

#include "dialects/Plan/PlanOps.h"

namespace strata::plan {

/// True if rows are quantised before they meet weights of this type: its numbers are stored in blocks.
bool takesActivations(mlir::RankedTensorType weight);

/// The element that a product's rows have with weights of this type.
Element productElement(mlir::RankedTensorType weight);

/// Where the scratch operands of an operation begin among its reads, in order of the table; nothing if it has none.
std::optional<unsigned> firstScratchRead(OperationKind kind);

/// Whether the result of an operation may be the buffer that it reads there: a residual's place, or scratch.
bool mayWriteTo(OperationKind kind, unsigned read, unsigned write);

/// Success if the operands and parameters of `dispatch` are what its operation asks for; emits what is not.
mlir::LogicalResult verifyOperands(DispatchOp dispatch);

} // namespace strata::plan
