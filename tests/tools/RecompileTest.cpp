// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The closing line of a run: from an artifact's experts and the counts of its runs to a sentence.
#include "tools/plan/Recompile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace strata;
using namespace strata::planning;
using testing::HasSubstr;

namespace {

constexpr uint32_t kLayers = 6, kExperts = 32, kUsed = 4; // Of tiny.Q4_0.gguf, whose first layer is dense.

gguf::Model openTiny() {
  auto model = gguf::Model::open(STRATA_TEST_MODELS "/tiny.Q4_0.gguf", {});
  if (!model)
    throw std::runtime_error(model.error().message);
  return *std::move(model);
}

/// Layers 1 to 3 have experts 0 to 7 in RAM, 4 and 5 have 8 to 15 there; the rest is on a slow disk.
schema::ArtifactT artifactOf(schema::CachePolicy policy) {
  schema::ArtifactT artifact;
  artifact.model = std::make_unique<schema::ModelT>();
  artifact.model->fingerprint = std::make_unique<schema::Digest>();
  artifact.machine = std::make_unique<schema::MachineT>();
  artifact.machine->json = R"({"name": "slow", "cores": 4, "ram": "1GiB", "memory_bandwidth": {"assumed": "20GB/s"},
    "disk": {"reads": [{"block": "4KiB", "depth": 1, "bandwidth": {"measured": "10MB/s"}}]}})";
  artifact.settings = std::make_unique<schema::SettingsT>();
  artifact.settings->context = artifact.settings->prompt_tokens = 256;
  artifact.settings->chunk_tokens = 64;
  artifact.settings->sequences = 1;
  artifact.kv = std::make_unique<schema::KvLayoutT>();
  artifact.prediction = std::make_unique<schema::PredictionT>();
  for (auto [first, layers] : {std::pair(1u, 3u), std::pair(4u, 2u)}) {
    auto line = std::make_unique<schema::LayerExpertsT>();
    uint32_t begin = first == 1 ? 0 : 8;
    line->first_layer = first;
    line->layers = layers;
    line->experts = kExperts;
    line->ram = {{begin, begin + 7}};
    line->disk = {{begin + 8, kExperts - 1}};
    if (begin != 0)
      line->disk.insert(line->disk.begin(), {0, begin - 1});
    bool pinned = policy == schema::CachePolicy::pinned;
    if (pinned)
      line->pinned = line->ram;
    line->slots = pinned ? 0 : 8;
    line->policy = policy;
    artifact.experts.push_back(std::move(line));
  }
  return artifact;
}

/// Experts 16 to 23 of every layer take `share` of the uses.
UsageCounts usageOf(double share) {
  UsageCounts usage;
  usage.shape = {{}, 1, kLayers - 1, kExperts, kUsed};
  usage.tokens = 10'000;
  for (uint32_t i = 0; i < (kLayers - 1) * kExperts; ++i) {
    bool often = i % kExperts / 8 == 2;
    usage.counts.push_back(static_cast<uint64_t>(10'000.0 * kUsed * (often ? share / 8 : (1 - share) / 24)));
  }
  return usage;
}

class Recompile : public testing::Test {
protected:
  const schema::Artifact &pack(const schema::ArtifactT &artifact) {
    builder.Clear();
    builder.Finish(schema::Artifact::Pack(builder, &artifact));
    return *schema::GetArtifact(builder.GetBufferPointer());
  }
  std::string advice(schema::CachePolicy policy, const UsageCounts &usage) {
    auto said = adviseRecompiling(pack(artifactOf(policy)), model, usage, "m.strata.usage");
    return said ? *said : "error: " + said.error().message;
  }
  gguf::Model model = openTiny();
  flatbuffers::FlatBufferBuilder builder;
};

} // namespace

TEST_F(Recompile, ThePlanIsTheArtifacts) {
  auto described = describeModel(model, {});
  ASSERT_TRUE(described);
  auto weights = weighModel(model, *described);
  ASSERT_TRUE(weights);
  for (bool pins : {false, true}) {
    Plan plan = planOf(pack(artifactOf(pins ? schema::CachePolicy::pinned : schema::CachePolicy::lfu)), *weights);
    EXPECT_EQ(plan.cachePolicy, pins ? CachePolicyKind::Pinned : CachePolicyKind::Lfu);
    EXPECT_EQ(plan.of(Tier::Ram).experts, 40u);
    EXPECT_EQ(plan.of(Tier::Disk).experts, 120u);
    EXPECT_EQ(plan.of(Tier::Ram).expertBytes, 40 * weights->layers[1].expert);
    for (uint32_t layer = 1; layer < kLayers; ++layer)
      for (uint32_t expert = 0; expert < kExperts; ++expert) {
        bool inRam = expert / 8 == (layer < 4 ? 0 : 1);
        EXPECT_EQ(plan.expertTier(layer, expert), inRam ? Tier::Ram : Tier::Disk);
        EXPECT_EQ(plan.isPinnedInRam(layer, expert), inRam && pins);
      }
    EXPECT_EQ(plan.cacheSlots(1), pins ? 0u : 8u);
    EXPECT_FALSE(plan.hasGpu);
  }
}

TEST_F(Recompile, SaysWhatPinningBrings) {
  // Pinned blindly 10 % / 3 of the uses are served, by the counts 90 %.
  std::string pinned = advice(schema::CachePolicy::pinned, usageOf(0.9));
  EXPECT_THAT(pinned, HasSubstr("with --trace=m.strata.usage"));
  EXPECT_THAT(pinned, HasSubstr("with 90.0 % of its experts' reads from memory in place of 3.3 %"));
  EXPECT_THAT(pinned, HasSubstr("10,000 tokens"));
  // A cache has learnt a part of it.
  std::string lru = advice(schema::CachePolicy::lru, usageOf(0.7));
  EXPECT_THAT(lru, HasSubstr("70.0 % of its experts' reads from memory in place of 46.9 %"));
}

TEST_F(Recompile, SaysNothingWhereLittleIsToGain) {
  EXPECT_EQ(advice(schema::CachePolicy::lru, usageOf(0.25)), "") << "all are used alike";
  EXPECT_EQ(advice(schema::CachePolicy::lfu, usageOf(0.9)), "") << "the cache holds them by itself";
  schema::ArtifactT resident = artifactOf(schema::CachePolicy::pinned);
  resident.experts.clear();
  auto said = adviseRecompiling(pack(resident), model, usageOf(0.9), "u");
  EXPECT_EQ(said ? *said : "error", "") << "all is in one tier";
}

TEST_F(Recompile, AMachineThatIsNoneIsSaid) {
  schema::ArtifactT broken = artifactOf(schema::CachePolicy::pinned);
  broken.machine->json = "{}";
  auto said = adviseRecompiling(pack(broken), model, usageOf(0.9), "u");
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().code, ExitCode::Input);
  UsageCounts other = usageOf(0.9);
  other.counts.pop_back();
  EXPECT_FALSE(adviseRecompiling(pack(artifactOf(schema::CachePolicy::pinned)), model, other, "u"));
}
