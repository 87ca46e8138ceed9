// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef STRATA_DIALECTS_MOE_MOEBASE_TD
#define STRATA_DIALECTS_MOE_MOEBASE_TD

include "dialects/Moe/MoeAttributes.td"
include "dialects/Moe/MoeTypes.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Moe_Op<string mnemonic, list<Trait> traits = []> : Op<Moe_Dialect, mnemonic, traits>;

/// Names for the arguments of a layer's body.
defvar Moe_LayerArguments = [{
  ::mlir::BlockArgument getBodyInput() { return getBody().getArgument(0); }
  ::mlir::BlockArgument getBodyPositions() { return getBody().getArgument(1); }
  ::mlir::BlockArgument getBodyKv() { return getBody().getArgument(2); }
}];

#endif // STRATA_DIALECTS_MOE_MOEBASE_TD
