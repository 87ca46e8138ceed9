// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Placement/Allocation.h"

#include "runtime/Base/Checked.h"

#include <algorithm>
#include <numeric>

namespace strata {

static bool fits(std::span<const uint64_t> sizes, std::span<const uint32_t> available, uint32_t perLayer,
                 uint64_t budget) {
  Checked bytes;
  for (size_t i = 0; i < sizes.size(); ++i)
    bytes += Checked(sizes[i]) * std::min(perLayer, available[i]);
  return bytes.atMost(budget);
}

std::vector<uint32_t> allocateEqually(std::span<const uint64_t> sizes, std::span<const uint32_t> available,
                                      uint64_t budget) {
  uint32_t low = 0, high = available.empty() ? 0 : *std::max_element(available.begin(), available.end());
  while (low < high) {
    uint32_t middle = high - (high - low) / 2;
    if (fits(sizes, available, middle, budget))
      low = middle;
    else
      high = middle - 1;
  }
  std::vector<uint32_t> counts(sizes.size());
  for (size_t i = 0; i < sizes.size(); ++i) {
    counts[i] = std::min(low, available[i]);
    budget -= sizes[i] * counts[i];
  }
  std::vector<size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return sizes[a] < sizes[b]; });
  for (size_t i : order)
    if (counts[i] < available[i] && sizes[i] <= budget) {
      ++counts[i];
      budget -= sizes[i];
    }
  return counts;
}

std::vector<RankedExpert> rankExperts(uint32_t experts, std::span<const uint64_t> counts) {
  size_t layers = experts == 0 ? 0 : counts.size() / experts;
  std::vector<double> shares(counts.begin(), counts.end());
  for (size_t layer = 0; layer < layers; ++layer) {
    auto begin = shares.begin() + static_cast<ptrdiff_t>(layer * experts), end = begin + experts;
    double all = std::accumulate(begin, end, 0.0);
    std::transform(begin, end, begin, [&](double uses) { return all > 0 ? uses / all : 1.0 / experts; });
  }
  std::vector<RankedExpert> ranking;
  ranking.reserve(shares.size());
  for (uint32_t expert = 0; expert < experts; ++expert)
    for (uint32_t layer = 0; layer < layers; ++layer)
      ranking.push_back({layer, expert});
  auto share = [&](const RankedExpert &one) { return shares[size_t{one.layer} * experts + one.expert]; };
  std::stable_sort(ranking.begin(), ranking.end(),
                   [&](const RankedExpert &a, const RankedExpert &b) { return share(a) > share(b); });
  return ranking;
}

} // namespace strata
