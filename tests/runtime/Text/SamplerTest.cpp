// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Text/Sampler.h"
#include "runtime/Text/Random.h"
#include "tests/runtime/Text/AllocationCount.h"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <limits>
#include <random>

using namespace strata;
using namespace strata::text;

namespace {

using Words = std::array<uint32_t, 4>;

// The known answers that the authors publish with the generator (Random123, kat_vectors).
TEST(Random, PhiloxGivesThePublishedAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({~0U, ~0U, ~0U, ~0U}, {~0U, ~0U}), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, UniformIsInRangeAndEven) {
  std::array<int, 10> tenths{};
  for (uint64_t step = 0; step < 100000; ++step) {
    double number = uniform(7, step);
    ASSERT_GE(number, 0);
    ASSERT_LT(number, 1);
    ++tenths[static_cast<size_t>(number * 10)];
  }
  // 10,000 each, standard deviation 95.
  for (int count : tenths)
    EXPECT_NEAR(count, 10000, 475);
}

Sampler make(const SamplingOptions &options, size_t vocabularySize) {
  return Sampler::create(options, vocabularySize).value();
}

/// How often each token is drawn in `steps` steps, as fractions.
std::vector<double> frequencies(const SamplingOptions &options, const std::vector<float> &logits, uint64_t steps,
                                const std::vector<int32_t> &history = {}) {
  Sampler sampler = make(options, logits.size());
  std::vector<double> fractions(logits.size());
  for (uint64_t step = 0; step < steps; ++step)
    fractions[static_cast<size_t>(sampler.sample(logits, history, step).value())] += 1 / static_cast<double>(steps);
  return fractions;
}

std::vector<float> logitsOf(const std::vector<double> &probabilities) {
  std::vector<float> logits;
  for (double probability : probabilities)
    logits.push_back(static_cast<float>(std::log(probability)));
  return logits;
}

/// All tokens, at the probabilities the model gives.
SamplingOptions unchanged() {
  return {.temperature = 1, .topP = 1};
}

using testing::DoubleNear;
using testing::HasSubstr;
using testing::Pointwise;

constexpr uint64_t kSteps = 40000;

auto near(const std::vector<double> &fractions) {
  // Five standard deviations of a fraction after kSteps.
  return Pointwise(DoubleNear(0.0125), fractions);
}
auto exactly(const std::vector<double> &fractions) {
  return Pointwise(DoubleNear(1e-9), fractions);
}

TEST(Sampler, DefaultsAreTheModelCards) {
  SamplingOptions options;
  EXPECT_EQ(options.temperature, 0.6);
  EXPECT_EQ(options.topP, 0.95);
  EXPECT_EQ(options.topK, 0);
  EXPECT_EQ(options.minP, 0);
  EXPECT_EQ(options.repetitionPenalty, 1);
  EXPECT_EQ(options.seed, 0U);
}

TEST(Sampler, GreedyTakesTheLargestLogit) {
  Sampler sampler = make({.temperature = 0}, 4);
  EXPECT_EQ(sampler.sample(std::vector<float>{-3, 2, 7, 1}, {}, 0), 2);
}

TEST(Sampler, GreedyTakesTheLowestIdAmongEquals) {
  Sampler sampler = make({.temperature = 0}, 4);
  EXPECT_EQ(sampler.sample(std::vector<float>{1, 5, 5, 5}, {}, 0), 1);
}

TEST(Sampler, GreedyHeedsTheRepetitionPenalty) {
  Sampler sampler = make({.temperature = 0, .repetitionPenalty = 2}, 3);
  EXPECT_EQ(sampler.sample(std::vector<float>{4, 3, 1}, std::vector<int32_t>{0}, 0), 1);
}

TEST(Sampler, DrawsByProbability) {
  std::vector<double> wanted = {0.5, 0.3, 0.15, 0.05};
  EXPECT_THAT(frequencies(unchanged(), logitsOf(wanted), kSteps), near(wanted));
}

TEST(Sampler, TemperatureSharpens) {
  SamplingOptions options = unchanged();
  options.temperature = 0.5; // squares the probabilities' ratios
  EXPECT_THAT(frequencies(options, logitsOf({0.6, 0.4}), kSteps), near({0.36 / 0.52, 0.16 / 0.52}));
}

TEST(Sampler, TinyTemperatureIsGreedy) {
  SamplingOptions options = unchanged();
  options.temperature = 1e-300;
  EXPECT_THAT(frequencies(options, {1, 3, 2}, 100), exactly({0, 1, 0}));
}

TEST(Sampler, TopKKeepsTheLikeliest) {
  SamplingOptions options = unchanged();
  options.topK = 2;
  EXPECT_THAT(frequencies(options, logitsOf({0.1, 0.4, 0.3, 0.2}), kSteps), near({0, 4 / 7.0, 3 / 7.0, 0}));
}

TEST(Sampler, TopPKeepsTheFewestThatReachIt) {
  SamplingOptions options = unchanged();
  options.topP = 0.75;
  EXPECT_THAT(frequencies(options, logitsOf({0.1, 0.4, 0.3, 0.2}), kSteps), near({0, 4 / 9.0, 3 / 9.0, 2 / 9.0}));
  options.topP = 1e-9;
  EXPECT_THAT(frequencies(options, logitsOf({0.1, 0.4, 0.3, 0.2}), 100), exactly({0, 1, 0, 0}));
}

TEST(Sampler, MinPKeepsAFractionOfTheLikeliest) {
  SamplingOptions options = unchanged();
  options.minP = 0.6; // 0.6 * 0.4 = 0.24
  EXPECT_THAT(frequencies(options, logitsOf({0.1, 0.4, 0.3, 0.2}), kSteps), near({0, 4 / 7.0, 3 / 7.0, 0}));
  options.minP = 1;
  EXPECT_THAT(frequencies(options, logitsOf({0.1, 0.4, 0.3, 0.2}), 100), exactly({0, 1, 0, 0}));
}

TEST(Sampler, RepetitionPenaltyDividesPositiveAndMultipliesNegativeLogitsOnce) {
  SamplingOptions options = unchanged();
  options.repetitionPenalty = 2;
  std::vector<double> weights = {std::exp(1), std::exp(1), std::exp(-1), std::exp(-0.5)};
  double sum = weights[0] + weights[1] + weights[2] + weights[3];
  for (double &weight : weights)
    weight /= sum;
  // Token 0 occurs twice and is penalised once; ids that do not exist are no tokens.
  EXPECT_THAT(frequencies(options, {2, 1, -0.5, -0.5}, kSteps, {0, 2, 0, -1, 4}), near(weights));
}

// Temperature comes before top-p: at 0.5 the first of {0.6, 0.4} has 0.69, which alone reaches 0.65.
TEST(Sampler, TemperatureComesBeforeTopP) {
  SamplingOptions options = unchanged();
  options.temperature = 0.5;
  options.topP = 0.65;
  EXPECT_THAT(frequencies(options, logitsOf({0.6, 0.4}), 200), exactly({1, 0}));
}

// Top-k comes before top-p: of the first two the likelier has 0.4 / 0.7 = 0.57, which alone reaches 0.5.
TEST(Sampler, TopKComesBeforeTopP) {
  SamplingOptions options = unchanged();
  options.topK = 2;
  options.topP = 0.5;
  EXPECT_THAT(frequencies(options, logitsOf({0.1, 0.4, 0.3, 0.2}), 200), exactly({0, 1, 0, 0}));
}

// The penalty comes before top-k: it takes the likeliest token out of the first place.
TEST(Sampler, RepetitionPenaltyComesBeforeTopK) {
  SamplingOptions options = unchanged();
  options.repetitionPenalty = 4;
  options.topK = 1;
  EXPECT_THAT(frequencies(options, {4, 3, 2}, 200, {0}), exactly({0, 1, 0}));
}

// Top-p comes before min-p: were it the other way round, the first two alone would be 1 and the second would be cut.
TEST(Sampler, TopPComesBeforeMinP) {
  SamplingOptions options = unchanged();
  options.topP = 0.55;
  options.minP = 0.5;
  EXPECT_THAT(frequencies(options, logitsOf({0.4, 0.3, 0.15, 0.15}), kSteps), near({4 / 7.0, 3 / 7.0, 0, 0}));
}

// The set that top-p keeps of a large vocabulary, against sorting all of it.
TEST(Sampler, TopPOfALargeVocabulary) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> logits(5000);
  for (float &logit : logits)
    logit = normal(random);
  std::vector<size_t> order(logits.size());
  for (size_t id = 0; id < order.size(); ++id)
    order[id] = id;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return logits[a] > logits[b]; });
  double total = 0, mass = 0;
  for (float logit : logits)
    total += std::exp(logit);
  std::vector<bool> allowed(logits.size());
  for (size_t rank = 0; mass < 0.5 * total; ++rank) {
    allowed[order[rank]] = true;
    mass += std::exp(logits[order[rank]]);
  }
  SamplingOptions options = unchanged();
  options.topP = 0.5;
  std::vector<double> drawn = frequencies(options, logits, 3000);
  size_t distinct = 0;
  for (size_t id = 0; id < logits.size(); ++id) {
    if (drawn[id] == 0)
      continue;
    ++distinct;
    EXPECT_TRUE(allowed[id]) << id;
  }
  EXPECT_GT(distinct, 300U);
}

