// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Everything of Strata that MLIR's tools can be asked for by name.
#pragma once

#include "mlir/IR/DialectRegistry.h"

namespace strata {

/// The dialects that Strata's IR consists of.
void registerAllDialects(mlir::DialectRegistry &registry);

/// All passes and pipelines, for command lines.
void registerAllPasses();

} // namespace strata
