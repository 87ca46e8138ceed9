// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Placement/Prediction.h"

#include "compiler/Placement/Explain.h"
#include "tests/compiler/Placement/PlacementFixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata {
namespace {
using testing::HasSubstr;

struct Planned {
  ModelWeights weights;
  MachineDescription machine;
  Plan plan;
  Prediction prediction;
};

Planned planned(const MachineDescription &machine, const PlanRequest &request = defaultRequest()) {
  Planned all{v31Weights(), machine, {}, {}};
  all.plan = valueOrThrow(makePlan(all.weights, machine, request));
  all.prediction = predict(all.plan, all.weights, machine);
  return all;
}

MachineDescription targetWithDisk(double rate) {
  MachineDescription machine = machineOf("ovh-ai1-1-gpu");
  machine.disk->reads.front().bandwidth.value = rate;
  return machine;
}

/// The facts' table of hit rates: bytes from the disk per token, and seconds at 0.5, 1, 2 and 3.2 GB/s.
struct FactRow {
  double hitRate;
  double gigabytes;
  double seconds[4];
};
constexpr FactRow kFacts[] = {
    {0, 11.49, {23.0, 11.5, 5.7, 3.6}},
    {0.163, 9.62, {19.2, 9.6, 4.8, 3.0}},
    {0.30, 8.05, {16.1, 8.0, 4.0, 2.5}},
    {0.46, 6.21, {12.4, 6.2, 3.1, 1.9}},
};
constexpr double kRates[] = {0.5e9, 1e9, 2e9, 3.2e9};

/// Part of the memory's bandwidth at which the host decodes with 16 bits.
constexpr double kSixteenBits = 0.95;

TEST(Prediction, DiskReadsAgreeWithTheFacts) {
  for (size_t rate = 0; rate < std::size(kRates); ++rate) {
    Planned all = planned(targetWithDisk(kRates[rate]));
    for (const FactRow &row : kFacts) {
      TokenPrediction token = predictToken(all.plan, all.weights, all.machine, row.hitRate);
      EXPECT_NEAR(token.hitRate, row.hitRate, 1e-12);
      EXPECT_NEAR(token.expertBytes[2] / 1e9, row.gigabytes, 0.0051);
      EXPECT_NEAR(token.cost.of(CostTerm::DiskReads), row.seconds[rate], 0.051);
      EXPECT_EQ(token.cost.bottleneck, CostTerm::DiskReads);
      // All else is little beside it.
      EXPECT_LT(token.cost.total, token.cost.of(CostTerm::DiskReads) + 0.05);
    }
  }
}

TEST(Prediction, UniformHitRateIsTheShareOfResidentExperts) {
  Planned all = planned(machineOf("ovh-ai1-1-gpu"));
  const TokenPrediction &uniform = all.prediction.uniform;
  EXPECT_DOUBLE_EQ(residency(all.plan), (706.0 + 1538) / 14848);
  EXPECT_NEAR(uniform.hitRate, (706.0 + 1538) / 14848, 1e-12);
  EXPECT_DOUBLE_EQ(uniform.expertBytes[0], 706 * 24772608.0 * 8 / 256);
  EXPECT_DOUBLE_EQ(uniform.expertBytes[1], 1538 * 24772608.0 * 8 / 256);
  EXPECT_DOUBLE_EQ(uniform.expertBytes[2], 12604 * 24772608.0 * 8 / 256);
  EXPECT_DOUBLE_EQ(uniform.denseBytes[0], 9715695616.0 + 32768 * 70272.0);
  EXPECT_NEAR(uniform.cost.of(CostTerm::DenseWeights), 9715695616 / 1040e9, 1e-6);
  // 0.557 TFLOP at 32 k, as the facts have it.
  EXPECT_NEAR(uniform.cost.of(CostTerm::Attention), 0.557e12 / 30e12, 1e-4);
  EXPECT_NEAR(uniform.tokensPerSecond(), 0.20, 0.01);
}

TEST(Prediction, SkewedHitRatePassesThroughThePublishedPoint) {
  EXPECT_NEAR(skewedHitRate(0.163), 0.46, 0.003);
  EXPECT_EQ(skewedHitRate(0), 0);
  EXPECT_EQ(skewedHitRate(1), 1);
}

TEST(Prediction, PromptsTakeOnePassOverTheTouchedExperts) {
  Planned all = planned(machineOf("ovh-ai1-1-gpu"));
  ASSERT_EQ(all.prediction.prompts.size(), 6u);
  const PromptPrediction &shortOne = all.prediction.prompts[0], &longest = all.prediction.prompts[5];
  EXPECT_EQ(shortOne.tokens, 75u);
  EXPECT_EQ(shortOne.passes, 1u);
  // 75 tokens touch 90.8 % of a layer's experts, and the caches are empty: about 318 GB of reads.
  double read = 12604.0 + static_cast<double>(all.plan.cacheSlots());
  EXPECT_GT(all.plan.cacheSlots(), 1000u);
  EXPECT_NEAR(shortOne.diskBytes, read * 24772608.0 * 0.9076, 0.2e9);
  EXPECT_NEAR(shortOne.cost.total, shortOne.diskBytes / 2e9, 1e-6);
  EXPECT_EQ(longest.passes, 1u);
  EXPECT_NEAR(longest.diskBytes, read * 24772608.0, 1e6);
  EXPECT_GT(longest.cost.of(CostTerm::Attention), 100) << "9.1 PFLOP";
}

TEST(Prediction, LongerPromptsThanAPassTakeSeveral) {
  PlanRequest request = defaultRequest();
  request.settings.promptTokens = 5000;
  Planned all = planned(machineOf("ovh-ai1-1-gpu"), request);
  const std::vector<PromptPrediction> &prompts = all.prediction.prompts;
  EXPECT_EQ(prompts[3].passes, 1u) << prompts[3].tokens;
  EXPECT_EQ(prompts[4].passes, 2u);
  EXPECT_EQ(prompts[5].passes, 7u);
  // Only the first pass fills the caches.
  double slots = static_cast<double>(all.plan.cacheSlots()) * 24772608.0;
  EXPECT_GT(prompts[5].diskBytes - slots, 6.9 * (prompts[3].diskBytes - slots));
  EXPECT_LT(prompts[5].diskBytes - slots, 7.1 * (prompts[3].diskBytes - slots));
}

TEST(Prediction, AHostsPromptHidesReadsAsFarAsThereIsRoom) {
  MachineDescription machine = hostWith(uint64_t(64) << 30, 3e9);
  auto longPrompt = [&](uint64_t ramBytes) {
    machine.ramBytes = ramBytes;
    Planned of = planned(machine);
    return of.prediction.prompts[3];
  };
  PromptPrediction streamed = longPrompt(uint64_t(64) << 30), resident = longPrompt(uint64_t(500) << 30);
  EXPECT_EQ(resident.diskBytes, 0);
  double reads = streamed.cost.of(CostTerm::DiskReads);
  // A core of eight is left to the reads.
  for (CostTerm term : {CostTerm::Products, CostTerm::Attention})
    EXPECT_NEAR(streamed.cost.of(term) / resident.cost.of(term), 8.0 / 7, 1e-9);
  double computing = streamed.cost.of(CostTerm::Products) + streamed.cost.of(CostTerm::Attention);
  EXPECT_GT(streamed.cost.total, std::max(computing, reads));
  EXPECT_LT(streamed.cost.total, computing + reads);
  EXPECT_NEAR(resident.cost.total, computing * 7 / 8, 1e-9 * computing);
  // With two cores the threads that compute read too: 4 GB/s of a core.
  machine.cores = 2;
  machine.disk->reads.front().bandwidth.value = 20e9; // All is hidden.
  PromptPrediction two = longPrompt(uint64_t(64) << 30);
  EXPECT_NEAR(two.cost.of(CostTerm::Products), resident.cost.of(CostTerm::Products), 1e-9);
  EXPECT_NEAR(two.cost.total, computing * 7 / 8 + two.diskBytes / 4e9 / 2, 0.02 * computing);
}

TEST(Prediction, PromptsThatDoNotFitTheContextAreLeftOut) {
  Planned all = planned(machineOf("ovh-ai1-1-gpu"), defaultRequest(4096));
  ASSERT_EQ(all.prediction.prompts.size(), 4u);
  EXPECT_EQ(all.prediction.prompts[3].tokens, 2048u);
}

TEST(Prediction, UsageGivesATracedHitRate) {
  PlanRequest request = defaultRequest();
  request.usage.assign(14848, 0);
  for (size_t layer = 0; layer < 58; ++layer)
    for (size_t i = 0; i < 8; ++i)
      request.usage[layer * 256 + 31 * i] = 5; // The same eight experts each time.
  Planned all = planned(machineOf("ovh-ai1-1-gpu"), request);
  ASSERT_TRUE(all.prediction.traced);
  EXPECT_DOUBLE_EQ(all.prediction.traced->hitRate, 1);
  EXPECT_EQ(all.prediction.traced->expertBytes[2], 0);
  EXPECT_NE(all.prediction.traced->cost.bottleneck, CostTerm::DiskReads);
  EXPECT_LT(all.prediction.uniform.hitRate, 0.2);
  EXPECT_EQ(&all.prediction.best(), &*all.prediction.traced);
}

TEST(Prediction, LoadingReadsWhatIsResident) {
  Planned all = planned(machineOf("ovh-ai1-1-gpu"));
  double dense = 9715695616.0 + 521256960;
  EXPECT_DOUBLE_EQ(all.prediction.denseLoadSeconds, dense / 2e9);
  EXPECT_DOUBLE_EQ(all.prediction.loadSeconds, (dense + 706 * 24772608.0) / 2e9) << "a cache begins empty";
}

TEST(Prediction, TheHostsLayersCostWhatTheyDo) {
  MachineDescription machine = machineOf("ovh-ai1-1-gpu");
  machine.gpu->memoryBytes = uint64_t(8) << 30;
  Planned all = planned(machine);
  uint32_t onGpu = all.plan.denseLayersIn(Tier::Gpu);
  ASSERT_GT(onGpu, 3u);
  ASSERT_LT(onGpu, 61u);
  const TokenPrediction &token = all.prediction.uniform;
  // The embedding's row, two for every layer of the GPU with experts, and the residual where the host goes on.
  double row = 7168 * 4 / 12e9 + 10e-6;
  EXPECT_NEAR(token.cost.of(CostTerm::Transfers), (2 + 2 * (onGpu - 3)) * row, 1e-9);
  double gpuBytes = 0, hostBytes = static_cast<double>(all.weights.output);
  for (uint32_t layer = 0; layer < 61; ++layer)
    (layer < onGpu ? gpuBytes : hostBytes) += static_cast<double>(all.weights.layers[layer].dense);
  EXPECT_NEAR(token.cost.of(CostTerm::DenseWeights), gpuBytes / 1040e9 + hostBytes / (kSixteenBits * 80e9), 1e-9);
  // A prompt's rows go to the GPU (int8, a scale for every 32, eight choices) and back, in every layer of the host.
  const PromptPrediction &prompt = all.prediction.prompts.front();
  double rows = (61 - onGpu) * (7168 * (1 + 4.0 / 32) + 8 * 8 + 7168 * 4) + 2 * 7168 * 4;
  EXPECT_NEAR(prompt.exchangeSeconds, static_cast<double>(prompt.tokens) * rows / 12e9, 1e-9);
  EXPECT_EQ(planned(hostWith(uint64_t(40) << 30)).prediction.prompts.front().exchangeSeconds, 0);
}

TEST(Prediction, AHostWithAllInMemoryIsBoundByIt) {
  Planned all = planned(hostWith(uint64_t(400) << 30));
  EXPECT_EQ(all.prediction.uniform.hitRate, 1);
  EXPECT_EQ(all.prediction.uniform.cost.bottleneck, CostTerm::Attention) << "0.557 TFLOP on eight cores";
  EXPECT_EQ(all.prediction.uniform.cost.of(CostTerm::DiskReads), 0);
  EXPECT_EQ(all.prediction.uniform.cost.of(CostTerm::Transfers), 0);
  EXPECT_NEAR(all.prediction.uniform.cost.of(CostTerm::HostExperts), 11494490112 / (kSixteenBits * 80e9), 1e-9);
}

/// The host's part alone, of decoding by its weights and of prompts by its products.
TEST(Prediction, ActivationsCostTheHostWhatTheyDo) {
  using schema::ActivationEncoding;
  auto with = [](const MachineDescription &machine, ActivationEncoding activations) {
    PlanRequest request = defaultRequest();
    request.settings.decodeActivations = request.settings.promptActivations = activations;
    return planned(machine, request).prediction;
  };
  MachineDescription host = hostWith(uint64_t(400) << 30);
  Prediction one = with(host, ActivationEncoding::i8), two = with(host, ActivationEncoding::i16);
  Prediction exact = with(host, ActivationEncoding::f32);
  for (CostTerm term : {CostTerm::DenseWeights, CostTerm::HostExperts}) {
    EXPECT_NEAR(two.uniform.cost.of(term) * kSixteenBits, one.uniform.cost.of(term), 1e-9);
    EXPECT_GT(exact.uniform.cost.of(term), 10 * two.uniform.cost.of(term));
  }
  EXPECT_EQ(one.uniform.cost.of(CostTerm::Attention), exact.uniform.cost.of(CostTerm::Attention));
  auto products = [](const Prediction &of) { return of.prompts.front().cost.of(CostTerm::Products); };
  EXPECT_GT(products(two), 1.5 * products(one));
  EXPECT_GT(products(exact), 10 * products(two));
  // What the GPU computes, and what waits for the disk, does not change.
  MachineDescription target = machineOf("ovh-ai1-1-gpu");
  EXPECT_EQ(products(with(target, ActivationEncoding::i8)), products(with(target, ActivationEncoding::i16)));
  EXPECT_EQ(with(target, ActivationEncoding::i8).uniform.cost.total,
            with(target, ActivationEncoding::i16).uniform.cost.total);
}

TEST(Explain, SaysWhyAnExpertIsWhereItIs) {
  Planned all = planned(machineOf("ovh-ai1-1-gpu"));
  auto text = explain(all.plan, all.weights, "blk.7.ffn_gate_exps.weight/31");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("blk.7.ffn_gate_exps.weight, expert 31: tier ram, 24,772,608 B\n"));
  EXPECT_THAT(*text, HasSubstr("gpu: 31.7 GiB - dense weights 9.0 GiB - KV cache 2.1 GiB - scratch 3.2 GiB - head room "
                               "1.0 GiB = 16.3 GiB: 706 experts\n"));
  EXPECT_THAT(*text, HasSubstr("layer 7: 13 on gpu (the lowest numbers, pinned), 27 in ram"));
  EXPECT_THAT(*text, HasSubstr("decoding: computed by the host's cores, where it is"));
  EXPECT_THAT(*text, HasSubstr("prompts: computed by the GPU, to which it is uploaded once per prompt"));
  EXPECT_THAT(*explain(all.plan, all.weights, "blk.7.ffn_gate_exps.weight/200"), HasSubstr("tier disk"));
  EXPECT_THAT(*explain(all.plan, all.weights, "blk.7.ffn_gate_exps.weight/0"), HasSubstr("tier gpu"));
}

