// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/make-model/Skew.h"

#include "runtime/Routing/Replay.h"
#include "tools/make-model/Random.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

namespace strata::making {

namespace {

/// Of a router's products: inputs of size 1, times the norm's weights, which spread by 0.1.
const double kScoreDeviation = std::sqrt(1.01);
/// Simulated scores that are held at a time: 32 MiB.
constexpr uint64_t kSimulatedScores = uint64_t{1} << 23;
constexpr uint64_t kFewestTokens = 2048, kMostTokens = uint64_t{1} << 15;
constexpr int kRounds = 30;
/// Of all choices, at another expert than the law has them.
constexpr double kLargestDistance = 0.03;

double sigmoid(double value) {
  return 1 / (1 + std::exp(-value));
}

/// The score that a share `p` of the tokens exceeds.
double scoreExceededBy(double p) {
  double low = -8, high = 8;
  for (int step = 0; step < 60; ++step) {
    double middle = (low + high) / 2;
    (std::erfc(middle / std::sqrt(2.0)) / 2 > p ? low : high) = middle;
  }
  return sigmoid(kScoreDeviation * low);
}

/// A router that chooses by random scores.
class Simulation {
public:
  Simulation(const Shape &ofShape, uint64_t stream)
      : shape(ofShape), tokens(std::clamp(kSimulatedScores / ofShape.experts, kFewestTokens, kMostTokens)),
        scores(tokens * ofShape.experts) {
    Random random = randomOf(shape.seed, stream, 0);
    // Two normal numbers of every two uniform ones (Box and Muller).
    for (size_t i = 0; i < scores.size(); i += 2) {
      double size = kScoreDeviation * std::sqrt(-2 * std::log(random.uniform())), angle = 2 * M_PI * random.uniform();
      scores[i] = static_cast<float>(sigmoid(size * std::cos(angle)));
      if (i + 1 < scores.size())
        scores[i + 1] = static_cast<float>(sigmoid(size * std::sin(angle)));
    }
  }

  /// Each token's places, `expertsUsed` of them.
  std::vector<uint16_t> choose(const std::vector<double> &biases) const {
    std::vector<uint16_t> choices;
    choices.reserve(tokens * shape.expertsUsed);
    std::vector<double> biased(shape.experts);
    for (uint64_t token = 0; token < tokens; ++token) {
      for (uint32_t expert = 0; expert < shape.experts; ++expert)
        biased[expert] = scores[token * shape.experts + expert] + biases[expert];
      chooseOne(biased, choices);
    }
    return choices;
  }

  /// How many of the tokens use each place, as a share.
  std::vector<double> sharesOf(const std::vector<uint16_t> &choices) const {
    std::vector<double> shares(shape.experts);
    for (uint16_t place : choices)
      shares[place] += 1 / static_cast<double>(tokens);
    return shares;
  }

  double fewest() const { return 0.5 / static_cast<double>(tokens); }

private:
  /// The groups whose two best experts are best together, and of these groups the best experts.
  void chooseOne(const std::vector<double> &biased, std::vector<uint16_t> &choices) const {
    uint32_t perGroup = shape.experts / shape.groups;
    std::vector<std::pair<double, uint32_t>> groups(shape.groups);
    for (uint32_t group = 0; group < shape.groups; ++group) {
      double best = -1, second = -1;
      for (uint32_t at = group * perGroup; at < (group + 1) * perGroup; ++at) {
        second = std::max(second, std::min(best, biased[at]));
        best = std::max(best, biased[at]);
      }
      groups[group] = {-(best + second), group};
    }
    std::ranges::sort(groups);
    std::vector<uint16_t> allowed;
    for (uint32_t i = 0; i < shape.groupsUsed; ++i)
      for (uint32_t member = 0; member < perGroup; ++member)
        allowed.push_back(static_cast<uint16_t>(groups[i].second * perGroup + member));
    auto better = [&](uint16_t a, uint16_t b) { return biased[a] > biased[b]; };
    std::ranges::nth_element(allowed, allowed.begin() + shape.expertsUsed - 1, better);
    choices.insert(choices.end(), allowed.begin(), allowed.begin() + shape.expertsUsed);
  }

