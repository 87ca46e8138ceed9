// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The product of one weight row with some columns: what matmul, head_matmul and the experts are made of.
#pragma once

#include "runtime/Device/Device.h"
#include "runtime/Device/Host/Kernels.h"

#include <cstddef>
#include <cstdint>

namespace strata::host {

/// The most columns that a pass over a weight row takes: in form few at most this, in form many this for all but the
/// last pass. A column's sum does not depend on it.
inline constexpr uint64_t kFewColumns = 8;
inline constexpr uint64_t kManyColumns = 16;

/// The most rows and columns of a tile, and rows that tiles are best made of.
inline constexpr uint64_t kTileRows = 256, kTileColumns = 64, kPanelRows = 16;

/// The columns of a product: rows of a value, or of a part of it.
struct Columns {
  const std::byte *data = nullptr;
  uint64_t rowBytes = 0;
  uint64_t width = 0;            ///< Numbers in a whole row.
  uint64_t offset = 0;           ///< The first number that takes part; a multiple of 32.
  const int32_t *rows = nullptr; ///< Column c is row rows[c]; row c if absent.

  const std::byte *row(uint64_t column) const {
    return data + rowBytes * (rows ? static_cast<uint64_t>(rows[column]) : column);
  }
};

/// A product with everything but the weight row and the columns decided.
struct Product {
  /// Writes the sums of columns [first, first + count) to `out`; `length` numbers take part.
  using Function = void (*)(const std::byte *weightRow, uint64_t length, const Columns &columns, uint64_t first,
                            uint64_t count, float *out);
  /// Writes the sums of `rows` weight rows with columns [first, first + count) to `out`: kTileRows numbers a column.
  using TileFunction = void (*)(const std::byte *weightRows, uint64_t rowBytes, uint64_t rows, uint64_t length,
                                const Columns &columns, uint64_t first, uint64_t count, float *out);
  Function function = nullptr;
  TileFunction tileFunction = nullptr; ///< The same sums for many rows at once, if the machine has instructions for it.
  uint64_t columnsPerPass = kFewColumns;
  const std::byte *weight = nullptr;
  uint64_t length = 0; ///< K
  uint64_t weightRowBytes = 0;

  void operator()(uint64_t weightRow, const Columns &columns, uint64_t first, uint64_t count, float *out) const {
    function(weight + weightRow * weightRowBytes, length, columns, first, count, out);
  }

  /// The same with one expert's rows of the weight [X, N, K] that it was made for.
  Product ofExpert(const BoundOperand &experts, uint64_t expert) const {
    Product other = *this;
    other.weight = experts.experts ? experts.experts[expert] : weight + expert * experts.dimensions[1] * weightRowBytes;
    return other;
  }

