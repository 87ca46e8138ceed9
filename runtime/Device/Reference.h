// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Every operation of docs/operations.md as a formula: f64, straight loops, no regard for speed or rounding. Devices are
// tested against it. Weights are dequantised and activations are numbers.
#pragma once

#include "runtime/Schema/artifact_generated.h"

#include <cstdint>
#include <span>
#include <vector>

namespace strata::reference {

/// Row-major numbers. A weight [N, K] has N rows; one of three dimensions [X, N, K] has X·N.
struct Matrix {
  uint64_t rows = 0;
  uint64_t columns = 0;
  std::vector<double> numbers;

  Matrix() = default;
  Matrix(uint64_t rowCount, uint64_t columnCount)
      : rows(rowCount), columns(columnCount), numbers(rowCount * columnCount) {}
  double &at(uint64_t row, uint64_t column) { return numbers[row * columns + column]; }
  double at(uint64_t row, uint64_t column) const { return numbers[row * columns + column]; }
  std::span<const double> row(uint64_t index) const { return std::span(numbers).subspan(index * columns, columns); }
};

Matrix embed(std::span<const int32_t> tokens, const Matrix &weight);
Matrix add(const Matrix &left, const Matrix &right);
Matrix rmsNorm(const Matrix &input, std::span<const double> weight, double epsilon);
/// Without a residual: `add` it.
Matrix matmul(const Matrix &input, const Matrix &weight);
Matrix gatedMatmul(const Matrix &input, const Matrix &gate, const Matrix &up);
Matrix headMatmul(const Matrix &input, const Matrix &weight, uint64_t heads);

/// The angles are position · frequency, a product rounded to f32 (docs/numbers.md): a rounding of the model's
/// definition, not of the arithmetic.
struct Rotation {
  std::span<const float> frequencies;
  double magnitude = 1;
};
struct RotatedQuery {
  Matrix nope;
  Matrix rope;
};
RotatedQuery queryRope(const Matrix &queries, std::span<const int32_t> positions, uint64_t heads, uint64_t nope,
                       const Rotation &rotation);
/// The rows that kv_append writes: latent, then rope.
Matrix kvRows(const Matrix &input, std::span<const double> weight, double epsilon, std::span<const int32_t> positions,
              const Rotation &rotation);

/// A cache: for every sequence, the rows of its positions.
using Cache = std::vector<Matrix>;
struct AttentionShape {
  uint64_t heads = 0;
  uint64_t latent = 0;
  double scale = 1;
};
Matrix attention(const Matrix &absorbed, const Matrix &rotated, const Cache &cache, std::span<const int32_t> positions,
                 std::span<const int32_t> sequences, const AttentionShape &shape);
/// The definition that absorption is derived from: each head's keys k_b·latent and values v_b·latent are made of every
/// cached row, then queries (before absorption) meet keys. Result T×(H·V). `keyWeight` is attn_k_b [H, L, P],
/// `valueWeight` attn_v_b [H, V, L].
Matrix expandedAttention(const Matrix &nope, const Matrix &rotated, const Cache &cache, const Matrix &keyWeight,
                         const Matrix &valueWeight, std::span<const int32_t> positions,
                         std::span<const int32_t> sequences, const AttentionShape &shape);

struct RouteOptions {
  schema::Gate gate = schema::Gate::sigmoid;
  uint64_t groups = 1;
  uint64_t groupsUsed = 1;
  uint64_t expertsUsed = 1;
  double scale = 1;
  bool normalise = false;
};
struct Routing {
  std::vector<int32_t> ids; ///< T×k
  Matrix weights;           ///< T×k
};
/// `bias` is empty if there is none.
Routing route(const Matrix &logits, std::span<const double> bias, const RouteOptions &options);

/// The three weights of the experts, or of the shared network with one expert.
struct Network {
  Matrix gate;
  Matrix up;
  Matrix down;
  uint64_t width = 0; ///< F or S.
};
/// T×(k·F+S); `shared` may be absent.
Matrix expertsGateUp(const Matrix &input, const Routing &routing, const Network &experts, const Network *shared);
Matrix expertsDown(const Matrix &hidden, const Routing &routing, const Network &experts, const Network *shared,
                   const Matrix &residual);

} // namespace strata::reference
