// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// route.
#include "tests/runtime/Device/DeviceTest.h"

#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <set>

namespace strata::test {
namespace {

struct RouterTest : DeviceTest {
  struct Choice {
    std::vector<int32_t> ids;
    Matrix weights;
  };

  Choice choose(const Matrix &logits, const std::vector<double> &bias, const reference::RouteOptions &options) {
    PreparedCall call{Operation::route, Form::few, ActivationEncoding::i16, logits.rows, {}, {}, {}};
    call.reads = {bench.upload(logits), absent()};
    if (!bias.empty()) {
      Weight weight = bench.weight(Encoding::F32, 1, 1, bias.size());
      std::vector<float> floats(bias.begin(), bias.end());
      std::memcpy(weight.bytes.data(), floats.data(), weight.bytes.size());
      call.reads[1] = bench.upload(weight);
    }
    std::vector<int32_t> unset(logits.rows * options.expertsUsed, -1);
    call.writes = {bench.upload(unset, options.expertsUsed), bench.space(logits.rows, options.expertsUsed)};
    call.parameters.gate = options.gate;
    call.parameters.groups = static_cast<uint32_t>(options.groups);
    call.parameters.groupsUsed = static_cast<uint32_t>(options.groupsUsed);
    call.parameters.expertsUsed = static_cast<uint32_t>(options.expertsUsed);
    call.parameters.scale = static_cast<float>(options.scale);
    call.parameters.normalise = options.normalise;
    bench.launch(call);
    return {bench.downloadIntegers(call.writes[0]), bench.download(call.writes[1])};
  }

  static Matrix oneRow(const std::vector<double> &numbers) {
    Matrix result(1, numbers.size());
    result.numbers = numbers;
    return result;
  }
};
STRATA_ON_EVERY_DEVICE(RouterTest);

using Ids = std::vector<int32_t>;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST_P(RouterTest, AgreesWithTheReference) {
  struct Shape {
    uint64_t experts, groups, groupsUsed, used;
  };
  // One expert; all of them; tiny's; V3.1's; groups of one.
  for (Shape shape : {Shape{1, 1, 1, 1}, {6, 1, 1, 6}, {32, 8, 4, 4}, {256, 8, 4, 8}, {8, 8, 3, 3}, {64, 1, 1, 6}})
    for (schema::Gate gate : {schema::Gate::sigmoid, schema::Gate::softmax})
      for (bool normalise : {false, true})
        for (bool biased : {false, true}) {
          SCOPED_TRACE(fmt::format("{} of {} experts, {} of {} groups, {}, normalise {}, bias {}", shape.used,
                                   shape.experts, shape.groupsUsed, shape.groups, schema::EnumNameGate(gate), normalise,
                                   biased));
          Matrix logits = bench.numbers(20, shape.experts, 6);
          std::vector<double> bias = biased ? bench.numbers(1, shape.experts, 0.5).numbers : std::vector<double>();
          reference::RouteOptions options{gate, shape.groups, shape.groupsUsed, shape.used, 2.5, normalise};
          Choice actual = choose(logits, bias, options);
          reference::Routing expected = reference::route(logits, bias, options);
          EXPECT_EQ(actual.ids, expected.ids);
          expectWithin(actual.weights, expected.weights, absolute(expected.weights), 1e-6);
        }
}

TEST_P(RouterTest, TheLowestIndexWinsTies) {
  EXPECT_EQ(choose(oneRow({1, 2, 2, 2, 1, 2}), {}, {.expertsUsed = 3}).ids, (Ids{1, 2, 3}));
  EXPECT_EQ(choose(oneRow({0, 0, 0, 0}), {}, {.expertsUsed = 2}).ids, (Ids{0, 1}));
  // Groups {0, 1}, {2, 3}, {4, 5}: the last two are equal, the middle one goes on.
  EXPECT_EQ(choose(oneRow({0, 0, 1, 2, 2, 1}), {}, {.groups = 3, .groupsUsed = 1, .expertsUsed = 2}).ids, (Ids{2, 3}));
}

TEST_P(RouterTest, IdsAscendWhateverTheScores) {
  EXPECT_EQ(choose(oneRow({9, 0, 8, 1, 10}), {}, {.expertsUsed = 3}).ids, (Ids{0, 2, 4}));
}

TEST_P(RouterTest, TheBiasDecidesTheChoiceAndNotTheWeights) {
  Choice choice = choose(oneRow({4, 0, -4}), {0, 0, 10}, {.expertsUsed = 1});
  EXPECT_EQ(choice.ids, (Ids{2}));
  EXPECT_NEAR(choice.weights.at(0, 0), 1 / (1 + std::exp(4.0)), 1e-8);
}

TEST_P(RouterTest, AGroupIsAsGoodAsItsTwoBest) {
  // Group 0 has the best expert, group 1 the better two.
  reference::RouteOptions options{.groups = 2, .groupsUsed = 1, .expertsUsed = 1};
  EXPECT_EQ(choose(oneRow({3, -9, -9, 2, 2, -9}), {}, options).ids, (Ids{3}));
}

TEST_P(RouterTest, MaskedExpertsAreBelowNegativeOnes) {
  // With a bias all choice scores of the used group are negative: a mask of 0 would let the others in.
  reference::RouteOptions options{.groups = 2, .groupsUsed = 1, .expertsUsed = 2};
  EXPECT_EQ(choose(oneRow({0, 0, 0, 0}), {-5, -6, -9, -9}, options).ids, (Ids{0, 1}));
}

TEST_P(RouterTest, NormalisedWeightsSumToTheScale) {
  Choice choice = choose(bench.numbers(5, 32, 4), {}, {.expertsUsed = 6, .scale = 2.5, .normalise = true});
  for (uint64_t row = 0; row < 5; ++row) {
    double sum = 0;
    for (double weight : choice.weights.row(row))
      sum += weight;
    EXPECT_NEAR(sum, 2.5, 1e-6);
  }
}

TEST_P(RouterTest, ScoresThatAreNoNumbersStillChooseDistinctExperts) {
  for (schema::Gate gate : {schema::Gate::sigmoid, schema::Gate::softmax})
    for (const Matrix &logits : {oneRow(std::vector<double>(32, kNan)), oneRow(std::vector<double>(32, kInfinity)),
                                 oneRow(std::vector<double>(32, -kInfinity)), [&] {
                                   Matrix mixed = bench.numbers(1, 32);
                                   mixed.at(0, 3) = mixed.at(0, 30) = kNan;
                                   mixed.at(0, 4) = kInfinity;
                                   mixed.at(0, 5) = -kInfinity;
                                   return mixed;
                                 }()}) {
      Choice choice = choose(logits, {}, {gate, 8, 2, 4, 1, true});
      std::set<int32_t> distinct(choice.ids.begin(), choice.ids.end());
      EXPECT_EQ(distinct.size(), 4u);
      EXPECT_GE(*distinct.begin(), 0);
      EXPECT_LT(*distinct.rbegin(), 32);
    }
}

TEST_P(RouterTest, ANanScoreIsSeen) {
  Matrix logits = oneRow({5, 4, kNan, 3});
  Choice choice = choose(logits, {}, {.expertsUsed = 2, .normalise = true});
  EXPECT_EQ(choice.ids, (Ids{0, 2}));
  EXPECT_TRUE(std::isnan(choice.weights.at(0, 0)));
  EXPECT_TRUE(std::isnan(choice.weights.at(0, 1)));
}

} // namespace
} // namespace strata::test
