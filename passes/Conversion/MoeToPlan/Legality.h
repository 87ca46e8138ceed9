// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Whether a module is in the form that becomes a plan.
#pragma once

#include "dialects/Moe/MoeOps.h"

#include "mlir/IR/BuiltinOps.h"

namespace strata {

/// The module's one model, if all of its operations have a dispatch; otherwise one error, with a note for each kind of
/// operation that has none: how often it occurs, where first, and which pass should have replaced it.
mlir::FailureOr<moe::ModelOp> findPlannableModel(mlir::ModuleOp module);

} // namespace strata
