// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Plans of random models on random machines: no budget is exceeded, nothing is lost, nothing is in two places, and on
// small ones nothing is better.

#include "compiler/Placement/Allocation.h"
#include "compiler/Placement/Planner.h"
#include "compiler/Placement/Prediction.h"
#include "tests/compiler/Placement/PlacementFixture.h"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <random>

namespace strata {
namespace {

class Dice {
public:
  explicit Dice(uint64_t seed) : engine(seed) {}
  uint64_t between(uint64_t low, uint64_t high) { return low + engine() % (high - low + 1); }
  bool chance(uint64_t percent) { return engine() % 100 < percent; }
  /// Every order of magnitude of bits is as likely as another.
  uint64_t magnitude(uint64_t lowBits, uint64_t highBits) {
    uint64_t bits = between(lowBits, highBits);
    return (uint64_t(1) << bits) + engine() % (uint64_t(1) << bits);
  }

private:
  std::mt19937_64 engine;
};

ModelDescription randomDescription(Dice &dice) {
  ModelDescription model;
  model.layers = static_cast<uint32_t>(dice.between(1, 12));
  model.denseLayers = static_cast<uint32_t>(dice.between(0, model.layers));
  model.embedding = static_cast<uint32_t>(dice.between(1, 8) * 32);
  model.vocabulary = static_cast<uint32_t>(dice.between(1, 4000));
  model.denseWidth = static_cast<uint32_t>(dice.between(1, 8) * 32);
  model.heads = static_cast<uint32_t>(dice.between(1, 8));
  model.queryLatent = static_cast<uint32_t>(dice.between(0, 4) * 32);
  model.latent = static_cast<uint32_t>(dice.between(1, 4) * 32);
  model.rope = 32;
  model.nope = 32;
  model.value = 32;
  model.experts = static_cast<uint32_t>(dice.between(1, 24));
  model.expertsUsed = static_cast<uint32_t>(dice.between(1, std::max(1u, model.experts / 4)));
  model.sharedExperts = static_cast<uint32_t>(dice.between(0, 2));
  model.expertWidth = static_cast<uint32_t>(dice.between(1, 8) * 32);
  model.selectionBias = dice.chance(50);
  model.contextLength = 1 << 20;
  return model;
}

/// All tensors, each in an encoding of its own, some of them far larger than their shapes: sizes of real models.
std::vector<gguf::TensorInfo> randomTensors(const ModelDescription &model, Dice &dice) {
  std::vector<gguf::TensorInfo> tensors;
  uint64_t scale = dice.chance(20) ? 1 : dice.magnitude(10, 17);
  for (const TensorSpec &spec : tensorTable())
    for (uint32_t layer = 0; layer < (spec.scope == TensorScope::Model ? 1 : model.layers); ++layer) {
      if (!hasTensor(spec, model, layer))
        continue;
      gguf::TensorInfo tensor;
      tensor.name = tensorName(spec, layer);
      tensor.dimensions = spec.dimensions(model);
      uint64_t elements = 1;
      for (uint64_t dimension : tensor.dimensions)
        elements *= dimension;
      tensor.bytes = elements / 32 * dice.between(18, 34) * scale + 32;
      if (spec.tensorClass == TensorClass::RoutedExperts)
        tensor.bytes = tensor.bytes / model.experts * model.experts;
      tensors.push_back(std::move(tensor));
    }
  return tensors;
}

MachineDescription randomMachine(Dice &dice) {
  MachineDescription machine = hostWith(dice.magnitude(28, 36));
  if (dice.chance(60)) {
    machine.gpu = machineOf("v100s-32g").gpu;
    machine.gpu->memoryBytes = dice.magnitude(26, 35);
    machine.gpu->reservedBytes = dice.between(0, machine.gpu->memoryBytes / 4);
  }
  if (dice.chance(20))
    machine.disk.reset();
  else if (dice.chance(50))
    machine.disk->capacityBytes = dice.magnitude(30, 44);
  return machine;
}

PlanRequest randomRequest(const ModelWeights &weights, Dice &dice) {
  PlanRequest request;
  request.settings.context = dice.magnitude(0, 18);
  request.settings.sequences = dice.between(1, 4);
  request.settings.promptTokens = dice.between(1, request.settings.context);
  request.settings.chunkTokens = dice.between(1, std::min<uint64_t>(512, request.settings.promptTokens));
  request.settings.kvNumberBytes = dice.chance(50) ? 2 : 4;
  request.promptTokensGiven = dice.chance(30);
  request.gpuHeadRoom = dice.chance(30) ? 0 : dice.magnitude(10, 28);
  request.ramHeadRoom = dice.chance(30) ? 0 : dice.magnitude(10, 28);
  if (dice.chance(30))
    for (uint64_t i = 0; i < weights.routedExperts(); ++i)
      request.usage.push_back(dice.chance(20) ? 0 : dice.magnitude(0, 20));
  if (dice.chance(50))
    request.cachePolicy = kCachePolicies[dice.between(0, request.usage.empty() ? 2 : 3)];
  return request;
}

/// What a plan with room for everything has in a tier, experts left out, if the embedding were in RAM as in others.
uint64_t fixedBytes(const Plan &roomy, Tier tier) {
  const TierUse &use = roomy.of(tier);
  uint64_t bytes = use.used() - use.expertBytes + use.headRoom;
  if (roomy.embeddingTier == Tier::Gpu && tier == Tier::Gpu)
    return bytes - roomy.embedding;
  return roomy.embeddingTier == Tier::Gpu && tier == Tier::Ram ? bytes + roomy.embedding : bytes;
}

/// Gives memory for the fixed parts and a part of the experts, which random sizes seldom hit.
void sizeForModel(MachineDescription &machine, const ModelWeights &weights, const PlanRequest &request, Dice &dice) {
  MachineDescription roomy = machine;
  roomy.ramBytes = uint64_t(1) << 50;
  if (roomy.gpu)
    roomy.gpu->memoryBytes = uint64_t(1) << 50;
  Plan plan = valueOrThrow(makePlan(weights, roomy, request));
  auto size = [&](Tier tier) { return fixedBytes(plan, tier) + dice.between(0, weights.routedBytes()); };
  if (machine.gpu)
    machine.gpu->memoryBytes = size(Tier::Gpu);
  machine.ramBytes = size(Tier::Ram) + dice.between(0, 16 * weights.largestExpert());
}

/// What a plan puts into each tier, added up from the tensors alone.
std::array<uint64_t, kTiers> addUp(const Plan &plan, const ModelDescription &model,
                                   const std::vector<gguf::TensorInfo> &tensors) {
  std::array<uint64_t, kTiers> bytes = {};
  auto add = [&](Tier tier, uint64_t more) { bytes[static_cast<size_t>(tier)] += more; };
  for (const gguf::TensorInfo &tensor : tensors) {
    uint32_t layer = tensor.name.starts_with("blk.") ? static_cast<uint32_t>(std::stoul(tensor.name.substr(4))) : 0;
    if (tensor.name.find("_exps.") != std::string::npos) {
      uint64_t slab = tensor.bytes / model.experts, buffer = (slab + 4095) / 4096 * 4096 + 4096;
      for (uint32_t expert = 0; expert < model.experts; ++expert) {
        Tier tier = plan.expertTier(layer, expert);
        add(tier, tier == Tier::Ram && plan.expertsApart ? buffer : slab);
      }
    } else if (tensor.name == "token_embd.weight") {
      add(plan.embeddingTier, tensor.bytes);
    } else {
      add(tensor.name.starts_with("blk.") ? plan.layers[layer].dense : plan.output, tensor.bytes);
    }
  }
  uint64_t positions = (plan.settings.context + 63) / 64 * 64 * plan.settings.sequences;
  for (uint32_t layer = 0; layer < model.layers; ++layer)
    add(plan.layers[layer].dense, positions * (model.latent + model.rope) * plan.settings.kvNumberBytes);
  for (const PlannedArena &arena : plan.arenas)
    add(arena.tier, arena.bytes);
  return bytes;
}

/// What every plan that fits must keep to.
void expectSound(const Plan &plan, const ModelDescription &model, const std::vector<gguf::TensorInfo> &tensors,
                 const MachineDescription &machine, const PlanRequest &request) {
  auto [gpu, ram, disk] = addUp(plan, model, tensors);
  EXPECT_EQ(gpu, plan.of(Tier::Gpu).used());
  EXPECT_EQ(ram, plan.of(Tier::Ram).used());
  EXPECT_EQ(disk, plan.of(Tier::Disk).used());
  EXPECT_LE(ram + request.ramHeadRoom, machine.ramBytes);
  EXPECT_LE(gpu + (machine.gpu ? request.gpuHeadRoom : 0), machine.gpu ? machine.gpu->memoryBytes : 0);
  EXPECT_TRUE(machine.disk || disk == 0);
  for (uint32_t layer = model.denseLayers; layer < model.layers; ++layer) {
    uint32_t inRam = plan.layers[layer].experts[1], pinned = 0;
    for (uint32_t expert = 0; expert < model.experts; ++expert) {
      EXPECT_TRUE(!plan.isPinnedInRam(layer, expert) || plan.expertTier(layer, expert) == Tier::Ram);
      pinned += plan.isPinnedInRam(layer, expert) ? 1 : 0;
    }
    EXPECT_EQ(pinned, pinnedSlots(plan.cachePolicy, inRam));
    EXPECT_EQ(pinned + plan.cacheSlots(layer), inRam);
  }
  // Layers are the GPU's from the first on, as wholes: it has no experts of the others, nor the output matrix behind
  // them.
  for (uint32_t layer = 0; layer < model.layers; ++layer) {
    EXPECT_EQ(plan.layers[layer].dense == Tier::Gpu, layer < plan.denseLayersIn(Tier::Gpu));
    EXPECT_TRUE(plan.layers[layer].experts[0] == 0 || plan.layers[layer].dense == Tier::Gpu);
  }
  EXPECT_TRUE(plan.output == Tier::Ram || plan.denseLayersIn(Tier::Ram) == 0);
  // The embedding is on the GPU if and only if that makes the plan one in one tier.
  EXPECT_EQ(plan.embeddingTier == Tier::Gpu, machine.gpu && plan.inOneTier());
}

/// The largest expert of which the disk has one, and the room that memory has: filling it further is impossible, within
/// one expert.
void expectNoExpertFitsAnyMore(const Plan &plan, const ModelWeights &weights) {
  for (Tier tier : {Tier::Gpu, Tier::Ram})
    for (size_t layer = plan.denseLayers; layer < plan.layers.size(); ++layer) {
      bool outside = plan.layers[layer].experts[2] != 0;
      bool apart = tier == Tier::Ram && plan.expertsApart;
      uint64_t largest = apart ? weights.largestExpertBuffers() : weights.largestExpert();
      uint64_t own = apart ? weights.layers[layer].expertBuffers : weights.layers[layer].expert;
      if (outside && (tier == Tier::Ram || (plan.hasGpu && plan.layers[layer].dense == Tier::Gpu))) {
        bool equal = plan.usage.empty() || (tier == Tier::Ram && plan.cachePolicy != CachePolicyKind::Pinned);
        EXPECT_LT(plan.of(tier).free(), equal ? largest : own);
      }
    }
}

TEST(PlanProperties, NoPlanExceedsABudget) {
  uint32_t fitting = 0, withGpuExperts = 0, withDisk = 0, dropped = 0, halved = 0;
  for (uint64_t seed = 0; seed < 10000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Dice dice(seed);
    ModelDescription model = randomDescription(dice);
    std::vector<gguf::TensorInfo> tensors = randomTensors(model, dice);
    ModelWeights weights = valueOrThrow(weighModel(tensors, model));
    MachineDescription machine = randomMachine(dice);
    PlanRequest request = randomRequest(weights, dice);
    if (dice.chance(50))
      sizeForModel(machine, weights, request, dice);
    Plan plan = valueOrThrow(makePlan(weights, machine, request));
    if (plan.shortfall) {
      EXPECT_GT(plan.shortfall->bytes, 0u);
      continue;
    }
    ++fitting;
    withGpuExperts += plan.of(Tier::Gpu).experts != 0;
    withDisk += plan.of(Tier::Disk).experts != 0;
    dropped += machine.gpu && plan.denseLayersIn(Tier::Ram) != 0;
    halved += plan.settings.promptTokens != plan.promptTokensWished;
    expectSound(plan, model, tensors, machine, request);
    expectNoExpertFitsAnyMore(plan, weights);
    if (testing::Test::HasFailure())
      break;
  }
  // The machines are such that every kind of plan occurs often.
  EXPECT_GT(fitting, 4000u);
  EXPECT_GT(withGpuExperts, 1000u);
  EXPECT_GT(withDisk, 500u);
  EXPECT_GT(dropped, 100u);
  EXPECT_GT(halved, 20u);
}

TEST(PlanProperties, TheSameInputGivesTheSamePlan) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    auto once = [&] {
      Dice dice(seed);
      ModelDescription model = randomDescription(dice);
      ModelWeights weights = valueOrThrow(weighModel(randomTensors(model, dice), model));
      MachineDescription machine = randomMachine(dice);
      return valueOrThrow(makePlan(weights, machine, randomRequest(weights, dice)));
    };
    EXPECT_EQ(once().expertTiers, once().expertTiers);
  }
}