TEST(Sampler, TokenDependsOnSeedAndStepOnly) {
  std::vector<float> logits(100, 0.0F);
  SamplingOptions options = unchanged();
  Sampler forwards = make(options, logits.size()), backwards = make(options, logits.size());
  std::vector<int32_t> first, second(50);
  for (uint64_t step = 0; step < 50; ++step)
    first.push_back(forwards.sample(logits, {}, step).value());
  for (uint64_t step = 50; step-- > 0;)
    second[step] = backwards.sample(logits, {}, step).value();
  EXPECT_EQ(first, second);

  options.seed = 1;
  Sampler other = make(options, logits.size());
  std::vector<int32_t> third;
  for (uint64_t step = 0; step < 50; ++step)
    third.push_back(other.sample(logits, {}, step).value());
  EXPECT_NE(first, third);
}

TEST(Sampler, NonFiniteLogitsAreAnError) {
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                    -std::numeric_limits<float>::infinity()}) {
    for (double temperature : {0.0, 1.0}) {
      Sampler sampler = make({.temperature = temperature}, 3);
      Result<int32_t> token = sampler.sample(std::vector<float>{1, bad, 2}, {}, 5);
      ASSERT_FALSE(token);
      EXPECT_EQ(token.error().code, ExitCode::Input);
      EXPECT_THAT(token.error().message, HasSubstr("non-finite logits: token 1"));
      EXPECT_EQ(sampler.sample(std::vector<float>{1, 9000, 2}, {}, 5), 1) << "usable after the error";
    }
  }
}

