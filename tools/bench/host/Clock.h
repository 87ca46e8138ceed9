// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How long something takes, and what many such times say.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

namespace strata::bench {

/// What `work()` takes.
template <typename Work> double secondsOf(const Work &work) {
  auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// The one in the middle, or the mean of the two; 0 of no numbers.
inline double median(std::vector<double> numbers) {
  if (numbers.empty())
    return 0;
  std::sort(numbers.begin(), numbers.end());
  size_t middle = numbers.size() / 2;
  return numbers.size() % 2 != 0 ? numbers[middle] : (numbers[middle - 1] + numbers[middle]) / 2;
}

inline double mean(const std::vector<double> &numbers) {
  double sum = 0;
  for (double number : numbers)
    sum += number;
  return numbers.empty() ? 0 : sum / static_cast<double>(numbers.size());
}

/// The sample's standard deviation, as llama-bench has it; 0 of a single number.
inline double deviation(const std::vector<double> &numbers) {
  if (numbers.size() < 2)
    return 0;
  double average = mean(numbers), squares = 0;
  for (double number : numbers)
    squares += (number - average) * (number - average);
  return std::sqrt(squares / static_cast<double>(numbers.size() - 1));
}

} // namespace strata::bench