TEST(PlanProperties, MoreMemoryNeverHoldsFewerExperts) {
  ModelWeights weights = v31Weights(kImatrixList);
  uint64_t before = 0;
  for (uint64_t ram = 16; ram <= 400; ram += 8) {
    Plan plan = valueOrThrow(makePlan(weights, hostWith(ram << 30), defaultRequest()));
    if (plan.shortfall)
      continue;
    EXPECT_GE(plan.of(Tier::Ram).experts, before);
    before = plan.of(Tier::Ram).experts;
  }
  EXPECT_EQ(before, 14848u);
}

/// Calls `visit` with every way to choose a number from 0 to `available[i]` for every layer.
void forAllCounts(const std::vector<uint32_t> &available,
                  const std::function<void(const std::vector<uint32_t> &)> &visit) {
  std::vector<uint32_t> counts(available.size());
  for (;;) {
    visit(counts);
    size_t i = 0;
    while (i < counts.size() && counts[i] == available[i])
      counts[i++] = 0;
    if (i == counts.size())
      return;
    ++counts[i];
  }
}

TEST(Allocation, NoEqualDistributionHoldsMoreExperts) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Dice dice(seed);
    size_t layers = dice.between(1, 4);
    std::vector<uint64_t> sizes;
    std::vector<uint32_t> available;
    uint64_t all = 0;
    for (size_t i = 0; i < layers; ++i) {
      sizes.push_back(dice.between(5, 9));
      available.push_back(static_cast<uint32_t>(dice.between(0, 5)));
      all += sizes[i] * available[i];
    }
    uint64_t budget = dice.between(0, all + 5);
    uint64_t best = 0;
    forAllCounts(available, [&](const std::vector<uint32_t> &counts) {
      uint64_t bytes = 0, number = 0;
      for (size_t i = 0; i < layers; ++i) {
        bytes += counts[i] * sizes[i];
        number += counts[i];
        // Equal within one, but for layers that have no more.
        for (size_t j = 0; j < layers; ++j)
          if (counts[i] + 1 < counts[j] && counts[i] < available[i])
            return;
      }
      if (bytes <= budget)
        best = std::max(best, number);
    });
    std::vector<uint32_t> chosen = allocateEqually(sizes, available, budget);
    uint64_t bytes = 0, number = 0;
    for (size_t i = 0; i < layers; ++i) {
      EXPECT_LE(chosen[i], available[i]);
      bytes += chosen[i] * sizes[i];
      number += chosen[i];
    }
    EXPECT_LE(bytes, budget);
    EXPECT_EQ(number, best);
  }
}

