// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Products of a tile by panels: weight rows and columns are both brought into an order in which a vector has one word
// of each of them, and then every vector of weights meets every column's word. Each level of instruction set includes
// this in a file that is compiled for it; nothing here may be shared between them.
#pragma once

#include "runtime/Device/Host/Panels/PanelFormats.h"

namespace strata::host {
namespace {

/// A block of as many columns as a vector has lanes. Word i of digits[d][j] is from column i: numbers 4j to 4j + 3 of
/// its digit d, the high one first.
template <class V, class Format, bool TWO> struct ColumnPanel {
  typename V::Integers digits[TWO ? 2 : 1][kWords];
  alignas(64) float scales[V::kLanes];
  alignas(64) int32_t offsets[Format::kParts][V::kLanes]; ///< -kBias times the sum of a part's numbers.
};

/// The sum of the numbers in words [FIRST, FIRST + COUNT) of each column.
template <class V, bool TWO, uint64_t FIRST, uint64_t COUNT>
typename V::Integers sumOfNumbers(const typename V::Integers (&digits)[TWO ? 2 : 1][kWords]) {
  auto sumOf = [&](const typename V::Integers *words) { return V::template sumOfBytes<COUNT>(words + FIRST); };
  if constexpr (TWO)
    return V::addIntegers(V::shiftLeft8(sumOf(digits[0])), sumOf(digits[1]));
  else
    return sumOf(digits[0]);
}

/// Puts `count` columns together, those from `first` on; the last one stands for those that are missing.
template <class V, class Format, bool TWO>
void buildColumns(const Columns &columns, uint64_t first, uint64_t count, uint64_t firstBlock, uint64_t blocks,
                  ColumnPanel<V, Format, TWO> *panel) {
  const std::byte *digits[2][V::kLanes];
  for (uint64_t column = 0; column < V::kLanes; ++column) {
    uint64_t place = first + (column < count ? column : count - 1);
    // Not by Columns::row: the linker could take this file's copy of it for those of other files.
    const std::byte *row =
        columns.data + columns.rowBytes * (columns.rows ? static_cast<uint64_t>(columns.rows[place]) : place);
    const auto *scales = reinterpret_cast<const float *>(row) + columns.offset / kNumbers + firstBlock;
    for (uint64_t block = 0; block < blocks; ++block)
      panel[block].scales[column] = scales[block];
    digits[0][column] = row + columns.width / kNumbers * sizeof(float) + columns.offset + firstBlock * kNumbers;
    digits[1][column] = digits[0][column] + columns.width;
  }
  for (uint64_t block = 0; block < blocks; ++block) {
    auto &words = panel[block].digits;
    for (uint64_t digit = 0; digit < (TWO ? 2 : 1); ++digit) {
      V::transpose(digits[digit], block * kNumbers, words[digit]);
      V::transpose(digits[digit], block * kNumbers + kNumbers / 2, words[digit] + kWords / 2);
    }
    typename V::Integers sums[2];
    if constexpr (Format::kParts == 2) {
      sums[0] = sumOfNumbers<V, TWO, 0, kWords / 2>(words);
      sums[1] = sumOfNumbers<V, TWO, kWords / 2, kWords / 2>(words);
    } else {
      sums[0] = sumOfNumbers<V, TWO, 0, kWords>(words);
    }
    for (uint64_t part = 0; part < Format::kParts; ++part)
      V::store(panel[block].offsets[part],
               V::multiplyIntegers(sums[part], V::all(Format::kMinimum ? 1 : -Format::kBias)));
  }
}

/// Asks for the rows of the next panel, some lines at a time, while this one is multiplied: the hardware does not look
/// past a page, nor after sixteen rows at once.
class Ahead {
public:
  /// Rows of `bytesOfRow` bytes, of which `bytesOfChunk` are wanted, asked for over `passes` passes over the panel.
  Ahead(const std::byte *rows, uint64_t bytesOfRow, uint64_t bytesOfChunk, uint64_t passes)
      : at(rows), end(rows + bytesOfChunk), rowBytes(bytesOfRow), chunkBytes(bytesOfChunk),
        lines((kLinesOfBlock + passes - 1) / passes) {}

