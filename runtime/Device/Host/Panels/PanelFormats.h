// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Panels: some weight rows side by side, a lane for each, with every encoding's digits as unsigned bytes. Each level of
// instruction set includes this in a file that is compiled for it; nothing here may be shared between them.
#pragma once

#include "runtime/Device/Host/Panels/Panels.h"

namespace strata::host {
namespace {

/// Numbers of a block, and 32-bit words that its digits are.
constexpr uint64_t kNumbers = 32, kWords = 8;
/// Blocks of rows that are taken at a time: those of 32 rows are 20 KiB and stay in the first-level cache while the
/// columns pass by. The sums wait in the result meanwhile.
constexpr uint64_t kChunk = 16;
/// Blocks of columns that are taken at a time: those of 64 columns stay in the second-level cache while rows pass by.
constexpr uint64_t kSpan = 128;
/// 1.5 · 2^23: its bits plus those of an integer below 2^22 in magnitude are the bits of their sum.
constexpr float kMagic = 12582912.0f;
constexpr int32_t kMagicBits = 0x4B400000;
static_assert(kNumbers * 128 * 128 < 1 << 22, "a block's integers with one digit");

inline uint16_t half(const std::byte *from) {
  uint16_t bits;
  __builtin_memcpy(&bits, from, sizeof(bits));
  return bits;
}

/// A block of each row. Word i of digits[j] is from row i: its numbers 4j to 4j + 3, with the format's bias added.
template <class V, uint64_t PARTS> struct PlainPanel {
  typename V::Integers digits[kWords];
  typename V::Floats scales[PARTS]; ///< Of all numbers, or of the first and the last 16; NaN where not finite.
  typename V::Floats shift;         ///< -kMagic · scales[0], exactly: scales have at most 18 bits.
};
template <class V> struct MinimumPanel : PlainPanel<V, 1> {
  typename V::Floats minimums;
};

/// Sets the scales of a panel of one part.
template <class V> void setScales(PlainPanel<V, 1> &panel, typename V::Floats scales) {
  panel.scales[0] = V::add(scales, V::subtract(scales, scales));
  panel.shift = V::multiply(panel.scales[0], V::all(-kMagic));
}

/// Rows of a weight from row `first` on, and from a chunk's first block on. Rows past the last repeat it.
template <class V> struct PanelRows {
  const std::byte *from[V::kLanes];

  PanelRows(const std::byte *weightRows, uint64_t rowBytes, uint64_t first, uint64_t rows) {
    for (uint64_t i = 0; i < V::kLanes; ++i)
      from[i] = weightRows + (first + i < rows ? first + i : rows - 1) * rowBytes;
  }
};

/// Numbers of f16 that lie `stride` bytes apart in every row, the first at `at`, as [block][row]. One row after the
/// other: loads that follow their stores at once would wait for them.
template <class V>
void collectHalves(const PanelRows<V> &rows, uint64_t at, uint64_t stride, uint64_t blocks, uint16_t *to) {
  for (uint64_t row = 0; row < V::kLanes; ++row)
#pragma GCC unroll 8
    for (uint64_t block = 0; block < blocks; ++block)
      to[block * V::kLanes + row] = half(rows.from[row] + at + block * stride);
}

/// The words of a row's blocks: word i of words[j] is word j of row i. Nothing behind `bytes` is read, which are at
/// least 16; words past them are zero.
template <class V>
void collectWords(const PanelRows<V> &rows, uint64_t at, uint64_t bytes, typename V::Integers *words) {
  constexpr uint64_t kPiece = 16;
  uint64_t whole = bytes / kPiece, rest = bytes % kPiece;
  for (uint64_t piece = 0; piece < whole; ++piece)
    V::transpose(rows.from, at + piece * kPiece, words + piece * 4);
  if (rest == 0)
    return;
  std::byte ends[V::kLanes][2 * kPiece] = {};
  const std::byte *places[V::kLanes];
  for (uint64_t row = 0; row < V::kLanes; ++row) {
    __builtin_memcpy(ends[row], rows.from[row] + at + bytes - kPiece, kPiece);
    places[row] = ends[row] + kPiece - rest;
  }
  V::transpose(places, 0, words + whole * 4);
}

/// A word's low and high four bits, where they belong in a block.
template <class V> void splitNibbles(typename V::Integers word, typename V::Integers *digits) {
  digits[0] = V::lowBits(word, 0, 15);
  digits[kWords / 2] = V::lowBits(word, 4, 15);
}

/// A format has the kind of its panel, and:
///   kBits         digits with their bias are below 2^kBits
///   kBias         what is added to a digit so that it is not negative
///   kParts        parts of a block whose integers have factors of their own; 1 if there are no factors
///   kMinimum      whether there are minimums
///   kRotated      whether in every other block, from the first on, the last two of each 16 digits come first
///   bytesBefore   where a block begins in a row
///   build         puts a chunk of a panel together, at every STRIDE-th place; chunks begin at whole super-blocks
struct Q4_0Panel {
  static constexpr int kBits = 4, kBias = 8, kParts = 1;
  static constexpr bool kMinimum = false, kRotated = true;
  template <class V> using Panel = PlainPanel<V, kParts>;
  static constexpr uint64_t kBytes = 18;
  static uint64_t bytesBefore(uint64_t block) { return block * kBytes; }

