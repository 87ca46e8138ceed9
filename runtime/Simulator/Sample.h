// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Which CTAs of a grid are executed when all would take too long.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace strata::sim {

/// Of products with so many CTAs, counts and modelled times are within 5 % of those of all.
constexpr uint64_t kSampledCtas = 64;

/// One CTA that is executed. A grid is seen as columns (x) and rows (y and z).
struct SampledCta {
  uint64_t number = 0;
  uint32_t group = 0; ///< Neighbours that are executed together; a column if all are.
  uint32_t row = 0;
  bool leads = false; ///< Of its group the first: it fetches what neighbours share, and stands for no others.
};

struct Sample {
  std::vector<SampledCta> ctas;           ///< In their order.
  double columnsOfOne = 1, rowsOfOne = 1; ///< How many of the grid one that does not lead, and one row, stand for.
};

/// About `wanted` CTAs, the same ones every time; all if it is 0 or not fewer. Where columns are left out, pairs of
/// neighbours are taken, at distances that no power of two divides: what both of a pair touch is shared by more. Of
/// rows two are taken, and more only if columns do not suffice.
Sample sampleOf(const std::array<uint32_t, 3> &grid, uint64_t wanted);

} // namespace strata::sim
