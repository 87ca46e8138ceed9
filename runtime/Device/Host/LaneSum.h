// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Lane sums: the order that most sums are taken in (docs/numbers.md, "Lanes").
#pragma once

#include <cstdint>

namespace strata::host {

inline constexpr uint64_t kLanes = 8;

/// What the eight accumulators of a lane sum come to.
template <typename Number> inline Number joinLanes(const Number *lanes) {
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

/// Adds the products of a[i] and b[i], taken in `Accumulator`, to the lanes; `count` numbers that begin at a lane 0.
template <typename Accumulator>
inline void addProducts(Accumulator *__restrict lanes, const float *__restrict a, const float *__restrict b,
                        uint64_t count) {
  uint64_t whole = count / kLanes * kLanes;
  for (uint64_t i = 0; i < whole; i += kLanes)
    for (uint64_t lane = 0; lane < kLanes; ++lane)
      lanes[lane] += static_cast<Accumulator>(a[i + lane]) * static_cast<Accumulator>(b[i + lane]);
  for (uint64_t lane = 0; lane < count - whole; ++lane)
    lanes[lane] += static_cast<Accumulator>(a[whole + lane]) * static_cast<Accumulator>(b[whole + lane]);
}

/// The lane sum of a[i]·b[i].
template <typename Accumulator> inline Accumulator laneDot(const float *a, const float *b, uint64_t count) {
  Accumulator lanes[kLanes] = {};
  addProducts(lanes, a, b, count);
  return joinLanes(lanes);
}

} // namespace strata::host
