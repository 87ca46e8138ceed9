// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The moe dialect: what a Mixture-of-Experts model computes (docs/dialects/Moe.md).
#pragma once

#include "mlir/IR/Dialect.h"

#include "dialects/Moe/MoeDialect.h.inc"