  /// The sums of a tile, as a TileFunction writes them.
  void tile(uint64_t weightRow, uint64_t rows, const Columns &columns, uint64_t first, uint64_t count,
            float *out) const {
    tileFunction(weight + weightRow * weightRowBytes, weightRowBytes, rows, length, columns, first, count, out);
  }
};

/// How a value operand is stored: what `activations` says if it is an activation, else f32.
inline schema::ActivationEncoding storedAs(const BoundOperand &value, const KernelCall &call) {
  return value.element == schema::Element::activation ? call.activations : schema::ActivationEncoding::f32;
}

/// The product of `weight`'s rows with rows of `input`. Exit code 1 (A20) if the input is digits and the weight is not
/// block-quantised.
Result<Product> makeProduct(const Context &context, const BoundOperand &weight, const BoundOperand &input,
                            const KernelCall &call);

/// True if the launch computes the expert.
inline bool isTaken(const KernelCall &call, uint64_t expert) {
  return !call.part || call.part->taken[expert] != 0;
}

/// All rows of a value as columns.
inline Columns columnsOf(const BoundOperand &value) {
  return {value.data, value.rowBytes, value.columns, 0, nullptr};
}

/// Calls body(begin, end) for ranges of `rows` weight rows, shared out over the threads: whole panels if the product
/// has tiles. `work` is the number of multiplications for each row.
template <typename Body>
inline void forEachRange(const Context &context, const Product &product, uint64_t rows, uint64_t work,
                         const Body &body) {
  bool many = product.columnsPerPass == kManyColumns;
  uint64_t unit = !product.tileFunction ? 1 : many ? 2 * kPanelRows : kPanelRows;
  // In form many every range arranges the columns for itself: not too many of them, and not too few to share out.
  constexpr uint64_t kRangesOfThread = 16;
  uint64_t worthArranging = many ? rows / (unit * kRangesOfThread * context.pool.threads()) : 0;
  context.pool.parallelFor(
      (rows + unit - 1) / unit, std::max(grainFor(work * unit), worthArranging),
      [&](uint64_t begin, uint64_t end, unsigned) { body(begin * unit, std::min(end * unit, rows)); });
}

/// Calls body(row, first, count) for every weight row in [begin, end) and every pass over `columns` columns, such that
/// a pass's columns stay in the core's cache for some rows.
template <typename Body>
inline void forEachPass(const Product &product, uint64_t begin, uint64_t end, uint64_t columns, const Body &body) {
  constexpr uint64_t kRows = 8;
  for (uint64_t tile = begin; tile < end; tile += kRows) {
    uint64_t tileEnd = tile + kRows < end ? tile + kRows : end;
    for (uint64_t first = 0; first < columns; first += product.columnsPerPass) {
      uint64_t rest = columns - first;
      uint64_t count = rest < product.columnsPerPass ? rest : product.columnsPerPass;
      for (uint64_t row = tile; row < tileEnd; ++row)
        body(row, first, count);
    }
  }
}

/// Calls body(row, first, count) for the tiles of weight rows [begin, end) and of `columns` columns.
template <typename Body> inline void forEachTile(uint64_t begin, uint64_t end, uint64_t columns, const Body &body) {
  for (uint64_t row = begin; row < end; row += kTileRows)
    for (uint64_t first = 0; first < columns; first += kTileColumns)
      body(row, end - row < kTileRows ? end - row : kTileRows, first,
           columns - first < kTileColumns ? columns - first : kTileColumns);
}

/// Calls add(column, row, sum) for every sum of rows [begin, end), which begin at row `base` of the weight, with
/// `count` columns.
template <typename Add>
inline void forEachSum(const Product &product, uint64_t base, uint64_t begin, uint64_t end, const Columns &columns,
                       uint64_t count, const Add &add) {
  if (product.tileFunction) {
    forEachTile(begin, end, count, [&](uint64_t row, uint64_t rows, uint64_t first, uint64_t tileColumns) {
      alignas(64) float sums[kTileColumns * kTileRows];
      product.tile(base + row, rows, columns, first, tileColumns, sums);
      for (uint64_t column = 0; column < tileColumns; ++column)
        for (uint64_t i = 0; i < rows; ++i)
          add(first + column, row + i, sums[column * kTileRows + i]);
    });
    return;
  }
  forEachPass(product, begin, end, count, [&](uint64_t row, uint64_t first, uint64_t passColumns) {
    float sums[kManyColumns];
    product(base + row, columns, first, passColumns, sums);
    for (uint64_t column = 0; column < passColumns; ++column)
      add(first + column, row, sums[column]);
  });
}

/// Calls add(column, row, gate's sum, up's sum) likewise.
template <typename Add>
inline void forEachPair(const Product &gate, const Product &up, uint64_t base, uint64_t begin, uint64_t end,
                        const Columns &columns, uint64_t count, const Add &add) {
  if (gate.tileFunction && up.tileFunction) {
    forEachTile(begin, end, count, [&](uint64_t row, uint64_t rows, uint64_t first, uint64_t tileColumns) {
      alignas(64) float gates[kTileColumns * kTileRows], ups[kTileColumns * kTileRows];
      gate.tile(base + row, rows, columns, first, tileColumns, gates);
      up.tile(base + row, rows, columns, first, tileColumns, ups);
      for (uint64_t column = 0; column < tileColumns; ++column)
        for (uint64_t i = 0; i < rows; ++i)
          add(first + column, row + i, gates[column * kTileRows + i], ups[column * kTileRows + i]);
    });
    return;
  }
  forEachPass(gate, begin, end, count, [&](uint64_t row, uint64_t first, uint64_t passColumns) {
    float gates[kManyColumns], ups[kManyColumns];
    gate(base + row, columns, first, passColumns, gates);
    up(base + row, columns, first, passColumns, ups);
    for (uint64_t column = 0; column < passColumns; ++column)
      add(first + column, row, gates[column], ups[column]);
  });
}

} // namespace strata::host
