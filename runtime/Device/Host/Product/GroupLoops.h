// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Form few: products of digits as weights stream from memory, a row after the other, many blocks at a time, over a
// class of vectors. The bits are those of the portable products in Products.cpp (docs/numbers.md, "Products"): integers
// are exact, each block's term is rounded as written, and term j goes to lane j mod 8. Each level of instruction set
// includes this in a file that is compiled for it; nothing here may be shared between them.
#pragma once

#include "runtime/Device/Host/Products.h"

namespace strata::host {
namespace {

constexpr uint64_t kNumbers = 32, kHalf = 16, kSumLanes = 8;
/// How far ahead of what is multiplied memory is asked for, into the first-level cache: the hardware does not look past
/// a page. Of 1 to 16 KiB this was fastest, and the second-level cache a tenth slower (docs/benchmarks.md).
constexpr uint64_t kAhead = 2048;
/// Columns that a pass over the rows takes.
constexpr uint64_t kPassColumns = 4;
/// Blocks of a short row, of which several are taken together (per-head matrices of 128 numbers).
constexpr uint64_t kShortBlocks = 4;

/// A group of a column's blocks, V::kBlocks of them, as their digits meet the weights: vector r has the halves of
/// blocks r, r + 4, r + 8 … in its 16-byte parts. Sums over 4-byte words then come out in the order of the blocks
/// when four vectors are added up crosswise. Blocks behind the row's end are zero, which adds nothing.
template <class V, bool TWO> struct alignas(64) InputGroup {
  int8_t digits[TWO ? 2 : 1][4][2][V::kBlocks * 4]; ///< [high or low][vector][first or last half of a block]
  int32_t sums[V::kBlocks];                         ///< Of a block's numbers, times the format's bias.
  float scales[V::kBlocks];
};

/// A row of activation digits (runtime/Schema/RowBytes.h).
struct DigitRow {
  const float *scales;
  const int8_t *high;
  const int8_t *low; ///< Under i16 only.
};

inline DigitRow digitRow(const Columns &columns, uint64_t column) {
  // Not by Columns::row: the linker could take this file's copy of it for those of other files.
  const std::byte *row =
      columns.data + columns.rowBytes * (columns.rows ? static_cast<uint64_t>(columns.rows[column]) : column);
  const auto *digits = reinterpret_cast<const int8_t *>(row + columns.width / kNumbers * sizeof(float));
  return {reinterpret_cast<const float *>(row) + columns.offset / kNumbers, digits + columns.offset,
          digits + columns.width + columns.offset};
}

/// Arranges `count` blocks, `from` having been moved to the first of them; rows of kShortBlocks are repeated.
template <class V, bool TWO, int BIAS>
void arrangeGroup(const DigitRow &from, uint64_t count, bool repeat, InputGroup<V, TWO> &to) {
  for (uint64_t place = 0; place < V::kBlocks; ++place) {
    uint64_t block = repeat ? place % kShortBlocks : place, vector = place % 4, part = place / 4;
    bool there = block < count;
    to.scales[place] = there ? from.scales[block] : 0;
    for (uint64_t side = 0; side < 2; ++side) {
      uint64_t at = block * kNumbers + side * kHalf;
      for (uint64_t digit = 0; digit < (TWO ? 2 : 1); ++digit) {
        int8_t *half = to.digits[digit][vector][side] + part * kHalf;
        if (there)
          __builtin_memcpy(half, (digit == 0 ? from.high : from.low) + at, kHalf);
        else
          __builtin_memset(half, 0, kHalf);
      }
    }
  }
  typename V::Integers parts[4];
  const typename V::Integers ones = V::allBytes(1);
  for (uint64_t r = 0; r < 4; ++r) {
    parts[r] = V::template dot<1>(V::zero(), ones, ones, to.digits[0][r]);
    if constexpr (TWO)
      parts[r] = V::template dot<1>(V::shiftLeft8(parts[r]), ones, ones, to.digits[1][r]);
  }
  V::store(to.sums, V::multiplyIntegers(V::sumEach(parts), V::all(BIAS)));
}

/// A column's blocks [first, first + blocks) as groups.
template <class V, bool TWO, int BIAS>
void arrange(const Columns &columns, uint64_t column, uint64_t first, uint64_t blocks, bool repeat,
             InputGroup<V, TWO> *to) {
  DigitRow row = digitRow(columns, column);
  for (uint64_t block = 0; block < blocks; block += V::kBlocks) {
    uint64_t at = (first + block) * kNumbers;
    arrangeGroup<V, TWO, BIAS>({row.scales + first + block, row.high + at, row.low + at}, blocks - block, repeat,
                               to[block / V::kBlocks]);
  }
}

/// The weights of a group: vector r of first and of last halves as InputGroup has them, as unsigned bytes.
template <class V> struct WeightGroup {
  typename V::Integers first[4], last[4];
  typename V::Floats scales;
  typename V::Floats minimums; ///< Of formats that have them.
};

/// The terms of a group's blocks.
template <class V, class Format, bool TWO>
inline typename V::Floats termsOf(const WeightGroup<V> &weights, const InputGroup<V, TWO> &input) {
  typename V::Integers parts[4];
#pragma GCC unroll 4
  for (uint64_t r = 0; r < 4; ++r) {
    parts[r] = V::template dot<Format::kBits>(V::zero(), weights.first[r], weights.last[r], input.digits[0][r]);
    if constexpr (TWO)
      parts[r] = V::template dot<Format::kBits>(V::shiftLeft8(parts[r]), weights.first[r], weights.last[r],
                                                input.digits[1][r]);
  }
  typename V::Integers integers = V::sumEach(parts), sums = V::load(input.sums);
  typename V::Floats scales = V::load(input.scales);
  if constexpr (!Format::kMinimum)
    integers = V::subtract(integers, sums);
  typename V::Floats terms = V::multiply(V::multiply(weights.scales, scales), V::toFloats(integers));
  if constexpr (Format::kMinimum)
    terms = V::add(terms, V::multiply(V::multiply(weights.minimums, scales), V::toFloats(sums)));
  return terms;
}

/// A group that would reach past the end of the weight, made whole with zeros.
template <class V, class Format> struct PaddedGroup {
  alignas(64) std::byte bytes[V::kBlocks * Format::kBytes];

  PaddedGroup(const std::byte *from, uint64_t blocks) {
    __builtin_memset(bytes, 0, sizeof(bytes));
    __builtin_memcpy(bytes, from, blocks * Format::kBytes);
  }
};

/// Adds the terms of `blocks` blocks of a row to COLUMNS columns' lanes; a column's groups are `stride` after the one's
/// before.
template <class V, class Format, bool TWO, uint64_t COLUMNS>
void addRow(const std::byte *row, uint64_t blocks, const InputGroup<V, TWO> *input, uint64_t stride,
            float (*lanes)[kSumLanes]) {
  constexpr uint64_t kBytes = V::kBlocks * Format::kBytes;
  typename V::Lanes sums[COLUMNS];
  for (uint64_t column = 0; column < COLUMNS; ++column)
    sums[column] = V::loadLanes(lanes[column]);
  auto addGroup = [&](const std::byte *from, uint64_t group) __attribute__((always_inline)) {
    WeightGroup<V> weights;
    Format::load(from, weights);
#pragma GCC unroll 4
    for (uint64_t column = 0; column < COLUMNS; ++column)
      sums[column] = V::addToLanes(sums[column], termsOf<V, Format, TWO>(weights, input[column * stride + group]));
  };
  uint64_t groups = blocks / V::kBlocks, rest = blocks % V::kBlocks;
  for (uint64_t group = 0; group < groups; ++group) {
    const std::byte *from = row + group * kBytes;
    for (uint64_t at = 0; at < kBytes; at += 64)
      V::prefetch(from + at + kAhead);
    addGroup(from, group);
  }
  if (rest > 0)
    addGroup(PaddedGroup<V, Format>(row + groups * kBytes, rest).bytes, groups);
  for (uint64_t column = 0; column < COLUMNS; ++column)
    V::storeLanes(lanes[column], sums[column]);
}

/// The sums of rows of kShortBlocks blocks that lie one after the other.
template <class V, class Format, bool TWO>
void shortRows(const std::byte *weightRows, uint64_t rows, const Columns &columns, uint64_t first, uint64_t count,
               float *out) {
  constexpr uint64_t kRows = V::kBlocks / kShortBlocks, kRowBytes = kShortBlocks * Format::kBytes;
  InputGroup<V, TWO> inputs[kTileColumns];
  for (uint64_t column = 0; column < count; ++column)
    arrange<V, TWO, Format::kBias>(columns, first + column, 0, kShortBlocks, true, inputs + column);
  for (uint64_t row = 0; row < rows; row += kRows) {
    uint64_t together = rows - row < kRows ? rows - row : kRows;
    const std::byte *from = weightRows + row * kRowBytes;
    WeightGroup<V> weights;
    if (together == kRows) {
      V::prefetch(from + kAhead);
      V::prefetch(from + kAhead + kRows * kRowBytes - 1);
      Format::load(from, weights);
    } else {
      Format::load(PaddedGroup<V, Format>(from, together * kShortBlocks).bytes, weights);
    }
    for (uint64_t column = 0; column < count; ++column) {
      float sums[kRows];
      V::storeSumsOfFours(sums, termsOf<V, Format, TWO>(weights, inputs[column]));
      for (uint64_t i = 0; i < together; ++i)
        out[column * kTileRows + row + i] = sums[i];
    }
  }
}

inline float joined(const float *l) {
  return ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]));
}

