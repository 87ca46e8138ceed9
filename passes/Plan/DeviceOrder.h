// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Whether devices that work side by side wait for each other where they must.
#pragma once

#include "dialects/Plan/PlanOps.h"

namespace strata::plan {

/// Fails if two steps of different devices touch a buffer, or the cache, one of them writes it, and no chain of
/// transfers and waits orders them; and if a block ends before one device has waited for the others.
mlir::LogicalResult verifyDeviceOrder(ProgramOp program);

} // namespace strata::plan
