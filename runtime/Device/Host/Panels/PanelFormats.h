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
/// Blocks of a row that are taken at a time: 16 rows of them are 36 KiB. The sums wait in the result meanwhile.
constexpr uint64_t kChunk = 64;

inline uint16_t half(const std::byte *from) {
  uint16_t bits;
  __builtin_memcpy(&bits, from, sizeof(bits));
  return bits;
}

/// A block of each row. Word i of digits[j] is from row i: its numbers 4j to 4j + 3, with the format's bias added.
template <class V> struct PlainPanel {
  typename V::Integers digits[kWords];
  typename V::Floats scales;
};
template <class V> struct MinimumPanel : PlainPanel<V> {
  typename V::Floats minimums;
};
template <class V> struct FactorsPanel : PlainPanel<V> {
  typename V::Integers factors[2]; ///< Of the first and the last 16 numbers.
};

/// Rows of a weight, from a chunk's first block on. Rows past the last repeat it.
template <class V> struct PanelRows {
  const std::byte *from[V::kLanes];

  PanelRows(const std::byte *weightRows, uint64_t rowBytes, uint64_t rows) {
    for (uint64_t row = 0; row < V::kLanes; ++row)
      from[row] = weightRows + (row < rows ? row : rows - 1) * rowBytes;
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

/// What stands in the low and the high halves of 16 bytes of each row.
template <class V> void splitNibbles(const PanelRows<V> &rows, uint64_t at, typename V::Integers *digits) {
  typename V::Integers packed[4];
  V::transpose(rows.from, at, packed);
#pragma GCC unroll 4
  for (uint64_t j = 0; j < 4; ++j) {
    digits[j] = V::lowBits(packed[j], 0, 15);
    digits[j + 4] = V::lowBits(packed[j], 4, 15);
  }
}

/// A format has the kind of its panel, and:
///   kBits         digits with their bias are below 2^kBits
///   kBias         what is added to a digit so that it is not negative
///   kParts        parts of a block whose integers have factors of their own; 1 if there are no factors
///   kMinimum      whether there are minimums
///   bytesBefore   where a block begins in a row
///   build         puts a chunk of a panel together; chunks begin at whole super-blocks
struct Q4_0Panel {
  static constexpr int kBits = 4, kBias = 8, kParts = 1;
  static constexpr bool kMinimum = false;
  template <class V> using Panel = PlainPanel<V>;
  static constexpr uint64_t kBytes = 18;
  static uint64_t bytesBefore(uint64_t block) { return block * kBytes; }

  template <class V> static void build(const PanelRows<V> &rows, uint64_t blocks, Panel<V> *panel) {
    alignas(64) uint16_t scales[kChunk * V::kLanes];
    collectHalves<V>(rows, 0, kBytes, blocks, scales);
    for (uint64_t block = 0; block < blocks; ++block) {
      splitNibbles<V>(rows, block * kBytes + 2, panel[block].digits);
      panel[block].scales = V::fromHalves(scales + block * V::kLanes);
    }
  }
};

struct Q4_1Panel {
  static constexpr int kBits = 4, kBias = 0, kParts = 1;
  static constexpr bool kMinimum = true;
  template <class V> using Panel = MinimumPanel<V>;
  static constexpr uint64_t kBytes = 20;
  static uint64_t bytesBefore(uint64_t block) { return block * kBytes; }

  template <class V> static void build(const PanelRows<V> &rows, uint64_t blocks, Panel<V> *panel) {
    alignas(64) uint16_t scales[kChunk * V::kLanes], minimums[kChunk * V::kLanes];
    collectHalves<V>(rows, 0, kBytes, blocks, scales);
    collectHalves<V>(rows, 2, kBytes, blocks, minimums);
    for (uint64_t block = 0; block < blocks; ++block) {
      splitNibbles<V>(rows, block * kBytes + 4, panel[block].digits);
      panel[block].scales = V::fromHalves(scales + block * V::kLanes);
      panel[block].minimums = V::fromHalves(minimums + block * V::kLanes);
    }
  }
};

struct Q8_0Panel {
  static constexpr int kBits = 8, kBias = 128, kParts = 1;
  static constexpr bool kMinimum = false;
  template <class V> using Panel = PlainPanel<V>;
  static constexpr uint64_t kBytes = 34;
  static uint64_t bytesBefore(uint64_t block) { return block * kBytes; }

  template <class V> static void build(const PanelRows<V> &rows, uint64_t blocks, Panel<V> *panel) {
    alignas(64) uint16_t scales[kChunk * V::kLanes];
    collectHalves<V>(rows, 0, kBytes, blocks, scales);
    for (uint64_t block = 0; block < blocks; ++block) {
      typename V::Integers *digits = panel[block].digits;
      V::transpose(rows.from, block * kBytes + 2, digits);
      V::transpose(rows.from, block * kBytes + 18, digits + 4);
#pragma GCC unroll 8
      for (uint64_t j = 0; j < kWords; ++j)
        digits[j] = V::exclusiveOr(digits[j], V::allBytes(static_cast<char>(0x80)));
      panel[block].scales = V::fromHalves(scales + block * V::kLanes);
    }
  }
};

/// Super-blocks of eight blocks: see WeightBlocks.h.
struct Q6_KPanel {
  static constexpr int kBits = 6, kBias = 32, kParts = 2;
  static constexpr bool kMinimum = false;
  template <class V> using Panel = FactorsPanel<V>;
  static constexpr uint64_t kBytes = 210, kPieces = 8;
  static uint64_t bytesBefore(uint64_t block) { return block / kPieces * kBytes; }

  template <class V> static void build(const PanelRows<V> &rows, uint64_t blocks, Panel<V> *panel) {
    for (uint64_t block = 0; block < blocks; ++block) {
      uint64_t super = block / kPieces * kBytes, halfBlock = block % kPieces / 4, piece = block % 4;
      uint64_t low = super + halfBlock * 64 + piece % 2 * kNumbers, high = super + 128 + halfBlock * 32;
      auto lowShift = static_cast<int>(piece / 2 * 4), highShift = static_cast<int>(piece * 2);
      typename V::Integers *digits = panel[block].digits, highs[kWords];
      V::transpose(rows.from, low, digits);
      V::transpose(rows.from, low + 16, digits + 4);
      V::transpose(rows.from, high, highs);
      V::transpose(rows.from, high + 16, highs + 4);
#pragma GCC unroll 8
      for (uint64_t j = 0; j < kWords; ++j)
        digits[j] =
            V::bitwiseOr(V::lowBits(digits[j], lowShift, 15), V::shiftLeft4(V::lowBits(highs[j], highShift, 3)));
      alignas(64) uint16_t scales[V::kLanes];
      alignas(64) int32_t factors[2][V::kLanes];
      for (uint64_t row = 0; row < V::kLanes; ++row) {
        const std::byte *from = rows.from[row] + super;
        scales[row] = half(from + 208);
        const auto *bytes = reinterpret_cast<const int8_t *>(from) + 192 + halfBlock * 8 + piece * 2;
        factors[0][row] = bytes[0];
        factors[1][row] = bytes[1];
      }
      panel[block].scales = V::fromHalves(scales);
      panel[block].factors[0] = V::load(factors[0]);
      panel[block].factors[1] = V::load(factors[1]);
    }
  }
};

} // namespace
} // namespace strata::host