template <class V, class Format, bool TWO, uint64_t COLUMNS>
void tileOfColumns(const std::byte *weightRows, uint64_t rowBytes, uint64_t rows, uint64_t length,
                   const Columns &columns, uint64_t first, float *out) {
  // Room for one row of 43,000 numbers under i16, more than models have: longer rows are taken in parts, and four
  // columns of long rows too.
  constexpr uint64_t kGroups = 96 * 1024 / sizeof(InputGroup<V, TWO>) / COLUMNS;
  InputGroup<V, TWO> inputs[COLUMNS * kGroups];
  alignas(64) float lanes[kTileRows][COLUMNS][kSumLanes];
  __builtin_memset(lanes, 0, rows * sizeof(lanes[0]));
  uint64_t blocks = length / kNumbers;
  for (uint64_t block = 0; block < blocks; block += kGroups * V::kBlocks) {
    uint64_t part = blocks - block < kGroups * V::kBlocks ? blocks - block : kGroups * V::kBlocks;
    for (uint64_t column = 0; column < COLUMNS; ++column)
      arrange<V, TWO, Format::kBias>(columns, first + column, block, part, false, inputs + column * kGroups);
    for (uint64_t row = 0; row < rows; ++row)
      addRow<V, Format, TWO, COLUMNS>(weightRows + row * rowBytes + block * Format::kBytes, part, inputs, kGroups,
                                      lanes[row]);
  }
  for (uint64_t column = 0; column < COLUMNS; ++column)
    for (uint64_t row = 0; row < rows; ++row)
      out[column * kTileRows + row] = joined(lanes[row][column]);
}