TEST(Explain, SaysWhyATensorIsWhereItIs) {
  Planned all = planned(machineOf("ovh-ai1-1-gpu"));
  EXPECT_THAT(*explain(all.plan, all.weights, "token_embd.weight"), HasSubstr("tier ram, 521,256,960 B"));
  EXPECT_THAT(*explain(all.plan, all.weights, "output.weight"), HasSubstr("all layers and the output matrix fit"));
  EXPECT_THAT(*explain(all.plan, all.weights, "blk.60.ffn_down_exps.weight"),
              HasSubstr("12 on gpu, 26 in ram, 218 on disk"));
  Planned host = planned(hostWith(uint64_t(64) << 30));
  EXPECT_THAT(*explain(host.plan, host.weights, "output.weight"), HasSubstr("the machine has no GPU"));
}

TEST(Explain, APlanThatDoesNotFitExplainsNothing) {
  ModelWeights weights = v31Weights();
  Plan plan = valueOrThrow(makePlan(weights, hostWith(1 << 20), defaultRequest()));
  EXPECT_EQ(explain(plan, weights, "blk.7.ffn_gate_exps.weight/31").error().code, ExitCode::Machine);
}

TEST(Explain, UnknownNamesAreTheCommandLinesFault) {
  Planned all = planned(machineOf("ovh-ai1-1-gpu"));
  for (const char *what :
       {"", "/", "blk.99.attn_norm.weight", "blk.7.ffn_gate_exps.weight/256", "output.weight/1",
        "blk.7.ffn_gate_exps.weight/", "blk.7.ffn_gate_exps.weight/1x", "blk.7.ffn_gate_exps.weight/-1"}) {
    auto text = explain(all.plan, all.weights, what);
    ASSERT_FALSE(text) << what;
    EXPECT_EQ(text.error().code, ExitCode::CommandLine);
    EXPECT_THAT(text.error().message, HasSubstr("--explain="));
  }
}

} // namespace
} // namespace strata
