// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The plan dialect: its operations, types, attributes and enumerations. docs/dialects/Plan.md describes them.
#pragma once

#include "runtime/Base/Checked.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"

#include <vector>

#include "dialects/Plan/PlanDialect.h.inc"
#include "dialects/Plan/PlanEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Plan/PlanAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Plan/PlanTypes.h.inc"

#define GET_OP_CLASSES
#include "dialects/Plan/PlanOps.h.inc"

namespace strata::plan {

/// Arena offsets and weights in their arena are multiples of this many bytes.
inline constexpr int64_t kAlignment = 64;
/// Numbers in a block of a quantised activation.
inline constexpr int64_t kActivationBlock = 32;
/// The encodings of activations, in the order in which sizes are given.
inline constexpr ActivationEncoding kActivationEncodings[] = {ActivationEncoding::i8, ActivationEncoding::i16,
                                                              ActivationEncoding::f32};

/// True if a device reads and writes the bytes of a tier directly.
bool sees(DeviceKind device, Tier tier);
/// True if a stage with these rows may have a buffer with those as an operand.
bool sees(Rows stage, Rows buffer);
/// What computes in a step of a stage: a dispatch, a transfer (the device that copies) or a wait. Nothing for others.
std::optional<DeviceKind> deviceOf(mlir::Operation *step);
/// The kind of arena that buffers with these rows are in.
ArenaKind arenaOfRows(Rows rows);
/// Bytes of one row of a buffer if activations have this encoding (docs/operations.md, "Rows").
Checked rowBytes(BufferType type, ActivationEncoding activations);
/// Bytes of a weight in the GGUF; nothing if its encoding is unknown or a row is not a whole number of blocks.
std::optional<int64_t> weightBytes(mlir::RankedTensorType type);

} // namespace strata::plan
