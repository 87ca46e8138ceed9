// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Encoded numbers, the cache and positions as types, and the shapes that the dialect's operands have.
#pragma once

#include "runtime/Weights/Encoding.h"

#include "mlir/IR/BuiltinTypes.h"

#include <optional>

#define GET_TYPEDEF_CLASSES
#include "dialects/Moe/MoeTypes.h.inc"

namespace strata::moe {

/// The encoding that an element type stands for: `!moe.q4_0` and its like, f32, f16, bf16. Nothing for other types.
std::optional<Encoding> encodingOf(mlir::Type elementType);

/// The element type of an encoding; null for encodings that the compiler has no kernels for.
mlir::Type elementTypeOf(Encoding encoding, mlir::MLIRContext *context);

/// Bytes of a weight in its file. Invalid if its encoding is unknown, its shape is not static, a row is not a whole
/// number of blocks, or the size overflows.
Checked encodedBytes(mlir::RankedTensorType weight);

/// tensor<?xKxf32>: a row of K numbers for each token.
bool isRows(mlir::Type type);
/// tensor<?xkxi32>: k expert numbers for each token.
bool isIds(mlir::Type type);
/// tensor<?xi32>: the id of each token.
bool isTokens(mlir::Type type);
/// A tensor without dynamic or empty dimensions, of a known encoding, of `rank` dimensions unless that is 0.
bool isWeight(mlir::Type type, int64_t rank = 0);
/// A weight of f32.
bool isF32Weight(mlir::Type type, int64_t rank);

/// tensor<?xcolumnsxf32>.
mlir::RankedTensorType rowsType(mlir::MLIRContext *context, int64_t columns);
/// K of rows or of a matrix [.., K].
int64_t columnsOf(mlir::RankedTensorType type);

} // namespace strata::moe