/// Three layers of four experts of one size, so small that every placement can be tried.
struct SmallCase {
  ModelWeights weights;
  MachineDescription machine;
  PlanRequest request;
};

SmallCase smallCase(uint64_t seed) {
  Dice dice(seed);
  SmallCase one;
  ModelDescription model = randomDescription(dice);
  model.layers = 3;
  model.denseLayers = 1;
  model.experts = 4;
  model.expertsUsed = static_cast<uint32_t>(dice.between(1, 2));
  std::vector<gguf::TensorInfo> tensors = randomTensors(model, dice);
  for (gguf::TensorInfo &tensor : tensors)
    if (tensor.name.find("_exps.") != std::string::npos)
      tensor.bytes = 40 << 20;
  one.weights = valueOrThrow(weighModel(tensors, model));
  one.machine = hostWith(0, 2e9);
  one.machine.gpu = machineOf("v100s-32g").gpu;
  one.request.settings = {.context = 64, .sequences = 1, .promptTokens = 64, .chunkTokens = 64};
  one.request.gpuHeadRoom = one.request.ramHeadRoom = 1000;
  if (dice.chance(50))
    for (int i = 0; i < 8; ++i)
      one.request.usage.push_back(dice.between(0, 9));
  // Room for some experts beside the fixed parts.
  one.machine.gpu->memoryBytes = one.machine.ramBytes = uint64_t(1) << 40;
  Plan roomy = valueOrThrow(makePlan(one.weights, one.machine, one.request));
  uint64_t expert = one.weights.largestExpert();
  auto budget = [&](Tier tier) {
    return fixedBytes(roomy, tier) + expert * dice.between(0, 5) + dice.between(0, expert - 1);
  };
  one.machine.gpu->memoryBytes = budget(Tier::Gpu);
  one.machine.ramBytes = budget(Tier::Ram);
  return one;
}

