// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Products of a tile by panels: weight rows are brought into an order in which a vector has one word of each of them,
// columns into the order in which they are read, and then every vector of weights meets every column's word. Each level
// of instruction set includes this in a file that is compiled for it; nothing here may be shared between them.
#pragma once

#include "runtime/Device/Host/Panels/PanelFormats.h"

namespace strata::host {
namespace {

/// What a product needs of its columns, for some blocks. Columns are multiplied V::kColumns at a time, the last ones
/// fewer: a group's digits are [block][column][digit, the high one first][number].
template <class V, class Format, bool TWO> struct ColumnSpan {
  static constexpr uint64_t kDigits = TWO ? 2 : 1, kBytes = kNumbers * kDigits; ///< Of a block of a column.
  /// A column's numbers lie so far apart that those of several columns do not push each other out of the cache.
  static constexpr uint64_t kStride = kSpan + 16;

  alignas(64) std::byte digits[kTileColumns * kSpan * kBytes];
  /// What sums of integers begin with: -kBias times the sum of a part's numbers, and kMagic if there is one digit.
  alignas(64) int32_t starts[Format::kParts][kTileColumns * kStride];
  alignas(64) float sums[Format::kMinimum ? kTileColumns * kStride : 1]; ///< Of a block's numbers.
  alignas(64) float scales[kTileColumns * kStride];
};

/// Writes down the sums of a column's blocks, V::kLanes of them or as many as there are; `low` is how far the low
/// digits are behind the high ones, `at` the first block's place in the span's numbers.
template <class V, class Format, bool TWO>
void sumBlocks(const std::byte *digits, uint64_t low, uint64_t blocks, uint64_t at, ColumnSpan<V, Format, TWO> &span) {
  constexpr uint64_t kBytes = V::kLanes * kNumbers;
  typename V::Integers sums[2] = {V::zero(), V::zero()}; // Of the first and the last 16 numbers of each block.
  for (uint64_t digit = 0; digit < (TWO ? 2 : 1); ++digit) {
    const std::byte *from = digits + digit * low;
    alignas(64) std::byte padded[kBytes];
    if (blocks < V::kLanes) {
      __builtin_memset(padded, 0, kBytes);
      __builtin_memcpy(padded, from, blocks * kNumbers);
      from = padded;
    }
    typename V::Integers parts[2];
    V::sumsOfHalves(from, parts);
    for (uint64_t part = 0; part < 2; ++part)
      sums[part] = V::addIntegers(V::shiftLeft8(sums[part]), parts[part]);
  }
  if constexpr (Format::kParts == 1)
    sums[0] = V::addIntegers(sums[0], sums[1]);
  if constexpr (Format::kMinimum)
    V::store(span.sums + at, V::toFloats(sums[0]));
  for (uint64_t part = 0; part < Format::kParts; ++part)
    V::store(span.starts[part] + at,
             V::addIntegers(V::all(TWO ? 0 : kMagicBits), V::multiplyIntegers(sums[part], V::all(-Format::kBias))));
}

/// Brings columns [first, first + count) into order, from `firstBlock` on.
template <class V, class Format, bool TWO>
void arrangeColumns(const Columns &columns, uint64_t first, uint64_t count, uint64_t firstBlock, uint64_t blocks,
                    ColumnSpan<V, Format, TWO> &span) {
  using Span = ColumnSpan<V, Format, TWO>;
  for (uint64_t column = 0; column < count; ++column) {
    uint64_t place = first + column, group = column / V::kColumns * V::kColumns;
    // Not by Columns::row: the linker could take this file's copy of it for those of other files.
    const std::byte *row =
        columns.data + columns.rowBytes * (columns.rows ? static_cast<uint64_t>(columns.rows[place]) : place);
    __builtin_memcpy(span.scales + column * Span::kStride,
                     row + (columns.offset / kNumbers + firstBlock) * sizeof(float), blocks * sizeof(float));
    const std::byte *digits = row + columns.width / kNumbers * sizeof(float) + columns.offset + firstBlock * kNumbers;
    for (uint64_t from = 0; from < blocks; from += V::kLanes)
      sumBlocks(digits + from * kNumbers, columns.width, blocks - from, column * Span::kStride + from, span);
    uint64_t width = count - group < V::kColumns ? count - group : V::kColumns;
    std::byte *to = span.digits + (group * kSpan + column - group) * Span::kBytes;
    for (uint64_t block = 0; block < blocks; ++block, to += width * Span::kBytes)
      for (uint64_t digit = 0; digit < Span::kDigits; ++digit) {
        const std::byte *from = digits + digit * columns.width + block * kNumbers;
        if (Format::kRotated && block % 2 == 0)
          V::copyRotated(from, to + digit * kNumbers);
        else
          __builtin_memcpy(to + digit * kNumbers, from, kNumbers);
      }
  }
}

/// Asks for the rows behind a panel, some lines at a time, while it is multiplied: the hardware does not look past a
/// page.
class Ahead {
public:
  /// Blocks that a step is taken at.
  static constexpr uint64_t kBlocksOfStep = 4;