  /// Two blocks are nine words: scale and two bytes of digits, three words, two bytes and the other scale, four words.
  template <class V, uint64_t STRIDE> static void build(const PanelRows<V> &rows, uint64_t blocks, Panel<V> *panels) {
    constexpr uint64_t kTogether = 8, kWordsOfTwo = 9;
    for (uint64_t first = 0; first < blocks; first += kTogether) {
      uint64_t count = blocks - first < kTogether ? blocks - first : kTogether;
      typename V::Integers all[kTogether / 2 * kWordsOfTwo];
      collectWords<V>(rows, first * kBytes, count * kBytes, all);
      const typename V::Integers *words = all;
      for (uint64_t block = first; block < first + count; block += 2, words += kWordsOfTwo) {
        Panel<V> &even = panels[block * STRIDE];
        setScales<V>(even, V::fromLowHalves(words[0]));
        splitNibbles<V>(V::blendHalves(words[4], words[0]), even.digits);
        for (uint64_t j = 1; j < 4; ++j)
          splitNibbles<V>(words[j], even.digits + j);
        if (block + 1 == blocks)
          return;
        Panel<V> &odd = panels[(block + 1) * STRIDE];
        setScales<V>(odd, V::fromHighHalves(words[4]));
        for (uint64_t j = 0; j < 4; ++j)
          splitNibbles<V>(words[5 + j], odd.digits + j);
      }
    }
  }
};

struct Q4_1Panel {
  static constexpr int kBits = 4, kBias = 0, kParts = 1;
  static constexpr bool kMinimum = true, kRotated = false;
  template <class V> using Panel = MinimumPanel<V>;
  static constexpr uint64_t kBytes = 20;
  static uint64_t bytesBefore(uint64_t block) { return block * kBytes; }

  /// A block is five words: scale and minimum, then digits.
  template <class V, uint64_t STRIDE> static void build(const PanelRows<V> &rows, uint64_t blocks, Panel<V> *panels) {
    constexpr uint64_t kTogether = 4, kWordsOfOne = 5;
    for (uint64_t first = 0; first < blocks; first += kTogether) {
      uint64_t count = blocks - first < kTogether ? blocks - first : kTogether;
      typename V::Integers all[kTogether * kWordsOfOne];
      collectWords<V>(rows, first * kBytes, count * kBytes, all);
      for (uint64_t i = 0; i < count; ++i) {
        const typename V::Integers *words = all + i * kWordsOfOne;
        Panel<V> &panel = panels[(first + i) * STRIDE];
        setScales<V>(panel, V::fromLowHalves(words[0]));
        panel.minimums = V::fromHighHalves(words[0]);
        for (uint64_t j = 0; j < 4; ++j)
          splitNibbles<V>(words[1 + j], panel.digits + j);
      }
    }
  }
};

struct Q8_0Panel {
  static constexpr int kBits = 8, kBias = 128, kParts = 1;
  static constexpr bool kMinimum = false, kRotated = false;
  template <class V> using Panel = PlainPanel<V, kParts>;
  static constexpr uint64_t kBytes = 34;
  static uint64_t bytesBefore(uint64_t block) { return block * kBytes; }

