// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a cache is predicted to serve, against replays and against random uses.
#include "compiler/Placement/CacheModel.h"

#include "compiler/Placement/Prediction.h"
#include "runtime/Routing/Replay.h"
#include "runtime/Routing/UsageCounts.h"
#include "tests/compiler/Placement/PlacementFixture.h"

#include <gtest/gtest.h>
#include <numeric>
#include <random>

using namespace strata;

namespace {

constexpr uint32_t kLayers = 58, kExperts = 256, kUsed = 8;

/// Tokens whose experts are skewed, and differ by layer; consecutive tokens are alike.
std::shared_ptr<const RoutingTrace> skewedTrace(size_t tokens) {
  RoutingTrace trace;
  trace.shape = {{}, 3, kLayers, kExperts, kUsed};
  TraceSegment segment;
  segment.phase = RoutingPhase::Generated;
  std::mt19937 random(3);
  std::vector<std::vector<uint16_t>> last(kLayers);
  for (size_t token = 0; token < tokens; ++token)
    for (uint32_t layer = 0; layer < kLayers; ++layer) {
      std::vector<uint16_t> &chosen = last[layer];
      chosen.resize(chosen.size() / 2);
      while (chosen.size() < kUsed) {
        double x = std::generate_canonical<double, 32>(random);
        auto expert = static_cast<uint16_t>(static_cast<uint32_t>(x * x * x * kExperts + 31 * layer) % kExperts);
        if (std::find(chosen.begin(), chosen.end(), expert) == chosen.end())
          chosen.push_back(expert);
      }
      std::vector<uint16_t> sorted = chosen;
      std::sort(sorted.begin(), sorted.end());
      segment.ids.insert(segment.ids.end(), sorted.begin(), sorted.end());
      std::shuffle(chosen.begin(), chosen.end(), random);
    }
  trace.segments.push_back(std::move(segment));
  return std::make_shared<const RoutingTrace>(std::move(trace));
}

struct Case {
  ModelWeights weights = v31Weights();
  MachineDescription machine = hostWith(uint64_t(80) << 30);
  PlanRequest request = defaultRequest(4096);

  TokenPrediction traced() const {
    Plan plan = valueOrThrow(makePlan(weights, machine, request));
    return *predict(plan, weights, machine).traced;
  }
};

} // namespace

TEST(CacheModel, LruShareIsThatOfIndependentUses) {
  std::mt19937 random(1);
  for (uint32_t slots : {1u, 5u, 20u, 63u}) {
    std::vector<double> uses(64);
    for (double &one : uses)
      one = 1 + static_cast<double>(random() % 1000) * (random() % 10 == 0 ? 20 : 1);
    std::discrete_distribution<int> pick(uses.begin(), uses.end());
    std::vector<uint16_t> choices(200'000);
    for (uint16_t &choice : choices)
      choice = static_cast<uint16_t>(pick(random));
    auto hits = static_cast<double>(policyHits(CachePolicyKind::Lru, choices, 1, 64, slots, {}));
    EXPECT_NEAR(lruShare(uses, slots), hits / 200'000, 0.01) << slots;
  }
}

TEST(CacheModel, LruShareAtItsEnds) {
  std::vector<double> uses = {3, 0, 1, 6};
  EXPECT_EQ(lruShare(uses, 0), 0);
  EXPECT_EQ(lruShare(uses, 3), 1) << "one is never used";
  EXPECT_GT(lruShare(uses, 2), 0.6);
  EXPECT_LT(lruShare(uses, 2), 0.9) << "the two most used";
  EXPECT_EQ(lruShare(std::vector<double>{}, 2), 1);
  EXPECT_EQ(lruShare(std::vector<double>{0, 0}, 1), 1) << "nothing is used";
  EXPECT_GT(lruShare(std::vector<double>{1e-300, 1e19, 1}, 2), 0.99);
}

TEST(CacheModel, ATraceIsReplayedWithThePolicy) {
  Case one;
  auto trace = skewedTrace(200);
  one.request.trace = trace;
  one.request.usage = countTrace(*trace).counts;
  std::vector<std::vector<uint16_t>> layers(kLayers);
  const std::vector<uint16_t> &ids = trace->segments[0].ids;
  for (size_t i = 0; i < ids.size(); ++i)
    layers[i / kUsed % kLayers].push_back(ids[i]);
  for (CachePolicyKind kind : {CachePolicyKind::Lru, CachePolicyKind::Lfu, CachePolicyKind::PinnedLru}) {
    one.request.cachePolicy = kind;
    Plan plan = valueOrThrow(makePlan(one.weights, one.machine, one.request));
    double share = 0;
    for (uint32_t layer = 0; layer < kLayers; ++layer) {
      uint32_t slots = plan.layers[3 + layer].experts[1];
      EXPECT_GT(slots, 30u);
      std::vector<uint64_t> counts(one.request.usage.begin() + layer * kExperts,
                                   one.request.usage.begin() + (layer + 1) * kExperts);
      auto hits = static_cast<double>(policyHits(kind, layers[layer], kUsed, kExperts, slots, counts));
      EXPECT_DOUBLE_EQ(servedUses(plan, 3 + layer)[1], hits);
      share += hits / (200 * kUsed);
    }
    EXPECT_NEAR(one.traced().hitRate, share / kLayers, 1e-9) << cachePolicyName(kind);
  }
}

TEST(CacheModel, CountsAloneMakeAnEstimateBetweenUniformAndPinned) {
  Case one;
  one.request.usage = countTrace(*skewedTrace(200)).counts;
  double pinned = one.traced().hitRate;
  one.request.cachePolicy = CachePolicyKind::Lfu;
  double often = one.traced().hitRate;
  one.request.cachePolicy = CachePolicyKind::PinnedLru;
  double half = one.traced().hitRate;
  one.request.cachePolicy = CachePolicyKind::Lru;
  double recent = one.traced().hitRate;
  Plan plan = valueOrThrow(makePlan(one.weights, one.machine, one.request));
  EXPECT_GT(recent, residency(plan));
  EXPECT_GT(half, recent);
  EXPECT_GT(often, half);
  EXPECT_NEAR(often, pinned, 0.01) << "pins are not equal per layer, and so a little better";
}

TEST(CacheModel, PinsWithoutCountsGainNothing) {
  Case one;
  auto predicted = [&] {
    return predict(valueOrThrow(makePlan(one.weights, one.machine, one.request)), one.weights, one.machine);
  };
  EXPECT_GT(predicted().best().hitRate, 1.2 * predicted().uniform.hitRate);
  one.request.cachePolicy = CachePolicyKind::Pinned;
  EXPECT_DOUBLE_EQ(predicted().best().hitRate, predicted().uniform.hitRate);
}
