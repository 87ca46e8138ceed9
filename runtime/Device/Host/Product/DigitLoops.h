// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Products of digits eight blocks at a time, over a class of vectors: the bits of the portable products in Products.cpp
// (docs/numbers.md, "Products"), since integers are exact and term j goes to lane j mod 8 in both. Each level of
// instruction set includes this in a file that is compiled for it; nothing here may be shared between them.
#pragma once

#include "runtime/Device/Host/Products.h"

namespace strata::host {
namespace {

constexpr uint64_t kGroup = 8; ///< Blocks that are taken together, one for each lane.

/// A row of activation digits (runtime/Schema/RowBytes.h).
struct DigitRow {
  const float *scales;
  const int8_t *high;
  const int8_t *low; ///< Under i16 only.
};

inline DigitRow digitRow(const Columns &columns, uint64_t column) {
  const std::byte *row =
      columns.data + columns.rowBytes * (columns.rows ? static_cast<uint64_t>(columns.rows[column]) : column);
  const auto *digits = reinterpret_cast<const int8_t *>(row + columns.width / 32 * sizeof(float));
  return {reinterpret_cast<const float *>(row) + columns.offset / 32, digits + columns.offset,
          digits + columns.width + columns.offset};
}

/// The exact sum of one block of Q4_0, from its 16 bytes of digits.
template <bool TWO> inline int q4_0Sum(const std::byte *packed, const int8_t *high, const int8_t *low) {
  int sum = 0;
  for (int i = 0; i < 32; ++i) {
    auto both = static_cast<uint8_t>(packed[i % 16]);
    int weight = (i < 16 ? both & 15 : both >> 4) - 8;
    sum += weight * (TWO ? high[i] * 256 + low[i] : high[i]);
  }
  return sum;
}

/// `Kernel` has, for eight blocks of a weight:
///   prefetch(row, group, ahead)                             asks for what is `ahead` bytes behind them
///   load(row, group)                                        digits and scales, unpacked
///   addTerms<TWO>(weights, scales, high, low, sums)         adds the blocks' terms to eight sums
/// and, unless its rows are whole groups, term<TWO>(row, block, scale, high, low), the term of one block.
template <class Kernel, bool TWO, bool FEW>
void digitsProductOf(const std::byte *weightRow, uint64_t length, const Columns &columns, uint64_t first,
                     uint64_t count, float *out) {
  constexpr uint64_t kMost = FEW ? kFewColumns : kManyColumns;
  // How far ahead of what is multiplied memory is asked for: the hardware does not look past a page.
  constexpr uint64_t kAhead = 8192;
  uint64_t blocks = length / 32, groups = blocks / kGroup;
  DigitRow inputs[kMost];
  alignas(32) float lanes[kMost][kGroup] = {};
  for (uint64_t column = 0; column < count; ++column)
    inputs[column] = digitRow(columns, first + column);
  for (uint64_t group = 0; group < groups; ++group) {
    Kernel::prefetch(weightRow, group, kAhead);
    auto weights = Kernel::load(weightRow, group);
    for (uint64_t column = 0; column < count; ++column) {
      const DigitRow &input = inputs[column];
      uint64_t at = group * kGroup * 32;
      if constexpr (FEW) {
        Kernel::template addTerms<TWO>(weights, input.scales + group * kGroup, input.high + at, input.low + at,
                                       lanes[column]);
      } else {
        alignas(32) float terms[kGroup] = {};
        Kernel::template addTerms<TWO>(weights, input.scales + group * kGroup, input.high + at, input.low + at, terms);
        for (float term : terms)
          lanes[column][0] += term;
      }
    }
  }
  // Rows of super-blocks end with one.
  if constexpr (!Kernel::kWholeGroups)
    for (uint64_t block = groups * kGroup; block < blocks; ++block)
      for (uint64_t column = 0; column < count; ++column) {
        const DigitRow &input = inputs[column];
        lanes[column][FEW ? block % kGroup : 0] += Kernel::template term<TWO>(
            weightRow, block, input.scales[block], input.high + block * 32, input.low + block * 32);
      }
  for (uint64_t column = 0; column < count; ++column) {
    const float *l = lanes[column];
    out[column] = FEW ? ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7])) : l[0];
  }
}

/// The function for a kernel, by activations and form.
template <class Kernel> Product::Function digitsFunctionOf(bool two, bool few) {
  if (two)
    return few ? digitsProductOf<Kernel, true, true> : digitsProductOf<Kernel, true, false>;
  return few ? digitsProductOf<Kernel, false, true> : digitsProductOf<Kernel, false, false>;
}

} // namespace
} // namespace strata::host