  /// `rows` rows of `bytesOfRow` bytes, of which `bytesOfPart` are wanted, while `blocks` blocks are multiplied.
  Ahead(const std::byte *from, uint64_t rows, uint64_t bytesOfRow, uint64_t bytesOfPart, uint64_t blocks)
      : at(from), end(from + bytesOfPart), rowBytes(bytesOfRow), partBytes(bytesOfPart),
        lines((rows * ((bytesOfPart + kLine - 1) / kLine) * kBlocksOfStep + blocks - 1) / blocks) {}

  void step() {
    for (uint64_t line = 0; line < lines; ++line) {
      __builtin_prefetch(at, 0, 2);
      at += kLine;
      if (at >= end + (kLine - 1)) {
        at = end - partBytes + rowBytes;
        end += rowBytes;
      }
    }
  }

private:
  static constexpr uint64_t kLine = 64;

  const std::byte *at, *end;
  uint64_t rowBytes, partBytes, lines;
};

/// The integers of a part of a block: of every row with every column.
template <class V, class Format, bool TWO, uint64_t ROWS, uint64_t WIDTH, uint64_t PART>
[[gnu::always_inline]] inline void dotsOf(const typename Format::template Panel<V> *panel, const std::byte *digits,
                                          const int32_t *starts, typename V::Integers (&dots)[ROWS][WIDTH]) {
  using Span = ColumnSpan<V, Format, TWO>;
  constexpr uint64_t kCount = kWords / Format::kParts, kFirst = PART * kCount;
  auto add = [&](uint64_t digit) __attribute__((always_inline)) {
    V::template addDots<Format::kBits, kCount, Span::kBytes>(
        dots, [&](uint64_t row, uint64_t j) __attribute__((always_inline)) { return panel[row].digits[kFirst + j]; },
        digits + digit * kNumbers + kFirst * sizeof(int32_t));
  };
  auto startOf = [&](uint64_t i) __attribute__((always_inline)) {
    return V::allOf(reinterpret_cast<const std::byte *>(starts + i * Span::kStride));
  };
#pragma GCC unroll 8
  for (uint64_t i = 0; i < WIDTH; ++i) {
    typename V::Integers start = TWO ? V::zero() : startOf(i);
#pragma GCC unroll 2
    for (uint64_t row = 0; row < ROWS; ++row)
      dots[row][i] = start;
  }
  add(0);
  if constexpr (TWO) {
#pragma GCC unroll 2
    for (uint64_t row = 0; row < ROWS; ++row)
#pragma GCC unroll 8
      for (uint64_t i = 0; i < WIDTH; ++i)
        dots[row][i] = V::shiftLeft8(dots[row][i]);
    add(1);
#pragma GCC unroll 2
    for (uint64_t row = 0; row < ROWS; ++row)
#pragma GCC unroll 8
      for (uint64_t i = 0; Format::kBias != 0 && i < WIDTH; ++i)
        dots[row][i] = V::addIntegers(dots[row][i], startOf(i));
  }
}

/// factor · integer + more, rounded once. One digit's integers have kMagicBits in them: they are the bits of kMagic +
/// integer, and what kMagic is too much by has been put into `shift`, -kMagic · factor, which is exact.
template <class V, bool TWO>
[[gnu::always_inline]] inline typename V::Floats scaled(typename V::Integers integer, typename V::Floats factor,
                                                        typename V::Floats shift) {
  if constexpr (TWO)
    return V::multiplyAdd(V::toFloats(integer), factor, V::all(0.0f));
  else
    return V::multiplyAdd(V::toBits(integer), factor, shift);
}

/// Adds a block's terms (docs/numbers.md, "Products"); `at` is the first column's place in the span's numbers.
template <class V, class Format, bool TWO, uint64_t ROWS, uint64_t WIDTH>
[[gnu::always_inline]] inline void addTerms(const typename Format::template Panel<V> *panel, const std::byte *digits,
                                            const ColumnSpan<V, Format, TWO> &columns, uint64_t at,
                                            typename V::Floats (&sums)[ROWS][WIDTH]) {
  constexpr uint64_t kStride = ColumnSpan<V, Format, TWO>::kStride;
  auto numberOf = [&](const float *numbers, uint64_t i) __attribute__((always_inline)) {
    return V::toBits(V::allOf(reinterpret_cast<const std::byte *>(numbers + at + i * kStride)));
  };
  typename V::Integers dots[ROWS][WIDTH];
  typename V::Floats terms[ROWS][WIDTH];
  dotsOf<V, Format, TWO, ROWS, WIDTH, 0>(panel, digits, columns.starts[0] + at, dots);
#pragma GCC unroll 2
  for (uint64_t row = 0; row < ROWS; ++row)
#pragma GCC unroll 8
    for (uint64_t i = 0; i < WIDTH; ++i) {
      terms[row][i] = scaled<V, TWO>(dots[row][i], panel[row].scales[0], panel[row].shift);
      if constexpr (Format::kMinimum)
        terms[row][i] = V::multiplyAdd(panel[row].minimums, numberOf(columns.sums, i), terms[row][i]);
    }
  if constexpr (Format::kParts == 2) {
    dotsOf<V, Format, TWO, ROWS, WIDTH, 1>(panel, digits, columns.starts[1] + at, dots);
#pragma GCC unroll 2
    for (uint64_t row = 0; row < ROWS; ++row)
#pragma GCC unroll 8
      for (uint64_t i = 0; i < WIDTH; ++i) {
        typename V::Floats whole =
            TWO ? V::toFloats(dots[row][i]) : V::subtract(V::toBits(dots[row][i]), V::all(kMagic));
        terms[row][i] = V::multiplyAdd(panel[row].scales[1], whole, terms[row][i]);
      }
  }
#pragma GCC unroll 2
  for (uint64_t row = 0; row < ROWS; ++row)
#pragma GCC unroll 8
    for (uint64_t i = 0; i < WIDTH; ++i)
      sums[row][i] = V::multiplyAdd(terms[row][i], numberOf(columns.scales, i), sums[row][i]);
}

/// Adds the terms of `blocks` blocks, of which the first is block `from` of the span, to the sums of columns [column,
/// column + WIDTH), which are a group. Not part of its callers: registers are scarce.
template <class V, class Format, bool TWO, uint64_t ROWS, uint64_t WIDTH>
[[gnu::noinline]] void multiplyPanel(const typename Format::template Panel<V> *panel,
                                     const ColumnSpan<V, Format, TWO> &columns, uint64_t from, uint64_t blocks,
                                     uint64_t column, float *out, Ahead &ahead) {
  typename V::Floats sums[ROWS][WIDTH];
#pragma GCC unroll 8
  for (uint64_t i = 0; i < WIDTH; ++i)
#pragma GCC unroll 2
    for (uint64_t row = 0; row < ROWS; ++row)
      sums[row][i] = V::load(out + i * kTileRows + row * V::kLanes);
  const std::byte *digits = columns.digits + (column * kSpan + from * WIDTH) * columns.kBytes;
  uint64_t at = column * columns.kStride + from;
  for (uint64_t block = 0; block < blocks; ++block) {
    if (block % Ahead::kBlocksOfStep == 0)
      ahead.step();
    addTerms<V, Format, TWO, ROWS, WIDTH>(panel + block * ROWS, digits, columns, at + block, sums);
    digits += WIDTH * columns.kBytes;
  }
#pragma GCC unroll 8
  for (uint64_t i = 0; i < WIDTH; ++i)
#pragma GCC unroll 2
    for (uint64_t row = 0; row < ROWS; ++row)
      V::store(out + i * kTileRows + row * V::kLanes, sums[row][i]);
}

/// The same for a group of as many columns, or for the last one, of `count`.
template <class V, class Format, bool TWO, uint64_t ROWS, uint64_t WIDTH>
void multiplyGroup(const typename Format::template Panel<V> *panel, const ColumnSpan<V, Format, TWO> &columns,
                   uint64_t from, uint64_t blocks, uint64_t column, uint64_t count, float *out, Ahead &ahead) {
  if constexpr (WIDTH > 1)
    if (count < WIDTH)
      return multiplyGroup<V, Format, TWO, ROWS, WIDTH - 1>(panel, columns, from, blocks, column, count, out, ahead);
  multiplyPanel<V, Format, TWO, ROWS, WIDTH>(panel, columns, from, blocks, column, out, ahead);
}

/// ROWS vectors of rows, or as many of them as are `there`, with all columns of a span.
template <class V, class Format, bool TWO, uint64_t ROWS>
void multiplyRows(const std::byte *weightRows, uint64_t rowBytes, uint64_t there, uint64_t partBytes,
                  const ColumnSpan<V, Format, TWO> &columns, uint64_t blocks, uint64_t count, float *out) {
  typename Format::template Panel<V> panel[kChunk * ROWS];
  Ahead ahead(weightRows + there * rowBytes, ROWS * V::kLanes, rowBytes, partBytes,
              blocks * ((count + V::kColumns - 1) / V::kColumns));
  for (uint64_t chunk = 0; chunk < blocks; chunk += kChunk) {
    uint64_t chunkBlocks = blocks - chunk < kChunk ? blocks - chunk : kChunk;
    for (uint64_t row = 0; row < ROWS; ++row) {
      PanelRows<V> rows(weightRows + Format::bytesBefore(chunk), rowBytes, row * V::kLanes, there);
      Format::template build<V, ROWS>(rows, chunkBlocks, panel + row);
    }
    for (uint64_t column = 0; column < count; column += V::kColumns)
      multiplyGroup<V, Format, TWO, ROWS, V::kColumns>(panel, columns, chunk, chunkBlocks, column, count - column,
                                                       out + column * kTileRows, ahead);
  }
}

/// A Product::TileFunction. `V` is a class of vectors of kLanes words, with the functions that are called of it here.
template <class V, class Format, bool TWO>
void panelProductOf(const std::byte *weightRows, uint64_t rowBytes, uint64_t rows, uint64_t length,
                    const Columns &columns, uint64_t first, uint64_t count, float *out) {
  ColumnSpan<V, Format, TWO> span;
  uint64_t blocks = length / kNumbers;
  __builtin_memset(out, 0, count * kTileRows * sizeof(float));
  for (uint64_t from = 0; from < blocks; from += kSpan) {
    uint64_t spanBlocks = blocks - from < kSpan ? blocks - from : kSpan;
    uint64_t begin = Format::bytesBefore(from), bytes = Format::bytesBefore(from + spanBlocks) - begin;
    arrangeColumns(columns, first, count, from, spanBlocks, span);
    constexpr uint64_t kRows = V::kRowVectors * V::kLanes;
    for (uint64_t row = 0; row < rows; row += kRows) {
      uint64_t there = rows - row < kRows ? rows - row : kRows;
      auto *multiply =
          there > V::kLanes ? multiplyRows<V, Format, TWO, V::kRowVectors> : multiplyRows<V, Format, TWO, 1>;
      multiply(weightRows + row * rowBytes + begin, rowBytes, there, bytes, span, spanBlocks, count, out + row);
    }
  }
}

/// The function for an encoding; null for those that are not block-quantised.
template <class V> Product::TileFunction panelFunctionOf(Encoding encoding, bool two) {
  switch (encoding) {
  case Encoding::Q4_0:
    return two ? panelProductOf<V, Q4_0Panel, true> : panelProductOf<V, Q4_0Panel, false>;
  case Encoding::Q4_1:
    return two ? panelProductOf<V, Q4_1Panel, true> : panelProductOf<V, Q4_1Panel, false>;
  case Encoding::Q8_0:
    return two ? panelProductOf<V, Q8_0Panel, true> : panelProductOf<V, Q8_0Panel, false>;
  case Encoding::Q6_K:
    return two ? panelProductOf<V, Q6_KPanel, true> : panelProductOf<V, Q6_KPanel, false>;
  default:
    return nullptr;
  }
}

} // namespace
} // namespace strata::host
