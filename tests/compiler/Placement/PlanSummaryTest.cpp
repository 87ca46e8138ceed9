// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Placement/PlanSummary.h"
#include "tests/compiler/Support/ModelFixture.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata {
namespace {
using testing::HasSubstr;
using testing::Not;

const std::vector<ArenaNeed> kArenas = {{"decode", 1 << 20, 1 << 20}, {"prompt", 4 << 20, 3 << 20}};
constexpr PlanSettings kSettings = {.context = 32768, .sequences = 1, .promptTokens = 4096, .chunkTokens = 512};

/// The summary of V3.1 on a machine with that much memory.
std::string summaryWith(uint64_t ramBytes) {
  gguf::Model model = openV31();
  ModelDescription v31 = describeOrThrow(model);
  Inventory inventory = valueOrThrow(takeInventory(model.tensors(), v31));
  RamNeed need = valueOrThrow(ramNeed(v31, kSettings, inventory.total.bytes, kArenas));
  MachineDescription machine{"box", 13, ramBytes, "{}"};
  return formatPlanSummary(v31, machine, kSettings, inventory, need, kArenas);
}

TEST(PlanSummary, SaysWhatFitsWhereInTenLines) {
  std::string text = summaryWith(uint64_t(40) << 30);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 10) << text;
  for (const char *part : {
           "DeepSeek V3.1: 61 layers, 3 of them dense; 256 experts per layer, 8 used in 4 of 8 groups, 1 shared",
           "box: 13 cores, 40.0 GiB RAM",
           "context 32,768, 1 sequence, prompts of 4,096 tokens, chunks of 512, KV f16",
           "378,060,636,160 B (352.1 GiB) in 1,086 tensors, tier ram, 880.2 % of its RAM",
           "routed experts 342.6 GiB (97.29 %), attention 6.0 GiB (1.70 %), shared experts 1.3 GiB (0.38 %)",
           "14,848 of 24,772,608 B (23.6 MiB)",
           "70,272 B per position, 2.1 GiB, tier ram, 5.4 % of its RAM",
           "decode 1.0 MiB (0.0 % waste), prompt 4.0 MiB (25.0 % waste), together 5.0 MiB",
           "21,210,189,760 B (19.8 GiB) of weights, 9,715,699,648 B of them not routed",
           "needs 380,368,551,936 B",
           "short by 337,418,878,976 B",
       })
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(PlanSummary, SaysThatItFits) {
  std::string text = summaryWith(uint64_t(400) << 30);
  EXPECT_THAT(text, HasSubstr(": fits\n"));
  EXPECT_THAT(text, Not(HasSubstr("short by")));
}

TEST(PlanSummary, UnknownMemoryIsNoShortfall) {
  std::string text = summaryWith(0);
  EXPECT_THAT(text, HasSubstr("unknown RAM"));
  EXPECT_THAT(text, HasSubstr("the machine's memory is not known"));
  EXPECT_THAT(text, Not(HasSubstr("%% of its RAM")));
}

TEST(RamNeed, IsTheSumOfItsParts) {
  ModelDescription tiny = describeOrThrow(openTiny());
  RamNeed need = valueOrThrow(ramNeed(tiny, {.context = 100, .sequences = 2}, 1000, kArenas));
  EXPECT_EQ(need.weights, 1000u);
  EXPECT_EQ(need.kv, 2u * 128 * 6 * (128 + 32) * 2);
  EXPECT_EQ(need.arenas, 5u << 20);
  EXPECT_EQ(need.total, need.weights + need.kv + need.arenas);
  EXPECT_EQ(shortfall(need, {"box", 1, need.total, ""}), 0u);
  EXPECT_EQ(shortfall(need, {"box", 1, need.total - 1, ""}), 1u);
  EXPECT_EQ(shortfall(need, {"box", 1, 0, ""}), 0u);
}

TEST(RamNeed, SettingsThatOverflowAreTheCommandLinesFault) {
  ModelDescription tiny = describeOrThrow(openTiny());
  auto need = ramNeed(tiny, {.context = uint64_t(1) << 60, .sequences = 64}, 0, {});
  ASSERT_FALSE(need);
  EXPECT_EQ(need.error().code, ExitCode::CommandLine);
  EXPECT_THAT(need.error().message, HasSubstr("--context="));
}

} // namespace
} // namespace strata
