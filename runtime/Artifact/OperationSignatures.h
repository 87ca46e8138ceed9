// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The table of docs/operations.md as data: what every operation reads and writes.
#pragma once

#include "runtime/Schema/artifact_generated.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace strata::artifact {

/// What an operand is, beyond its shape.
enum class OperandRole : uint8_t {
  Numbers,   ///< f32 value.
  Product,   ///< What weights are multiplied with: an activation value if they are block-quantised, else f32.
  Quantised, ///< Activation value.
  Integers,  ///< i32 value.
  Copied,    ///< A value of any element.
  Experts,   ///< i32 value: experts' numbers, which a `route` over as many experts wrote.
  Tokens,    ///< The program's tokens.
  Positions, ///< The program's positions.
  Sequences, ///< The program's sequences.
  Weight,    ///< A weight in an encoding that there are kernels for.
  Vector,    ///< An F32 weight.
  Cache      ///< The KV cache.
};

enum class OperandUse : uint8_t {
  Plain,
  Optional,         ///< May be absent.
  Shared,           ///< The shared expert's: absent exactly if its width is 0.
  Residual,         ///< The result may take its place.
  OptionalResidual, ///< Both.
  Scratch,          ///< Listed in reads and in writes; holds nothing before and after.
  ChunkScratch      ///< The same, with only a chunk's rows in a stage over the whole prompt.
};

/// `shape` is the columns of a value or the dimensions of a weight, separated by blanks. A letter alone takes whatever
/// is found where it is found first, and must then be the same everywhere:
///   E, K, N, X  from operands            V  the vocabulary
///   L, R        the KV cache's numbers   H, P, X, k, F, S  the parameters' (docs/operations.md, "Rows")
///   s           splits of the context    M  the larger of F and S
struct OperandRule {
  std::string_view name;
  OperandRole role;
  std::string_view shape;
  OperandUse use = OperandUse::Plain;
  uint8_t product = 0; ///< Weight, Product: those with the same number are multiplied with each other.
};

struct OperationSignature {
  schema::Operation operation;
  schema::Parameters parameters;
  std::span<const OperandRule> reads;
  std::span<const OperandRule> writes;
};

/// `operation` must be one of the schema's.
const OperationSignature &operationSignature(schema::Operation operation);

} // namespace strata::artifact
