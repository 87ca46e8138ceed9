// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Products of a tile of F32, F16 or BF16 weights, as a router's, with numbers: lane sums in f64 of some rows and
// columns at a time. Each level of instruction set includes this in a file that is compiled for it; nothing here may be
// shared between them.
//
// A product of two f32 is exact in f64, so that a fused multiply-add rounds as an addition of it does.
#pragma once

#include "runtime/Device/Host/Panels/Panels.h"

namespace strata::host {
namespace {

constexpr uint64_t kEight = 8; ///< Lanes of a sum (docs/numbers.md, "Lanes").

/// Numbers [from, length) of a row, at most seven, with zeros behind them: what these add to a sum is +0, and no sum is
/// ever -0.
template <typename Stored> struct Rest {
  Stored numbers[kEight] = {};

  Rest(const std::byte *row, uint64_t from, uint64_t length) {
    __builtin_memcpy(numbers, row + from * sizeof(Stored), (length - from) * sizeof(Stored));
  }
  const std::byte *bytes() const { return reinterpret_cast<const std::byte *>(numbers); }
};

/// The sums of ROWS rows with COLUMNS columns. `Format` has Stored, the type of a number's bits, and load(from), eight
/// of them as E.
template <class E, class Format, uint64_t ROWS, uint64_t COLUMNS> class NumberTile {
public:
  const std::byte *rows[ROWS];
  const std::byte *columns[COLUMNS];

  void multiply(uint64_t length, float *out) {
    E sums[ROWS][COLUMNS] = {};
    uint64_t whole = length / kEight * kEight;
    for (uint64_t at = 0; at < whole; at += kEight)
      add(
          sums, [&](uint64_t row) { return Format::load(rows[row] + at * sizeof(Stored)); },
          [&](uint64_t column) { return E::fromF32(columns[column] + at * sizeof(float)); });
    if (whole < length)
      add(
          sums, [&](uint64_t row) { return Format::load(Rest<Stored>(rows[row], whole, length).bytes()); },
          [&](uint64_t column) { return E::fromF32(Rest<float>(columns[column], whole, length).bytes()); });
    for (uint64_t column = 0; column < COLUMNS; ++column)
      for (uint64_t row = 0; row < ROWS; ++row) {
        double l[kEight];
        sums[row][column].store(l);
        out[column * kTileRows + row] =
            static_cast<float>(((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7])));
      }
  }

private:
  using Stored = typename Format::Stored;

  template <typename Weights, typename Numbers>
  [[gnu::always_inline]] static void add(E (&sums)[ROWS][COLUMNS], const Weights &weights, const Numbers &numbers) {
    E inputs[COLUMNS];
#pragma GCC unroll 4
    for (uint64_t column = 0; column < COLUMNS; ++column)
      inputs[column] = numbers(column);
#pragma GCC unroll 4
    for (uint64_t row = 0; row < ROWS; ++row) {
      E weight = weights(row);
#pragma GCC unroll 4
      for (uint64_t column = 0; column < COLUMNS; ++column)
        sums[row][column].addProduct(weight, inputs[column]);
    }
  }
};

template <class E> struct F32Numbers {
  using Stored = float;
  static E load(const std::byte *from) { return E::fromF32(from); }
};
template <class E> struct F16Numbers {
  using Stored = uint16_t;
  static E load(const std::byte *from) { return E::fromF16(from); }
};
template <class E> struct BF16Numbers {
  using Stored = uint16_t;
  static E load(const std::byte *from) { return E::fromBF16(from); }
};

/// A Product::TileFunction of kRows rows and kColumns columns at a time; missing ones are the last one's copies.
template <class E, class Format>
void numberProductOf(const std::byte *weightRows, uint64_t rowBytes, uint64_t rows, uint64_t length,
                     const Columns &columns, uint64_t first, uint64_t count, float *out) {
  constexpr uint64_t kRows = E::kRows, kColumns = E::kColumns;
  NumberTile<E, Format, kRows, kColumns> tile;
  float sums[kColumns * kTileRows];
  for (uint64_t row = 0; row < rows; row += kRows)
    for (uint64_t column = 0; column < count; column += kColumns) {
      uint64_t rowsHere = rows - row < kRows ? rows - row : kRows;
      uint64_t columnsHere = count - column < kColumns ? count - column : kColumns;
      for (uint64_t i = 0; i < kRows; ++i)
        tile.rows[i] = weightRows + (row + (i < rowsHere ? i : rowsHere - 1)) * rowBytes;
      for (uint64_t i = 0; i < kColumns; ++i) {
        uint64_t place = first + column + (i < columnsHere ? i : columnsHere - 1);
        // Not by Columns::row: the linker could take this file's copy of it for those of other files.
        tile.columns[i] = columns.data +
                          columns.rowBytes * (columns.rows ? static_cast<uint64_t>(columns.rows[place]) : place) +
                          columns.offset * sizeof(float);
      }
      tile.multiply(length, sums);
      for (uint64_t c = 0; c < columnsHere; ++c)
        for (uint64_t r = 0; r < rowsHere; ++r)
          out[(column + c) * kTileRows + row + r] = sums[c * kTileRows + r];
    }
}

/// The function for an encoding; null for those that are block-quantised.
template <class E> Product::TileFunction numberFunctionOf(Encoding encoding) {
  switch (encoding) {
  case Encoding::F32:
    return numberProductOf<E, F32Numbers<E>>;
  case Encoding::F16:
    return numberProductOf<E, F16Numbers<E>>;
  case Encoding::BF16:
    return numberProductOf<E, BF16Numbers<E>>;
  default:
    return nullptr;
  }
}

} // namespace
} // namespace strata::host
