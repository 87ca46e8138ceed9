// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Which position blocks of the KV cache belong to which sequence.
#pragma once

#include "runtime/Base/Error.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace strata {

/// The sequences of a session and a free list of position blocks. There are as many blocks as all sequences at their
/// full context take, so that an open sequence always gets what it needs. Allocates only when it is made.
class SequenceTable {
public:
  SequenceTable(uint32_t sequences, uint32_t blocksPerSequence, uint32_t blockPositions);

  /// Nothing if all are open.
  std::optional<uint32_t> open();
  void close(uint32_t sequence);
  bool isOpen(uint32_t sequence) const { return sequence < entries.size() && entries[sequence].open; }

  uint32_t positions(uint32_t sequence) const { return entries[sequence].positions; }
  /// Makes the sequence `positions` long and frees the blocks beyond.
  void setPositions(uint32_t sequence, uint32_t positions);
  /// Gives the sequence the blocks for its first `positions` positions, at most the context; its length stays.
  void reserve(uint32_t sequence, uint32_t positions);

  /// [sequences, blocksPerSequence]; entries that are in no use are 0.
  std::span<const int32_t> table() const { return blockTable; }
  /// True once after the table changed.
  bool takeChanged();

private:
  struct Entry {
    bool open = false;
    uint32_t positions = 0;
    uint32_t blocks = 0;
  };
  int32_t &block(uint32_t sequence, uint32_t number) {
    return blockTable[uint64_t(sequence) * blocksPerSequence + number];
  }

  uint32_t blocksPerSequence;
  uint32_t blockPositions;
  std::vector<Entry> entries;
  std::vector<int32_t> blockTable;
  std::vector<int32_t> freeBlocks; ///< The next one to give out is at the end.
  bool changed = true;
};

} // namespace strata
