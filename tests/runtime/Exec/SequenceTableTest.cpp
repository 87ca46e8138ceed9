// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Exec/SequenceTable.h"

#include <gtest/gtest.h>
#include <random>
#include <set>

namespace strata {
namespace {

TEST(SequenceTable, BlocksComeWithPositions) {
  SequenceTable table(2, 3, 64);
  uint32_t a = *table.open(), b = *table.open();
  EXPECT_FALSE(table.open());
  EXPECT_TRUE(table.takeChanged());
  table.reserve(a, 64);
  table.reserve(b, 1);
  table.reserve(a, 65);
  EXPECT_TRUE(table.takeChanged());
  EXPECT_FALSE(table.takeChanged());
  std::set<int32_t> given = {table.table()[0], table.table()[1], table.table()[3]};
  EXPECT_EQ(given.size(), 3u);
  EXPECT_EQ(table.positions(a), 0u) << "reserving is no appending";
  table.setPositions(a, 65);
  table.reserve(a, 66);
  EXPECT_FALSE(table.takeChanged()) << "the block is there";
  table.setPositions(a, 64);
  EXPECT_TRUE(table.takeChanged());
  EXPECT_EQ(table.table()[1], 0);
}

/// Whatever is opened, grown, cut and closed: no block belongs to two sequences, and none is lost.
TEST(SequenceTable, NoBlockIsSharedOrLost) {
  constexpr uint32_t kCount = 4, kBlocks = 5, kPositions = 64;
  SequenceTable table(kCount, kBlocks, kPositions);
  std::mt19937 random(1);
  for (int step = 0; step < 20000; ++step) {
    uint32_t sequence = random() % kCount;
    if (!table.isOpen(sequence)) {
      ASSERT_TRUE(table.open());
      continue;
    }
    uint32_t positions = random() % (kBlocks * kPositions + 1);
    switch (random() % 4) {
    case 0:
      table.close(sequence);
      break;
    case 1:
      table.setPositions(sequence, std::min(positions, table.positions(sequence)));
      break;
    default:
      table.reserve(sequence, positions);
      if (positions > table.positions(sequence))
        table.setPositions(sequence, positions);
    }
    std::set<int32_t> used;
    size_t count = 0;
    for (uint32_t each = 0; each < kCount; ++each)
      for (uint32_t i = 0; table.isOpen(each) && i < (table.positions(each) + kPositions - 1) / kPositions; ++i) {
        int32_t block = table.table()[each * kBlocks + i];
        ASSERT_GE(block, 0);
        ASSERT_LT(block, static_cast<int32_t>(kCount * kBlocks));
        used.insert(block);
        ++count;
      }
    ASSERT_EQ(used.size(), count);
  }
  for (uint32_t each = 0; each < kCount; ++each) {
    table.close(each);
  }
  for (uint32_t each = 0; each < kCount; ++each) {
    uint32_t sequence = *table.open();
    table.reserve(sequence, kBlocks * kPositions);
  }
  std::set<int32_t> all(table.table().begin(), table.table().end());
  EXPECT_EQ(all.size(), kCount * kBlocks);
}

} // namespace
} // namespace strata