/// By which placements are compared: fewer bytes from the disk, then fewer from RAM; and the time.
struct Merit {
  double diskBytes = 1e30, ramBytes = 1e30, seconds = 1e30;
  bool lessReadThan(const Merit &other) const {
    return std::pair(diskBytes, ramBytes) < std::pair(other.diskBytes, other.ramBytes);
  }
};

Merit meritOf(const Plan &plan, const SmallCase &one) {
  Prediction prediction = predict(plan, one.weights, one.machine);
  const TokenPrediction &token = prediction.traced ? *prediction.traced : prediction.uniform;
  // In units in which rounding does not count.
  return {std::round(token.expertBytes[2]), std::round(token.expertBytes[1]), token.cost.total};
}

/// The best of every kind that any placement of the eight experts has, of those that fit.
Merit bestMerit(const SmallCase &one, const Plan &plan) {
  uint64_t expert = one.weights.largestExpert();
  uint64_t gpuRoom = plan.of(Tier::Gpu).free() / expert + plan.of(Tier::Gpu).experts;
  uint64_t ramRoom = plan.of(Tier::Ram).free() / expert + plan.of(Tier::Ram).experts;
  Merit best;
  double seconds = best.seconds;
  Plan other = plan;
  for (uint32_t code = 0; code < 6561; ++code) { // 3^8
    std::array<uint64_t, kTiers> used = {};
    for (LayerPlacement &layer : other.layers)
      layer.experts = {};
    for (uint32_t i = 0, rest = code; i < 8; ++i, rest /= 3) {
      other.expertTiers[i] = static_cast<Tier>(rest % 3);
      other.pinnedInRam[i] = plan.cachePolicy == CachePolicyKind::Pinned && other.expertTiers[i] == Tier::Ram;
      ++used[rest % 3];
      ++other.layers[1 + i / 4].experts[rest % 3];
    }
    if (used[0] > gpuRoom || used[1] > ramRoom)
      continue;
    Merit merit = meritOf(other, one);
    seconds = std::min(seconds, merit.seconds);
    if (merit.lessReadThan(best))
      best = merit;
  }
  best.seconds = seconds;
  return best;
}

