// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Plans of DeepSeek V3.1, to the byte.

#include "compiler/Placement/Planner.h"
#include "compiler/Placement/ArenaEstimate.h"
#include "compiler/Placement/Explain.h"
#include "tests/compiler/Placement/PlacementFixture.h"

#include <chrono>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata {
namespace {
using testing::HasSubstr;

constexpr uint64_t kExpert = 24772608;
constexpr uint64_t kPagesAround = 3 * 4096; ///< One more page for each slab that is read by itself.
constexpr uint64_t kExpertBuffers = kExpert + kPagesAround;
constexpr uint64_t kWiderExpert = 25690112; ///< With Q4_1 down, in four layers of the imatrix list.
constexpr uint64_t kGiB = uint64_t(1) << 30;

Plan planOf(const ModelWeights &weights, const MachineDescription &machine, const PlanRequest &request) {
  return valueOrThrow(makePlan(weights, machine, request));
}

TEST(ModelWeights, OfV31) {
  ModelWeights weights = v31Weights();
  EXPECT_EQ(weights.total, 378060636160u);
  EXPECT_EQ(weights.embedding, 521256960u);
  EXPECT_EQ(weights.output, 760166400u + 28672);
  EXPECT_EQ(weights.routedBytes(), 367823683584u);
  EXPECT_EQ(weights.routedExperts(), 14848u);
  EXPECT_EQ(weights.routedBytesPerToken(), 11494490112.0);
  EXPECT_EQ(weights.layers[2].expert, 0u);
  EXPECT_EQ(weights.layers[3].expert, kExpert);
  EXPECT_EQ(weights.layers[0].dense, 105246720u + 222953472 + 65536);
  EXPECT_EQ(weights.layers[60].dense, 105246720u + 24772608 + 7341056 + 65536);
  gguf::Model model = openV31();
  ModelWeights file = valueOrThrow(weighModel(model, describeOrThrow(model)));
  EXPECT_EQ(file.total, weights.total);
  EXPECT_EQ(file.fileBytes, 378065943584u) << "with its header";
}

TEST(ModelWeights, OfTheImatrixList) {
  ModelWeights weights = v31Weights(kImatrixList);
  EXPECT_EQ(weights.total, 379028602880u);
  for (uint32_t layer = 3; layer < 61; ++layer)
    EXPECT_EQ(weights.layers[layer].expert, layer < 7 ? kWiderExpert : kExpert) << layer;
  EXPECT_EQ(weights.largestExpert(), kWiderExpert);
}

TEST(ArenaEstimate, OfV31) {
  ModelWeights weights = v31Weights();
  EXPECT_EQ(promptRowBytes(weights.description).value(), 65472u);
  EXPECT_EQ(promptRowBytes(weights.description).value() * 32768, 2145386496u) << "the facts' 2.15 GB";
  EXPECT_EQ(ringBytes(weights, 1).value(), 16 * kExpertBuffers);
  EXPECT_EQ(ringBytes(weights, 1000).value(), 512 * kExpertBuffers) << "a layer has no more than 256";
}

/// GPU memory that the cache and the experts share, for the plain list and one sequence.
constexpr uint64_t kDense = 9715695616; ///< All non-routed weights but token_embd.
uint64_t gpuScratch(const ModelWeights &weights, uint64_t promptTokens) {
  return (450u << 20) + 512 * chunkRowBytes(weights.description).value() + decodeBytes(weights.description, 1).value() +
         ringBytes(weights, 1).value() + promptTokens * 65472;
}

TEST(Planner, V31OnTheTarget) {
  ModelWeights weights = v31Weights();
  Plan plan = planOf(weights, machineOf("ovh-ai1-1-gpu"), defaultRequest());
  ASSERT_FALSE(plan.shortfall);
  EXPECT_EQ(plan.settings.promptTokens, 32768u);
  const TierUse &gpu = plan.of(Tier::Gpu), &ram = plan.of(Tier::Ram), &disk = plan.of(Tier::Disk);
  EXPECT_EQ(gpu.budget, 34058272768u);
  EXPECT_EQ(gpu.headRoom, kGiB);
  EXPECT_EQ(gpu.dense, kDense);
  EXPECT_EQ(gpu.kv, 2302672896u);
  EXPECT_EQ(gpu.scratch, gpuScratch(weights, 32768));
  EXPECT_EQ(gpu.experts, 706u);
  EXPECT_EQ(gpu.expertBytes, 706 * kExpert);
  EXPECT_LT(gpu.free(), kExpert);
  EXPECT_EQ(ram.budget, 40 * kGiB);
  EXPECT_EQ(ram.dense, 521256960u) << "token_embd";
  EXPECT_EQ(ram.kv, 0u);
  EXPECT_EQ(ram.scratch, 3 * kGiB);
  EXPECT_EQ(ram.experts, 1538u);
  EXPECT_EQ(ram.expertBytes, 1538 * kExpertBuffers);
  EXPECT_LT(ram.free(), kExpertBuffers);
  EXPECT_EQ(disk.experts, 14848u - 706 - 1538);
  EXPECT_EQ(disk.expertBytes, disk.experts * kExpert);
  // Every non-routed tensor but the embedding is on the GPU.
  for (const WeightTensor &tensor : weights.tensors)
    if (tensor.tensorClass != TensorClass::RoutedExperts) {
      EXPECT_EQ(tensorTier(plan, tensor), tensor.name == "token_embd.weight" ? Tier::Ram : Tier::Gpu) << tensor.name;
    }
}

TEST(Planner, V31OnTheTargetWithoutMargins) {
  PlanRequest request = defaultRequest();
  request.gpuHeadRoom = request.ramHeadRoom = 0;
  request.settings.promptTokens = 512; // Too few to matter: 34 MB.
  ModelWeights weights = v31Weights();
  Plan plan = planOf(weights, machineOf("ovh-ai1-1-gpu"), request);
  EXPECT_EQ(plan.of(Tier::Gpu).experts, 835u);
  EXPECT_EQ(plan.of(Tier::Gpu).scratch - 512 * 65472 + 836 * kExpert + kDense + 2302672896 <= 34058272768, true)
      << "836 without an arena for prompts, as the facts count";
  EXPECT_EQ(plan.of(Tier::Ram).experts, 1581u) << "1,582 without the pages around slabs, as the facts count";
}

TEST(Planner, ExpertsAreTheLowestIndicesAndEqualPerLayer) {
  Plan plan = planOf(v31Weights(), machineOf("ovh-ai1-1-gpu"), defaultRequest());
  for (uint32_t layer = 3; layer < 61; ++layer) {
    auto [gpu, ram, disk] = plan.layers[layer].experts;
    EXPECT_EQ(gpu, layer < 3 + 706 % 58 ? 13u : 12u) << layer;
    EXPECT_EQ(ram, layer < 3 + 1538 % 58 ? 27u : 26u) << layer;
    EXPECT_EQ(gpu + ram + disk, 256u);
    EXPECT_EQ(plan.cacheSlots(layer), ram);
    for (uint32_t expert = 0; expert < 256; ++expert) {
      Tier expected = expert < gpu ? Tier::Gpu : expert < gpu + ram ? Tier::Ram : Tier::Disk;
      EXPECT_EQ(plan.expertTier(layer, expert), expected);
      EXPECT_EQ(plan.decodeDevice(layer, expert), expected == Tier::Gpu ? ComputeDevice::Gpu : ComputeDevice::Host);
    }
  }
  EXPECT_EQ(plan.promptDevice(), ComputeDevice::Gpu);
}

struct ContextRow {
  const char *list;
  uint64_t context;
  uint64_t kv, dense;
  uint64_t gpuExperts;
  uint64_t ramExperts;   ///< Of 40 GiB.
  uint64_t ramExperts45; ///< Of 45 GB.
};

/// With imatrix the dense part is larger by three ffn_down and four shared ffn_down.
constexpr uint64_t kImatrixDense = kDense + 3 * (82575360 - 74317824) + 4 * (9175040 - 8257536);
constexpr ContextRow kContexts[] = {
    {kPlainList, 4096, 287834112, kDense, 863, 1538, 1621},
    {kPlainList, 32768, 2302672896, kDense, 706, 1538, 1621},
    {kPlainList, 163840, 11513364480, kDense, 334, 1538, 1621},
    {kImatrixList, 4096, 287834112, kImatrixDense, 859, 1534, 1617},
    {kImatrixList, 32768, 2302672896, kImatrixDense, 702, 1534, 1617},
    {kImatrixList, 163840, 11513364480, kImatrixDense, 332, 1534, 1617},
};

void expectFacts(const ContextRow &row, const ModelWeights &weights, const MachineDescription &machine) {
  SCOPED_TRACE(row.list + (" " + machine.name) + " " + std::to_string(row.context));
  Plan plan = planOf(weights, machine, defaultRequest(row.context));
  ASSERT_FALSE(plan.shortfall);
  const TierUse &gpu = plan.of(Tier::Gpu), &ram = plan.of(Tier::Ram), &disk = plan.of(Tier::Disk);
  uint64_t ramExperts = machine.ramBytes == 40 * kGiB ? row.ramExperts : row.ramExperts45;
  EXPECT_EQ(gpu.kv, row.kv);
  EXPECT_EQ(gpu.dense, row.dense);
  EXPECT_EQ(gpu.experts, row.gpuExperts);
  EXPECT_EQ(ram.experts, ramExperts);
  EXPECT_EQ(ram.dense, 521256960u);
  EXPECT_EQ(disk.experts, 14848 - row.gpuExperts - ramExperts);
  EXPECT_EQ(gpu.expertBytes + ram.expertBytes - ramExperts * kPagesAround + disk.expertBytes, weights.routedBytes());
  EXPECT_EQ(gpu.used() + gpu.free() + kGiB, 34058272768u);
  EXPECT_EQ(ram.used() + ram.free() + kGiB, machine.ramBytes);
}

TEST(Planner, FactsOfEveryListContextAndGpuPreset) {
  for (const ContextRow &row : kContexts) {
    ModelWeights weights = v31Weights(row.list);
    for (const char *preset : {"ovh-ai1-1-gpu", "v100s-32g", "ovh-t2-45"})
      expectFacts(row, weights, machineOf(preset));
  }
}

TEST(Planner, FactsOnAHost) {
  // 64 GiB hold all that is not routed, and the cache; there is no pinned ring, and prompts are computed here.
  for (const ContextRow &row : kContexts) {
    SCOPED_TRACE(row.list + std::to_string(row.context));
    ModelWeights weights = v31Weights(row.list);
    Plan plan = planOf(weights, hostWith(64 * kGiB), defaultRequest(row.context));
    ASSERT_FALSE(plan.shortfall);
    const TierUse &ram = plan.of(Tier::Ram);
    EXPECT_EQ(plan.of(Tier::Gpu).used(), 0u);
    EXPECT_EQ(ram.dense, row.dense + 521256960);
    EXPECT_EQ(ram.kv, row.kv);
    EXPECT_EQ(ram.scratch, gpuScratch(weights, std::min<uint64_t>(row.context, 32768)) - (450 << 20) + (256 << 20));
    EXPECT_EQ(ram.experts, (64 * kGiB - kGiB - ram.dense - ram.kv - ram.scratch -
                            4 * (weights.largestExpert() - kExpert) * (ram.experts / 58)) /
                               kExpertBuffers);
    EXPECT_EQ(plan.promptDevice(), ComputeDevice::Host);
    EXPECT_EQ(plan.decodeDevice(3, 0), ComputeDevice::Host);
  }
}

TEST(Planner, TheHostPresetPlansTheFullModel) {
  // Whatever this machine has: the plan fits, or says that the fixed parts do not.
  MachineDescription machine = machineOf("host");
  Plan plan = planOf(v31Weights(), machine, defaultRequest(4096));
  if (machine.ramBytes > 16 * kGiB) {
    ASSERT_FALSE(plan.shortfall);
    EXPECT_EQ(plan.of(Tier::Ram).experts + plan.of(Tier::Disk).experts, 14848u);
  } else if (plan.shortfall) {
    EXPECT_EQ(plan.shortfall->tier, Tier::Ram);
  }
}

TEST(Planner, PromptTokensAreHalvedOnlyWhereTheFixedPartsDoNotFit) {
  ModelWeights weights = v31Weights();
  MachineDescription machine = machineOf("ovh-ai1-1-gpu");
  // All dense weights and the cache fit with prompts of 32768 tokens to the byte, and of half as many with one less.
  machine.gpu->memoryBytes = kDense + 2302672896 + gpuScratch(weights, 32768) + kGiB;
  Plan exact = planOf(weights, machine, defaultRequest());
  EXPECT_EQ(exact.settings.promptTokens, 32768u);
  EXPECT_EQ(exact.of(Tier::Gpu).free(), 0u);
  EXPECT_EQ(exact.denseLayersIn(Tier::Gpu), 61u);
  --machine.gpu->memoryBytes;
  Plan halved = planOf(weights, machine, defaultRequest());
  EXPECT_EQ(halved.settings.promptTokens, 16384u);
  EXPECT_EQ(halved.promptTokensWished, 32768u);
  EXPECT_EQ(halved.denseLayersIn(Tier::Gpu), 61u);
  EXPECT_EQ(halved.output, Tier::Gpu);
  EXPECT_EQ(halved.of(Tier::Gpu).experts, 16384u * 65472 / kExpert);
  // Somebody who gives the number gets it, and the last part goes down.
  PlanRequest given = defaultRequest();
  given.promptTokensGiven = true;
  Plan kept = planOf(weights, machine, given);
  EXPECT_EQ(kept.settings.promptTokens, 32768u);
  EXPECT_EQ(kept.output, Tier::Ram);
  EXPECT_EQ(kept.denseLayersIn(Tier::Gpu), 61u);
}

TEST(Planner, DenseLayersThatDoNotFitGoToRamWithTheirCache) {
  ModelWeights weights = v31Weights();
  MachineDescription machine = machineOf("ovh-ai1-1-gpu");
  machine.gpu->memoryBytes = 8 * kGiB;
  Plan plan = planOf(weights, machine, defaultRequest());
  ASSERT_FALSE(plan.shortfall);
  uint32_t onGpu = plan.denseLayersIn(Tier::Gpu);
  EXPECT_GT(onGpu, 0u);
  EXPECT_LT(onGpu, 61u);
  for (uint32_t layer = 0; layer < 61; ++layer)
    EXPECT_EQ(plan.layers[layer].dense, layer < onGpu ? Tier::Gpu : Tier::Ram);
  // Every pass over a prompt reads all experts: it keeps its share of the GPU, though more layers would fit without.
  EXPECT_EQ(plan.settings.promptTokens, 32768u);
  EXPECT_EQ(plan.output, Tier::Ram);
  EXPECT_EQ(plan.of(Tier::Gpu).kv, onGpu * (2302672896u / 61));
  EXPECT_EQ(plan.of(Tier::Ram).kv, (61 - onGpu) * (2302672896u / 61));
  EXPECT_EQ(plan.of(Tier::Gpu).dense + plan.of(Tier::Ram).dense, kDense + 521256960);
  // The host computes these layers: what it does not see is no expert of theirs.
  for (uint32_t layer = 3; layer < 61; ++layer)
    EXPECT_TRUE(layer < onGpu || plan.layers[layer].experts[0] == 0) << layer;
  std::string why = valueOrThrow(explain(plan, weights, "blk.60.attn_norm.weight"));
  EXPECT_THAT(why, HasSubstr("tier ram"));
  EXPECT_THAT(why, HasSubstr(fmt::format("{} of 61 layers fit; the host computes the others as a whole", onGpu)));
  EXPECT_THAT(valueOrThrow(explain(plan, weights, "blk.60.ffn_gate_exps.weight/0")),
              HasSubstr("the host computes layer 60, since the GPU has room for the dense weights of"));
}

TEST(Planner, BudgetsBelowTheFixedPartsSayByHowMuch) {
  ModelWeights weights = v31Weights();
  MachineDescription machine = machineOf("ovh-ai1-1-gpu");
  uint64_t fixed = gpuScratch(weights, 512) + kGiB;
  machine.gpu->memoryBytes = fixed - 1;
  Plan plan = planOf(weights, machine, defaultRequest());
  ASSERT_TRUE(plan.shortfall);
  EXPECT_EQ(plan.shortfall->tier, Tier::Gpu);
  EXPECT_EQ(plan.shortfall->bytes, 1u);

  machine = hostWith(4 * kGiB);
  plan = planOf(weights, machine, defaultRequest());
  ASSERT_TRUE(plan.shortfall);
  EXPECT_EQ(plan.shortfall->tier, Tier::Ram);
  machine.ramBytes += plan.shortfall->bytes;
  EXPECT_FALSE(planOf(weights, machine, defaultRequest()).shortfall) << "exactly that much was missing";
  --machine.ramBytes;
  EXPECT_EQ(planOf(weights, machine, defaultRequest()).shortfall->bytes, 1u);
}

TEST(Planner, WithoutADiskAllExpertsMustFit) {
  ModelWeights weights = v31Weights();
  MachineDescription machine = hostWith(64 * kGiB);
  machine.disk.reset();
  Plan plan = planOf(weights, machine, defaultRequest());
  ASSERT_TRUE(plan.shortfall);
  EXPECT_EQ(plan.shortfall->tier, Tier::Ram);
  EXPECT_EQ(plan.shortfall->bytes, plan.of(Tier::Disk).expertBytes - plan.of(Tier::Ram).free());
  machine.ramBytes += plan.shortfall->bytes - 1;
  EXPECT_EQ(planOf(weights, machine, defaultRequest()).shortfall->bytes, 1u);
  ++machine.ramBytes;
  plan = planOf(weights, machine, defaultRequest());
  EXPECT_FALSE(plan.shortfall);
  EXPECT_EQ(plan.of(Tier::Disk).experts, 0u);
  for (const PlannedArena &arena : plan.arenas)
    EXPECT_NE(arena.name, "staging") << "nothing is read";
}

TEST(Planner, WithoutADiskTheFixedPartsAndTheExpertsAreMissingTogether) {
  ModelWeights weights = v31Weights();
  for (MachineDescription machine : {hostWith(4 * kGiB), machineOf("ovh-ai1-1-gpu")}) {
    machine.disk.reset();
    machine.ramBytes = 2 * kGiB;
    Plan plan = planOf(weights, machine, defaultRequest());
    ASSERT_TRUE(plan.shortfall);
    machine.ramBytes += plan.shortfall->bytes;
    EXPECT_FALSE(planOf(weights, machine, defaultRequest()).shortfall);
    --machine.ramBytes;
    EXPECT_EQ(planOf(weights, machine, defaultRequest()).shortfall->bytes, 1u);
  }
}

TEST(Planner, TheDiskMustHoldTheFiles) {
  gguf::Model model = openV31();
  ModelWeights weights = valueOrThrow(weighModel(model, describeOrThrow(model)));
  MachineDescription machine = machineOf("ovh-ai1-1-gpu");
  machine.disk->capacityBytes = 378065943584;
  EXPECT_FALSE(planOf(weights, machine, defaultRequest()).shortfall);
  --machine.disk->capacityBytes;
  Plan plan = planOf(weights, machine, defaultRequest());
  ASSERT_TRUE(plan.shortfall);
  EXPECT_EQ(plan.shortfall->tier, Tier::Disk);
  EXPECT_EQ(plan.shortfall->bytes, 1u);
}

TEST(Planner, KnownArenasTakeThePlaceOfEstimates) {
  ModelWeights weights = v31Weights();
  PlanRequest request = defaultRequest();
  request.arenas = ArenaBytes{.promptRow = 65472, .chunk = 300 << 20, .decode = 33 << 20};
  Plan plan = planOf(weights, machineOf("ovh-ai1-1-gpu"), request);
  uint64_t ring = 16 * kExpertBuffers, driver = 450 << 20;
  EXPECT_EQ(plan.of(Tier::Gpu).scratch, 65472u * 32768 + (333u << 20) + driver + ring);
  EXPECT_EQ(plan.of(Tier::Gpu).experts,
            (34058272768 - kGiB - kDense - 2302672896 - plan.of(Tier::Gpu).scratch) / kExpert);
  request.arenas->decode = ~uint64_t(0) / 2;
  EXPECT_EQ(makePlan(weights, machineOf("ovh-ai1-1-gpu"), request).error().code, ExitCode::CommandLine);
}

TEST(Planner, UsagePinsTheMostUsed) {
  ModelWeights weights = v31Weights();
  PlanRequest request = defaultRequest();
  request.usage.assign(14848, 1);
  for (uint32_t i = 0; i < 58; ++i)
    request.usage[i * 256 + 255 - i] = 1000 + i;
  Plan plan = planOf(weights, machineOf("ovh-ai1-1-gpu"), request);
  EXPECT_EQ(plan.of(Tier::Gpu).experts, 706u);
  EXPECT_EQ(plan.of(Tier::Ram).experts, 1538u);
  for (uint32_t i = 0; i < 58; ++i)
    EXPECT_EQ(plan.expertTier(3 + i, 255 - i), Tier::Gpu);
  EXPECT_EQ(plan.cacheSlots(3), 0u) << "what usage chose is pinned";
}

TEST(Planner, PoliciesShareTheRam) {
  ModelWeights weights = v31Weights();
  PlanRequest request = defaultRequest();
  MachineDescription machine = machineOf("ovh-ai1-1-gpu");
  request.cachePolicy = CachePolicyKind::Pinned;
  Plan blind = planOf(weights, machine, request);
  EXPECT_EQ(blind.cacheSlots(), 0u);
  EXPECT_TRUE(blind.isPinnedInRam(3, 13)) << "the lowest numbers";
  request.cachePolicy = CachePolicyKind::PinnedLru;
  auto refused = makePlan(weights, machine, request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ExitCode::CommandLine);
  EXPECT_THAT(refused.error().message, HasSubstr("--trace"));

  request.usage.assign(14848, 1);
  for (uint32_t i = 0; i < 58; ++i)
    for (uint32_t j = 0; j < 60; ++j)
      request.usage[i * 256 + 100 + j] = 1000 - j;
  Plan half = planOf(weights, machine, request);
  EXPECT_EQ(half.of(Tier::Ram).experts, 1538u);
  for (uint32_t layer = 3; layer < 61; ++layer) {
    uint32_t ram = half.layers[layer].experts[1];
    EXPECT_TRUE(ram == 26 || ram == 27) << "a cache is equal per layer";
    EXPECT_EQ(half.cacheSlots(layer), ram - ram / 2);
    // The GPU has the first 12 or 13 of those from 100 on, RAM the next, and the most used half of these is pinned.
    uint32_t first = 100 + half.layers[layer].experts[0];
    EXPECT_EQ(half.expertTier(layer, first), Tier::Ram);
    EXPECT_TRUE(half.isPinnedInRam(layer, first) && half.isPinnedInRam(layer, first + ram / 2 - 1));
    EXPECT_FALSE(half.isPinnedInRam(layer, first + ram / 2));
  }
  request.cachePolicy = CachePolicyKind::Lfu;
  EXPECT_EQ(planOf(weights, machine, request).cacheSlots(), 1538u);
}

TEST(Planner, UsageOfAnotherModelIsRefused) {
  PlanRequest request = defaultRequest();
  request.usage.assign(100, 1);
  auto plan = makePlan(v31Weights(), machineOf("ovh-ai1-1-gpu"), request);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ExitCode::Input);
  EXPECT_THAT(plan.error().message, HasSubstr("100 experts and the model has 14848"));
}

TEST(Planner, SettingsThatOverflowAreTheCommandLinesFault) {
  PlanRequest request = defaultRequest();
  request.settings.context = uint64_t(1) << 60;
  auto plan = makePlan(v31Weights(), machineOf("ovh-ai1-1-gpu"), request);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ExitCode::CommandLine);
}

TEST(Planner, TheRealModelTakesLessThanTwoSeconds) {
  auto start = std::chrono::steady_clock::now();
  gguf::Model model = openV31();
  ModelWeights weights = valueOrThrow(weighModel(model, describeOrThrow(model)));
  planOf(weights, machineOf("ovh-ai1-1-gpu"), defaultRequest());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

} // namespace
} // namespace strata
