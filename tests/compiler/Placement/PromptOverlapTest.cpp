// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the disk reads while something else is computed.

#include "compiler/Placement/PromptOverlap.h"

#include <gtest/gtest.h>
#include <vector>

namespace strata::test {
namespace {

TEST(PromptOverlap, WithoutReadingAheadOnlyExpertsHideReads) {
  std::vector<LayerPass> layers = {{1, 2, 3, 9}, {1, 4, 3, 9}};
  EXPECT_DOUBLE_EQ(overlappedSeconds(layers, false), (1 + 3) + (1 + 4));
}

TEST(PromptOverlap, ReadsAheadWhatThereIsRoomFor) {
  // Of three seconds of reads one has room, and is read while attention is computed.
  EXPECT_DOUBLE_EQ(overlappedSeconds(std::vector<LayerPass>{{5, 1, 3, 1}}, true), 5 + 2);
  // There is room, and time for half of it.
  EXPECT_DOUBLE_EQ(overlappedSeconds(std::vector<LayerPass>{{1, 1, 3, 2}}, true), 1 + 2);
  EXPECT_DOUBLE_EQ(overlappedSeconds(std::vector<LayerPass>{{5, 1, 3, 9}}, true), 5 + 1);
}

TEST(PromptOverlap, DenseLayersHideReadsToo) {
  std::vector<LayerPass> layers = {{2, 0, 0, 0}, {1, 1, 5, 9}, {4, 0, 0, 0}};
  EXPECT_DOUBLE_EQ(overlappedSeconds(layers, true), 3 + 2 + 4);
}

TEST(PromptOverlap, AnIdleDiskGoesOnWithTheNextLayer) {
  // The first layer's reads are over after one second of four; the second's then need none after it.
  std::vector<LayerPass> layers = {{0, 4, 1, 9}, {0, 1, 3, 9}};
  EXPECT_DOUBLE_EQ(overlappedSeconds(layers, true), 4 + 1);
  layers[1].room = 2;
  EXPECT_DOUBLE_EQ(overlappedSeconds(layers, true), 4 + 1);
  layers[1].room = 1;
  EXPECT_DOUBLE_EQ(overlappedSeconds(layers, true), 4 + 2);
}

TEST(PromptOverlap, WithRoomForAllItIsTheLongerOfBoth) {
  std::vector<LayerPass> computes(8, {1, 1, 1.5, 1e9}), reads(8, {1, 1, 2.5, 1e9});
  EXPECT_DOUBLE_EQ(overlappedSeconds(computes, true), 16);
  EXPECT_DOUBLE_EQ(overlappedSeconds(reads, true), 8 * 2.5);
}

} // namespace
} // namespace strata::test
