// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Form few of super-blocks of eight blocks, a row after the other: a lane of the sum for each block. The bits are those
// of the portable products in Products.cpp. Each level of instruction set includes this in a file that is compiled for
// it; nothing here may be shared between them.
#pragma once

#include "runtime/Device/Host/Product/GroupLoops.h"

namespace strata::host {
namespace {

/// A Product::TileFunction. `Kernel` has, for super-block `group` of a weight row:
///   prefetch(row, group, ahead)                             asks for what is `ahead` bytes behind it
///   load(row, group)                                        digits and scales, unpacked
///   addTerms<TWO>(weights, scales, high, low, sums)         adds the blocks' terms to eight sums
template <class Kernel, bool TWO>
void superBlockProductOf(const std::byte *weightRows, uint64_t rowBytes, uint64_t rows, uint64_t length,
                         const Columns &columns, uint64_t first, uint64_t count, float *out) {
  constexpr uint64_t kBlocks = 8;
  DigitRow inputs[kTileColumns];
  for (uint64_t column = 0; column < count; ++column)
    inputs[column] = digitRow(columns, first + column);
  for (uint64_t row = 0; row < rows; ++row) {
    const std::byte *weightRow = weightRows + row * rowBytes;
    alignas(32) float lanes[kTileColumns][kSumLanes];
    __builtin_memset(lanes, 0, count * sizeof(lanes[0]));
    for (uint64_t group = 0; group < length / (kBlocks * kNumbers); ++group) {
      Kernel::prefetch(weightRow, group, kAhead);
      auto weights = Kernel::load(weightRow, group);
      uint64_t at = group * kBlocks * kNumbers;
      for (uint64_t column = 0; column < count; ++column)
        Kernel::template addTerms<TWO>(weights, inputs[column].scales + group * kBlocks, inputs[column].high + at,
                                       inputs[column].low + at, lanes[column]);
    }
    for (uint64_t column = 0; column < count; ++column)
      out[column * kTileRows + row] = joined(lanes[column]);
  }
}

} // namespace
} // namespace strata::host
