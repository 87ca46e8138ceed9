// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// From a described GGUF file to the moe dialect.
#pragma once

#include "compiler/Support/ModelDescription.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace strata {

/// A module with one `moe.model @main`, in the form in which the model's papers write it: every product is of f32
/// numbers, with a `moe.dequant` before it, attention is expanded (`moe.mla`), every layer stands for itself. Weights
/// are references with shape and encoding, and locations carry their names. No weight is read, so that `model` may be a
/// header alone.
///
/// `description` is describeModel's of the same `model`; the context must have the moe dialect loaded. Null, with a
/// diagnostic, if a tensor is missing or has an encoding without kernels, which describeModel rules out.
mlir::OwningOpRef<mlir::ModuleOp> importModel(mlir::MLIRContext &context, const ModelDescription &description,
                                              const gguf::Model &model);

} // namespace strata
