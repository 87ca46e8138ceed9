// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What panels of 16 rows (AVX-512) and of 8 (AVX2) have in common. Each level of instruction set includes this in a
// file that is compiled for it; nothing here may be shared between them.
#pragma once

#include "runtime/Device/Host/Panels/Panels.h"

namespace strata::host {
namespace {

constexpr uint64_t kNumbers = 32, kBlockBytes = 18;
/// Blocks of a row that are taken at a time: 64 rows of them are 80 KiB. The sums wait in the result meanwhile.
constexpr uint64_t kChunk = 64;

/// Up to COLUMNS columns' digits and scales, from the chunk's first block on. Those that are missing repeat the last
/// one.
template <uint64_t COLUMNS> struct Group {
  const int8_t *digits[COLUMNS];
  const float *scales[COLUMNS];
  alignas(64) int32_t offsets[COLUMNS][kChunk]; ///< -8 times the sum of a block's digits.
};

template <typename Kernel>
void loadGroup(const Columns &columns, uint64_t first, uint64_t count, uint64_t firstBlock, uint64_t blocks,
               Group<Kernel::kColumns> &group) {
  for (uint64_t column = 0; column < Kernel::kColumns; ++column) {
    uint64_t place = first + (column < count ? column : count - 1);
    // Not by Columns::row: the linker could take this file's copy of it for those of other files.
    const std::byte *row =
        columns.data + columns.rowBytes * (columns.rows ? static_cast<uint64_t>(columns.rows[place]) : place);
    const auto *digits = reinterpret_cast<const int8_t *>(row + columns.width / kNumbers * sizeof(float));
    group.digits[column] = digits + columns.offset + firstBlock * kNumbers;
    group.scales[column] = reinterpret_cast<const float *>(row) + columns.offset / kNumbers + firstBlock;
    if (column < count)
      for (uint64_t block = 0; block < blocks; ++block)
        group.offsets[column][block] = Kernel::offsetOf(group.digits[column] + block * kNumbers);
    else
      __builtin_memcpy(group.offsets[column], group.offsets[count - 1], blocks * sizeof(int32_t));
  }
}

/// `Kernel` has rows of a panel, columns of a group, and:
///   build(rows, bytes of a row, number of rows, blocks, panel)    puts a panel together
///   offsetOf(digits)                                              -8 times the sum of a block's digits
///   multiply(panel, blocks, group, columns, out)                  adds the terms of a chunk to the sums
template <typename Kernel>
void panelProductOf(const std::byte *weightRows, uint64_t rowBytes, uint64_t rows, uint64_t length,
                    const Columns &columns, uint64_t first, uint64_t count, float *out) {
  constexpr uint64_t kPanelRows = Kernel::kRows, kColumns = Kernel::kColumns;
  typename Kernel::Block panels[kTileRows / kPanelRows][kChunk];
  Group<kColumns> group;
  uint64_t panelCount = (rows + kPanelRows - 1) / kPanelRows, blocks = length / kNumbers;
  __builtin_memset(out, 0, count * kTileRows * sizeof(float));
  for (uint64_t chunk = 0; chunk < blocks; chunk += kChunk) {
    uint64_t chunkBlocks = blocks - chunk < kChunk ? blocks - chunk : kChunk;
    for (uint64_t panel = 0; panel < panelCount; ++panel)
      Kernel::build(weightRows + panel * kPanelRows * rowBytes + chunk * kBlockBytes, rowBytes,
                    rows - panel * kPanelRows, chunkBlocks, panels[panel]);
    for (uint64_t column = 0; column < count; column += kColumns) {
      uint64_t width = count - column < kColumns ? count - column : kColumns;
      loadGroup<Kernel>(columns, first + column, width, chunk, chunkBlocks, group);
      for (uint64_t panel = 0; panel < panelCount; ++panel) {
        float *to = out + column * kTileRows + panel * kPanelRows;
        Kernel::multiply(panels[panel], chunkBlocks, group, width, to);
      }
    }
  }
}

} // namespace
} // namespace strata::host
