// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The custom directives of the dialect's assembly formats, called by generated parsers and printers.
#pragma once

#include "mlir/IR/OpImplementation.h"

namespace strata::moe {

/// `(%x: tensor<?x64xf32>, …) { … }`: the arguments of the body's block, then the body.
mlir::ParseResult parseSignatureAndBody(mlir::OpAsmParser &parser, mlir::Region &body);
void printSignatureAndBody(mlir::OpAsmPrinter &printer, mlir::Operation *op, mlir::Region &body);

/// The same; a layer's operand has the type of its body's first argument, so that it is written once.
mlir::ParseResult parseLayerBody(mlir::OpAsmParser &parser, mlir::Region &body, mlir::Type &inputType);
void printLayerBody(mlir::OpAsmPrinter &printer, mlir::Operation *op, mlir::Region &body, mlir::Type inputType);

} // namespace strata::moe
