// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a dispatch asks the catalogue of kernels for.
#pragma once

#include "compiler/Kernels/Geometry.h"
#include "dialects/Plan/PlanOps.h"

namespace strata {

/// The request of a dispatch that its verifier has passed, in a module with settings and a cache. An error is emitted
/// if a size is beyond 32 bits.
mlir::FailureOr<kernels::Request> requestOf(plan::DispatchOp dispatch);

/// The request for repacking a weight.
mlir::FailureOr<kernels::Request> repackRequestOf(plan::TensorOp tensor);

/// The numbers of a rotation in the dispatch's parameters; empty if it has none.
llvm::ArrayRef<float> frequenciesOf(plan::DispatchOp dispatch);

} // namespace strata
