// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the recorder makes of steps: segments, and nothing of those that were given up.
#include "runtime/Routing/RoutingRecorder.h"

#include <gtest/gtest.h>

using namespace strata;

using Numbers = std::vector<int32_t>;

TEST(RoutingRecorder, JoinsAnAnswersTokensAndKeepsPhasesApart) {
  RoutingRecorder recorder({{}, 1, 2, 4, 1}, true);
  // A prompt of three tokens whose first layer comes in two chunks; a decode step of another sequence in between.
  recorder.begin(RoutingPhase::Prompt, Numbers{0, 0, 0}, Numbers{0, 1, 2});
  recorder.chosen(RoutingPhase::Prompt, 1, 0, Numbers{0, 1});
  recorder.begin(RoutingPhase::Generated, Numbers{1}, Numbers{5});
  recorder.chosen(RoutingPhase::Generated, 1, 0, Numbers{3});
  recorder.chosen(RoutingPhase::Generated, 2, 0, Numbers{3});
  recorder.end(RoutingPhase::Generated);
  recorder.chosen(RoutingPhase::Prompt, 1, 2, Numbers{2});
  recorder.chosen(RoutingPhase::Prompt, 2, 0, Numbers{3, 2, 1});
  recorder.end(RoutingPhase::Prompt);
  for (int32_t position : {3, 4}) {
    recorder.begin(RoutingPhase::Generated, Numbers{0}, Numbers{position});
    recorder.chosen(RoutingPhase::Generated, 1, 0, Numbers{1});
    recorder.chosen(RoutingPhase::Generated, 2, 0, Numbers{position - 3});
    recorder.end(RoutingPhase::Generated);
  }
  recorder.begin(RoutingPhase::Generated, Numbers{0}, Numbers{5}); // Given up.
  const auto &segments = recorder.trace().segments;
  ASSERT_EQ(segments.size(), 3u);
  EXPECT_EQ(segments[0].sequence, 1u);
  EXPECT_EQ(segments[1].phase, RoutingPhase::Prompt);
  EXPECT_EQ(segments[1].ids, (std::vector<uint16_t>{0, 3, 1, 2, 2, 1}));
  EXPECT_EQ(segments[2].firstPosition, 3u);
  EXPECT_EQ(segments[2].ids, (std::vector<uint16_t>{1, 0, 1, 1}));
  EXPECT_EQ(recorder.usage().tokens, 3u);
  EXPECT_EQ(recorder.usage().counts, (std::vector<uint64_t>{0, 2, 0, 1, 1, 1, 0, 1}));
}