TEST(PlanProperties, NoPlacementOfASmallModelReadsLessOrIsFaster) {
  int diskBound = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SmallCase one = smallCase(seed);
    Plan plan = valueOrThrow(makePlan(one.weights, one.machine, one.request));
    ASSERT_FALSE(plan.shortfall);
    Merit merit = meritOf(plan, one), best = bestMerit(one, plan);
    EXPECT_EQ(merit.diskBytes, best.diskBytes);
    EXPECT_EQ(merit.ramBytes, best.ramBytes);
    // GPU and host compute beside each other: only where the GPU is waited for can giving it less be faster.
    Prediction prediction = predict(plan, one.weights, one.machine);
    const Cost &cost = (prediction.traced ? *prediction.traced : prediction.uniform).cost;
    if (cost.of(CostTerm::GpuExperts) > cost.of(CostTerm::HostExperts))
      continue;
    diskBound += cost.bottleneck == CostTerm::DiskReads;
    EXPECT_LE(merit.seconds, best.seconds * (1 + 1e-9));
  }
  EXPECT_GT(diskBound, 20);
}

TEST(PlanProperties, ALargePlanIsWithinOneExpertOfTheBound) {
  ModelWeights weights = v31Weights(kImatrixList);
  for (const char *preset : {"ovh-ai1-1-gpu", "ovh-t2-45"}) {
    Plan plan = valueOrThrow(makePlan(weights, machineOf(preset), defaultRequest()));
    for (Tier tier : {Tier::Gpu, Tier::Ram}) {
      // Nothing could use more than all of the room, experts being divisible.
      EXPECT_LT(plan.of(tier).free(), weights.largestExpertBuffers());
    }
  }
}

} // namespace
} // namespace strata
