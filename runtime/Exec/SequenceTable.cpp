// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Exec/SequenceTable.h"

#include <algorithm>
#include <utility>

namespace strata {

SequenceTable::SequenceTable(uint32_t sequences, uint32_t blocksEach, uint32_t positionsEach)
    : blocksPerSequence(blocksEach), blockPositions(positionsEach), entries(sequences) {
  uint64_t blocks = uint64_t(sequences) * blocksEach;
  blockTable.resize(blocks, 0);
  freeBlocks.resize(blocks);
  for (uint64_t i = 0; i < blocks; ++i)
    freeBlocks[i] = static_cast<int32_t>(blocks - 1 - i);
}

std::optional<uint32_t> SequenceTable::open() {
  auto found = std::find_if(entries.begin(), entries.end(), [](const Entry &entry) { return !entry.open; });
  if (found == entries.end())
    return std::nullopt;
  found->open = true;
  return static_cast<uint32_t>(found - entries.begin());
}

void SequenceTable::close(uint32_t sequence) {
  if (!isOpen(sequence))
    return;
  setPositions(sequence, 0);
  entries[sequence].open = false;
}

void SequenceTable::setPositions(uint32_t sequence, uint32_t positions) {
  Entry &entry = entries[sequence];
  entry.positions = positions;
  uint32_t needed = positions / blockPositions + (positions % blockPositions != 0);
  for (; entry.blocks > needed; --entry.blocks) {
    // Within the capacity that the constructor made.
    freeBlocks.push_back(std::exchange(block(sequence, entry.blocks - 1), 0));
    changed = true;
  }
}

void SequenceTable::reserve(uint32_t sequence, uint32_t positions) {
  Entry &entry = entries[sequence];
  uint32_t needed = positions / blockPositions + (positions % blockPositions != 0);
  for (; entry.blocks < needed; ++entry.blocks) {
    block(sequence, entry.blocks) = freeBlocks.back();
    freeBlocks.pop_back();
    changed = true;
  }
}

bool SequenceTable::takeChanged() {
  return std::exchange(changed, false);
}

} // namespace strata