TEST(Sampler, OptionsOutOfRangeAreCommandLineErrors) {
  double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  std::vector<std::pair<SamplingOptions, std::string>> cases;
  for (double bad : {-0.1, 100.5, infinity, nan})
    cases.push_back({{.temperature = bad}, "temperature"});
  cases.push_back({{.topK = -1}, "top-k"});
  for (double bad : {0.0, -1.0, 1.01, nan})
    cases.push_back({{.topP = bad}, "top-p"});
  for (double bad : {-0.1, 1.01, nan})
    cases.push_back({{.minP = bad}, "min-p"});
  for (double bad : {0.0, -1.0, 101.0, infinity, nan})
    cases.push_back({{.repetitionPenalty = bad}, "repetition penalty"});
  for (const auto &[options, name] : cases) {
    Result<Sampler> sampler = Sampler::create(options, 3);
    ASSERT_FALSE(sampler) << name;
    EXPECT_EQ(sampler.error().code, ExitCode::CommandLine);
    EXPECT_THAT(sampler.error().message, HasSubstr(name));
  }
}

TEST(Sampler, AllocatesNothingAfterConstruction) {
  std::vector<float> logits(1000);
  for (size_t id = 0; id < logits.size(); ++id)
    logits[id] = static_cast<float>(id % 17);
  std::vector<int32_t> history = {1, 2, 3};
  Sampler sampler = make({.temperature = 1, .topK = 500, .topP = 0.9, .minP = 0.01, .repetitionPenalty = 1.1}, 1000);
  size_t before = allocationCount();
  for (uint64_t step = 0; step < 20; ++step)
    ASSERT_TRUE(sampler.sample(logits, history, step));
  EXPECT_EQ(allocationCount(), before);
}

} // namespace
