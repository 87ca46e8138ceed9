// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/run/Deviation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace strata::run {

void Deviation::addRow(std::span<const float> x, std::span<const float> g) {
  double mean = std::accumulate(g.begin(), g.end(), 0.0) / static_cast<double>(g.size());
  double error = 0;
  double deviation = 0;
  for (std::size_t index = 0; index < g.size(); ++index) {
    double difference = double{x[index]} - double{g[index]};
    double fromMean = double{g[index]} - mean;
    error += difference * difference;
    deviation += fromMean * fromMean;
    // A NaN fails this comparison and stays once it is there.
    if (!(std::abs(difference) <= largestDifference) && !std::isnan(largestDifference))
      largestDifference = std::abs(difference);
  }
  squaredError += error;
  squaredDeviation += deviation;
  rowErrors.push_back(error / deviation);
}

double median(std::vector<double> numbers) {
  bool undefined = std::any_of(numbers.begin(), numbers.end(), [](double number) { return std::isnan(number); });
  if (numbers.empty() || undefined)
    return std::numeric_limits<double>::quiet_NaN();
  std::sort(numbers.begin(), numbers.end());
  std::size_t middle = numbers.size() / 2;
  return numbers.size() % 2 ? numbers[middle] : (numbers[middle - 1] + numbers[middle]) / 2;
}

void GreedyAgreement::addRow(const GoldenCase &golden, uint32_t position, std::span<const float> x, double tolerance) {
  if (std::size_t{position} + 1 < golden.prompt.size())
    return;
  std::size_t step = std::size_t{position} + 1 - golden.prompt.size();
  if (step >= golden.greedy.size() || golden.greedyGap[step] <= tolerance)
    return;
  ++counted;
  equal += std::max_element(x.begin(), x.end()) - x.begin() == golden.greedy[step];
}

} // namespace strata::run