/// A Product::TileFunction. `Format` has:
///   kBytes, kBits, kBias, kMinimum      of a block; digits are below 2^kBits, kBias too large
///   load(bytes, WeightGroup<V> &)       reads V::kBlocks blocks, and nothing behind them
template <class V, class Format, bool TWO>
void fewProductOf(const std::byte *weightRows, uint64_t rowBytes, uint64_t rows, uint64_t length,
                  const Columns &columns, uint64_t first, uint64_t count, float *out) {
  if (length == kShortBlocks * kNumbers && rowBytes == kShortBlocks * Format::kBytes)
    return shortRows<V, Format, TWO>(weightRows, rows, columns, first, count, out);
  for (uint64_t column = 0; column < count; column += kPassColumns) {
    float *to = out + column * kTileRows;
    switch (count - column) {
    case 1:
      tileOfColumns<V, Format, TWO, 1>(weightRows, rowBytes, rows, length, columns, first + column, to);
      break;
    case 2:
      tileOfColumns<V, Format, TWO, 2>(weightRows, rowBytes, rows, length, columns, first + column, to);
      break;
    case 3:
      tileOfColumns<V, Format, TWO, 3>(weightRows, rowBytes, rows, length, columns, first + column, to);
      break;
    default:
      tileOfColumns<V, Format, TWO, kPassColumns>(weightRows, rowBytes, rows, length, columns, first + column, to);
      break;
    }
  }
}

} // namespace
} // namespace strata::host
