// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Results have the same bits for any number of threads, and for a token alone, in company or in another chunk.
#include "tests/runtime/Device/Scenarios.h"

namespace strata::test {
namespace {

struct BitEqualityTest : DeviceTest {
  std::vector<std::byte> whole(const Scenario &scenario, unsigned threads) {
    std::unique_ptr<Device> other = makeDevice(GetParam(), threads);
    Workbench otherBench(*other);
    PreparedCall call = scenario.prepare(otherBench);
    otherBench.launch(call);
    return resultsOf(otherBench, call);
  }

  /// In parts of `tokens` tokens, the last ones first.
  std::vector<std::byte> inParts(const Scenario &scenario, uint64_t tokens) {
    std::unique_ptr<Device> other = makeDevice(GetParam(), 1);
    Workbench otherBench(*other);
    PreparedCall call = scenario.prepare(otherBench);
    for (uint64_t first = (kScenarioTokens - 1) / tokens * tokens;; first -= tokens) {
      otherBench.launch(part(call, first, std::min(tokens, kScenarioTokens - first)));
      if (first == 0)
        return resultsOf(otherBench, call);
    }
  }
};
STRATA_ON_EVERY_DEVICE(BitEqualityTest);

TEST_P(BitEqualityTest, ForAnyNumberOfThreads) {
  for (const Scenario &scenario : scenarios()) {
    SCOPED_TRACE(scenario.name);
    std::vector<std::byte> expected = whole(scenario, 1);
    for (unsigned threads : {2u, 3u, 7u})
      EXPECT_TRUE(whole(scenario, threads) == expected) << threads << " threads";
  }
}

TEST_P(BitEqualityTest, AloneAndInCompany) {
  for (const Scenario &scenario : scenarios()) {
    SCOPED_TRACE(scenario.name);
    std::vector<std::byte> expected = whole(scenario, 1);
    // Alone; one less and one more than a pass of form few; one more than a pass of form many.
    for (uint64_t tokens : {1u, 7u, 9u, 17u})
      EXPECT_TRUE(inParts(scenario, tokens) == expected) << "in parts of " << tokens;
  }
}

TEST_P(BitEqualityTest, OfTheNextRun) {
  // The same call again, over what the first left in scratch.
  for (const Scenario &scenario : scenarios()) {
    SCOPED_TRACE(scenario.name);
    PreparedCall call = scenario.prepare(bench);
    bench.launch(call);
    std::vector<std::byte> first = resultsOf(bench, call);
    bench.launch(call);
    EXPECT_TRUE(resultsOf(bench, call) == first);
  }
}

} // namespace
} // namespace strata::test
