// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Simulator/Sample.h"

#include <algorithm>
#include <cmath>

namespace strata::sim {

static double quotient(uint64_t all, uint64_t of) {
  return static_cast<double>(all) / static_cast<double>(of);
}

/// The first column of a pair: somewhere in its share of the columns, as multiples of the golden ratio are spread.
static uint64_t pairBegin(uint64_t pair, uint64_t pairs, uint64_t columns) {
  uint64_t begin = pair * columns / pairs, end = (pair + 1) * columns / pairs;
  double whole = 0, where = std::modf(static_cast<double>(pair) * 0.6180339887498949, &whole);
  return begin + static_cast<uint64_t>(where * static_cast<double>(end - begin - 1));
}

Sample sampleOf(const std::array<uint32_t, 3> &grid, uint64_t wanted) {
  uint64_t columns = grid[0], rows = uint64_t(grid[1]) * grid[2];
  uint64_t takenColumns = columns, takenRows = rows;
  if (wanted > 0 && wanted < columns * rows) {
    takenRows = std::min<uint64_t>(rows, wanted >= 4 ? 2 : 1);
    takenColumns = std::min(columns, std::max<uint64_t>(wanted / takenRows, 1));
    takenRows = std::min(rows, std::max<uint64_t>(wanted / takenColumns, 1));
  }
  // One pair does not tell what is shared by neighbours from what is shared by all.
  uint64_t pairs = takenColumns < columns ? std::max<uint64_t>(takenColumns / 2, 2) : 0;
  if (pairs * 2 >= columns) {
    pairs = 0;
    takenColumns = columns;
  }
  Sample sample;
  sample.columnsOfOne = pairs ? quotient(columns, pairs) : quotient(columns, takenColumns);
  sample.rowsOfOne = quotient(rows, takenRows);
  for (uint64_t i = 0; i < takenRows; ++i) {
    uint64_t row = i * rows / takenRows;
    auto add = [&](uint64_t column, uint64_t group, bool leads) {
      sample.ctas.push_back({row * columns + column, static_cast<uint32_t>(group), static_cast<uint32_t>(row), leads});
    };
    for (uint64_t pair = 0; pair < pairs; ++pair) {
      uint64_t begin = pairBegin(pair, pairs, columns);
      add(begin, pair, true);
      add(begin + 1, pair, false);
    }
    for (uint64_t column = 0; pairs == 0 && column < takenColumns; ++column)
      add(column, column, false);
  }
  return sample;
}

} // namespace strata::sim