  void step() {
    for (uint64_t line = 0; line < lines; ++line) {
      __builtin_prefetch(at, 0, 2);
      at += kLine;
      if (at >= end + (kLine - 1)) {
        at = end - chunkBytes + rowBytes;
        end += rowBytes;
      }
    }
  }

private:
  static constexpr uint64_t kLine = 64;
  static constexpr uint64_t kLinesOfBlock = 5; ///< Sixteen rows' blocks of 18 bytes, rounded up.

  const std::byte *at, *end;
  uint64_t rowBytes, chunkBytes, lines;
};

/// The exact integers of WIDTH columns' parts with each row, from words [FIRST, FIRST + COUNT). `lane` is the first
/// column's lane of the panel.
template <class V, class Format, bool TWO, uint64_t WIDTH, uint64_t FIRST, uint64_t COUNT, uint64_t PART>
[[gnu::always_inline]] inline void dotsOf(const typename V::Integers *weights, const std::byte *lane,
                                          typename V::Integers *dots) {
  using Panel = ColumnPanel<V, Format, TWO>;
  constexpr uint64_t kRow = V::kLanes * sizeof(int32_t);
  auto add = [&](typename V::Integers *sums, uint64_t digit) __attribute__((always_inline)) {
    V::template addDots<Format::kBits, COUNT, WIDTH>(sums, weights + FIRST, lane + (digit * kWords + FIRST) * kRow);
  };
  typename V::Integers highs[WIDTH];
#pragma GCC unroll 8
  for (uint64_t i = 0; i < WIDTH; ++i) {
    dots[i] = Format::kBias ? V::allOf(lane + offsetof(Panel, offsets) + PART * kRow + i * sizeof(int32_t)) : V::zero();
    highs[i] = V::zero();
  }
  add(dots, TWO ? 1 : 0);
  if constexpr (TWO) {
    add(highs, 0);
#pragma GCC unroll 8
    for (uint64_t i = 0; i < WIDTH; ++i)
      dots[i] = V::addIntegers(V::shiftLeft8(highs[i]), dots[i]);
  }
}

/// Adds a block's terms of WIDTH columns (docs/numbers.md, "Products").
template <class V, class Format, bool TWO, uint64_t WIDTH>
[[gnu::always_inline]] inline void addTerms(const typename Format::template Panel<V> &panel,
                                            const typename V::Integers *weights, const std::byte *lane,
                                            typename V::Floats *sums) {
  using Panel = ColumnPanel<V, Format, TWO>;
  constexpr uint64_t kPart = kWords / Format::kParts;
  typename V::Integers dots[Format::kParts][WIDTH];
  dotsOf<V, Format, TWO, WIDTH, 0, kPart, 0>(weights, lane, dots[0]);
  if constexpr (Format::kParts == 2)
    dotsOf<V, Format, TWO, WIDTH, kPart, kPart, 1>(weights, lane, dots[1]);
#pragma GCC unroll 8
  for (uint64_t i = 0; i < WIDTH; ++i) {
    const std::byte *own = lane + i * sizeof(int32_t);
    typename V::Floats scale = V::toBits(V::allOf(own + offsetof(Panel, scales))), whole;
    if constexpr (Format::kParts == 2)
      whole = V::template sumOfProducts<TWO>(panel.factors, dots[0][i], dots[1][i]);
    else
      whole = V::toFloats(dots[0][i]);
    typename V::Floats terms = V::multiply(V::multiply(panel.scales, scale), whole);
    if constexpr (Format::kMinimum)
      terms = V::add(terms, V::multiply(V::multiply(panel.minimums, scale),
                                        V::toFloats(V::allOf(own + offsetof(Panel, offsets)))));
    sums[i] = V::add(sums[i], terms);
  }
}

/// Adds the terms of a chunk to the sums of columns [column, column + WIDTH), of which `count` are there.
template <class V, class Format, bool TWO, uint64_t WIDTH>
void multiplyPanels(const typename Format::template Panel<V> *panel, const ColumnPanel<V, Format, TWO> *columns,
                    uint64_t blocks, uint64_t column, uint64_t count, float *out, Ahead &ahead) {
  // Columns whose sums of integers wait for each other's instructions.
  constexpr uint64_t kTogether = WIDTH % V::kTogether == 0 ? V::kTogether : V::kTogether / 2;
  typename V::Floats sums[WIDTH];
#pragma GCC unroll 16
  for (uint64_t i = 0; i < WIDTH; ++i)
    sums[i] = i < count ? V::load(out + i * kTileRows) : V::all(0.0f);
  // One pointer for all that is read of the columns: GCC would make one of every offset.
  const auto *lane = reinterpret_cast<const std::byte *>(columns) + column * sizeof(int32_t);
  for (uint64_t block = 0; block < blocks; ++block) {
    ahead.step();
    typename V::Integers weights[kWords];
#pragma GCC unroll 8
    for (uint64_t j = 0; j < kWords; ++j)
      weights[j] = panel[block].digits[j];
#pragma GCC unroll 16
    for (uint64_t i = 0; i < WIDTH; i += kTogether)
      addTerms<V, Format, TWO, kTogether>(panel[block], weights, lane + i * sizeof(int32_t), sums + i);
    lane += sizeof(*columns);
    V::keep(lane);
  }
#pragma GCC unroll 16
  for (uint64_t i = 0; i < WIDTH; ++i)
    if (i < count)
      V::store(out + i * kTileRows, sums[i]);
}

/// The columns of a group, as many at a time as registers allow.
template <class V, class Format, bool TWO>
void multiplyGroup(const typename Format::template Panel<V> *panel, const ColumnPanel<V, Format, TWO> *columns,
                   uint64_t blocks, uint64_t count, float *out, Ahead &ahead) {
  for (uint64_t column = 0; column < count; column += V::kColumns) {
    uint64_t width = count - column < V::kColumns ? count - column : V::kColumns;
    auto *function = multiplyPanels<V, Format, TWO, V::kColumns>;
    if constexpr (V::kColumns == 16) {
      if (width <= 4)
        function = multiplyPanels<V, Format, TWO, 4>;
      else if (width <= 8)
        function = multiplyPanels<V, Format, TWO, 8>;
      else if (width <= 12)
        function = multiplyPanels<V, Format, TWO, 12>;
    }
    function(panel, columns, blocks, column, width, out + column * kTileRows, ahead);
  }
}

/// A Product::TileFunction. `V` is a class of vectors of kLanes words, with the functions that are called of it here.
template <class V, class Format, bool TWO>
void panelProductOf(const std::byte *weightRows, uint64_t rowBytes, uint64_t rows, uint64_t length,
                    const Columns &columns, uint64_t first, uint64_t count, float *out) {
  typename Format::template Panel<V> panel[kChunk];
  ColumnPanel<V, Format, TWO> groups[kTileColumns / V::kLanes][kChunk];
  uint64_t blocks = length / kNumbers;
  __builtin_memset(out, 0, count * kTileRows * sizeof(float));
  for (uint64_t chunk = 0; chunk < blocks; chunk += kChunk) {
    uint64_t chunkBlocks = blocks - chunk < kChunk ? blocks - chunk : kChunk;
    uint64_t begin = Format::bytesBefore(chunk), bytes = Format::bytesBefore(chunk + chunkBlocks) - begin;
    for (uint64_t column = 0; column < count; column += V::kLanes)
      buildColumns<V, Format, TWO>(columns, first + column, count - column, chunk, chunkBlocks,
                                   groups[column / V::kLanes]);
    for (uint64_t row = 0; row < rows; row += V::kLanes) {
      Format::template build<V>(PanelRows<V>(weightRows + row * rowBytes + begin, rowBytes, rows - row), chunkBlocks,
                                panel);
      bool last = row + V::kLanes >= rows;
      Ahead ahead(weightRows + (last ? 0 : row + V::kLanes) * rowBytes + begin + (last ? bytes : 0), rowBytes, bytes,
                  (count + V::kColumns - 1) / V::kColumns);
      for (uint64_t column = 0; column < count; column += V::kLanes)
        multiplyGroup<V, Format, TWO>(panel, groups[column / V::kLanes], chunkBlocks,
                                      count - column < V::kLanes ? count - column : V::kLanes,
                                      out + column * kTileRows + row, ahead);
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