  Shape shape;
  uint64_t tokens;
  std::vector<float> scores;
};

/// Of all choices, how many are at another place than `wanted` has them.
double distance(const std::vector<double> &wanted, const std::vector<double> &found) {
  double sum = 0;
  for (size_t i = 0; i < wanted.size(); ++i)
    sum += std::abs(wanted[i] - found[i]) / 2;
  return sum / std::accumulate(wanted.begin(), wanted.end(), 0.0);
}

/// In a random order that depends on the numbers of `random` alone.
void shuffle(std::vector<uint32_t> &list, Random &random) {
  for (size_t i = list.size(); i > 1; --i)
    std::swap(list[i - 1], list[random.next() % i]);
}

std::vector<uint32_t> shuffled(uint32_t count, Random &random) {
  std::vector<uint32_t> list(count);
  std::iota(list.begin(), list.end(), 0);
  shuffle(list, random);
  return list;
}

/// Numbers of streams of random numbers, away from those of tensors.
constexpr uint64_t kFitStream = uint64_t{1} << 40, kCheckStream = kFitStream + 1, kOrderStream = kFitStream + 2;

} // namespace

std::vector<double> usesByRank(uint32_t experts, uint32_t used, double exponent) {
  std::vector<double> uses(experts);
  for (uint32_t rank = 0; rank < experts; ++rank)
    uses[rank] = std::pow(rank + 1, -exponent);
  // Those that every token uses leave less for the others.
  double rest = std::accumulate(uses.begin(), uses.end(), 0.0);
  uint32_t always = 0;
  while (always < used && uses[always] * (used - always) >= rest)
    rest -= uses[always++];
  for (uint32_t rank = 0; rank < experts; ++rank)
    uses[rank] = rank < always ? 1 : uses[rank] * (used - always) / rest;
  return uses;
}

Skew::Skew(const Shape &ofShape, double theExponent)
    : shape(ofShape), exponent(theExponent), uses(shape.experts), placeBias(shape.experts) {
  // Ranks are dealt out to the groups in turn, two at a time: a group is chosen for its two best experts, and one for
  // every most used expert would be more groups than a token uses.
  std::vector<double> byRank = usesByRank(shape.experts, shape.expertsUsed, exponent);
  std::vector<uint32_t> dealt(shape.groups);
  for (uint32_t rank = 0, perGroup = shape.experts / shape.groups; rank < shape.experts; ++rank) {
    uint32_t group = rank / 2 % shape.groups;
    while (dealt[group] == perGroup)
      group = (group + 1) % shape.groups;
    uses[group * perGroup + dealt[group]++] = byRank[rank];
  }
}

Result<Skew> Skew::create(const Shape &shape, double exponent) {
  Skew skew(shape, exponent);
  Simulation simulation(shape, kFitStream);
  // If a token's worst choice always had the same score, a bias were that score less what its expert's own score
  // exceeds as often as wanted. It has not, so each round corrects by what the last one saw.
  auto scoreOf = [&](double share) {
    return scoreExceededBy(std::clamp(share, simulation.fewest(), 1 - simulation.fewest()));
  };
  std::vector<double> wantedScore(shape.experts);
  std::ranges::transform(skew.uses, wantedScore.begin(), scoreOf);
  std::vector<double> best, found;
  double nearest = 2;
  for (size_t i = 0; i < shape.experts; ++i)
    skew.placeBias[i] = -wantedScore[i];
  for (int round = 0; round < kRounds; ++round) {
    found = simulation.sharesOf(simulation.choose(skew.placeBias));
    if (double now = distance(skew.uses, found); now < nearest) {
      nearest = now;
      best = skew.placeBias;
    }
    for (size_t i = 0; i < shape.experts; ++i)
      skew.placeBias[i] += 0.7 * (scoreOf(found[i]) - wantedScore[i]);
  }
  if (nearest > kLargestDistance)
    return fail(ExitCode::CommandLine, "",
                fmt::format("--skew={}: with {} experts in {} groups, of which {} are used, {:.0f} % of the choices "
                            "would be others than stated; ask for less skew",
                            exponent, shape.experts, shape.groups, shape.groupsUsed, nearest * 100));
  // A common part changes no choice. With none below 0, no sum of score and bias is: routers that put 0 for groups that
  // a token does not use choose the same.
  double least = *std::ranges::min_element(best);
  for (size_t i = 0; i < shape.experts; ++i)
    skew.placeBias[i] = best[i] - least;
  return skew;
}

std::vector<float> Skew::biases(uint32_t layer) const {
  Random random = randomOf(shape.seed, kOrderStream, layer);
  uint32_t perGroup = shape.experts / shape.groups;
  std::vector<uint32_t> groups = shuffled(shape.groups, random);
  std::vector<float> result(shape.experts);
  for (uint32_t group = 0; group < shape.groups; ++group) {
    std::vector<uint32_t> members = shuffled(perGroup, random);
    for (uint32_t member = 0; member < perGroup; ++member)
      result[groups[group] * perGroup + members[member]] = static_cast<float>(placeBias[group * perGroup + member]);
  }
  return result;
}

std::string Skew::describe() const {
  Simulation simulation(shape, kCheckStream);
  std::vector<uint16_t> choices = simulation.choose(placeBias);
  std::vector<uint64_t> usage;
  for (double share : uses)
    usage.push_back(static_cast<uint64_t>(share * 1e9));
  std::string text =
      fmt::format("routing: the expert of rank r is used in proportion to 1 / r^{}; {} simulated tokens: "
                  "{:.1f} % of the choices are others\n",
                  exponent, choices.size() / shape.expertsUsed, 100 * distance(uses, simulation.sharesOf(choices)));
  text += fmt::format("hit rates of a cache  {:>8}  {:>8}  {:>8}\n", "experts", "pinned", "lru");
  for (uint32_t part : {16, 8, 4, 2}) {
    uint32_t slots = shape.experts / part;
    if (slots == 0)
      continue;
    auto hits = [&](CachePolicyKind policy) {
      return 100 * static_cast<double>(policyHits(policy, choices, shape.expertsUsed, shape.experts, slots, usage)) /
             static_cast<double>(choices.size());
    };
    text += fmt::format("  {:<20}{:>8}  {:>6.1f} %  {:>6.1f} %\n", fmt::format("a layer's 1/{}", part), slots,
                        hits(CachePolicyKind::Pinned), hits(CachePolicyKind::Lru));
  }
  return text;
}

} // namespace strata::making