  template <class V, uint64_t STRIDE> static void build(const PanelRows<V> &rows, uint64_t blocks, Panel<V> *panels) {
    alignas(64) uint16_t scales[kChunk * V::kLanes];
    collectHalves<V>(rows, 0, kBytes, blocks, scales);
    for (uint64_t block = 0; block < blocks; ++block) {
      Panel<V> &panel = panels[block * STRIDE];
      typename V::Integers *digits = panel.digits;
      V::transpose(rows.from, block * kBytes + 2, digits);
      V::transpose(rows.from, block * kBytes + 18, digits + 4);
#pragma GCC unroll 8
      for (uint64_t j = 0; j < kWords; ++j)
        digits[j] = V::exclusiveOr(digits[j], V::allBytes(static_cast<char>(0x80)));
      setScales<V>(panel, V::fromHalves(scales + block * V::kLanes));
    }
  }
};

/// Super-blocks of eight blocks: see WeightBlocks.h.
struct Q6_KPanel {
  static constexpr int kBits = 6, kBias = 32, kParts = 2;
  static constexpr bool kMinimum = false, kRotated = false;
  template <class V> using Panel = PlainPanel<V, kParts>;
  static constexpr uint64_t kBytes = 210, kPieces = 8;
  static uint64_t bytesBefore(uint64_t block) { return block / kPieces * kBytes; }

  template <class V, uint64_t STRIDE> static void build(const PanelRows<V> &rows, uint64_t blocks, Panel<V> *panels) {
    for (uint64_t block = 0; block < blocks; ++block) {
      Panel<V> &panel = panels[block * STRIDE];
      uint64_t super = block / kPieces * kBytes, halfBlock = block % kPieces / 4, piece = block % 4;
      uint64_t low = super + halfBlock * 64 + piece % 2 * kNumbers, high = super + 128 + halfBlock * 32;
      auto lowShift = static_cast<int>(piece / 2 * 4), highShift = static_cast<int>(piece * 2);
      typename V::Integers *digits = panel.digits, highs[kWords];
      V::transpose(rows.from, low, digits);
      V::transpose(rows.from, low + 16, digits + 4);
      V::transpose(rows.from, high, highs);
      V::transpose(rows.from, high + 16, highs + 4);
#pragma GCC unroll 8
      for (uint64_t j = 0; j < kWords; ++j)
        digits[j] =
            V::bitwiseOr(V::lowBits(digits[j], lowShift, 15), V::shiftLeft4(V::lowBits(highs[j], highShift, 3)));
      alignas(64) uint16_t scales[V::kLanes];
      alignas(64) int32_t factors[kParts][V::kLanes];
      for (uint64_t row = 0; row < V::kLanes; ++row) {
        const std::byte *from = rows.from[row] + super;
        scales[row] = half(from + 208);
        const auto *bytes = reinterpret_cast<const int8_t *>(from) + 192 + halfBlock * 8 + piece * 2;
        factors[0][row] = bytes[0];
        factors[1][row] = bytes[1];
      }
      typename V::Floats scale = V::fromHalves(scales);
      scale = V::add(scale, V::subtract(scale, scale));
      for (uint64_t part = 0; part < kParts; ++part)
        panel.scales[part] = V::multiply(scale, V::toFloats(V::load(factors[part])));
      panel.shift = V::multiply(panel.scales[0], V::all(-kMagic));
    }
  }
};

} // namespace
} // namespace strata::host
