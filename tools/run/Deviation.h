// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How far logits are from golden ones.
#pragma once

#include "tools/run/GoldenFile.h"

#include <cstdint>
#include <span>
#include <vector>

namespace strata::run {

/// Collects the rows of one case in one form. Numbers that are not finite make every figure NaN, which no bound allows.
class Deviation {
public:
  /// The rows' logits `x` and the golden ones `g`, of equal length.
  void addRow(std::span<const float> x, std::span<const float> g);

  std::size_t rows() const { return rowErrors.size(); }
  /// The largest |x - g|.
  double largest() const { return largestDifference; }
  /// Σ (x - g)² ÷ Σ (g - mean of its row)², over all rows.
  double nmse() const { return squaredError / squaredDeviation; }
  /// The same of every row by itself.
  const std::vector<double> &rowNmse() const { return rowErrors; }

private:
  double largestDifference = 0;
  double squaredError = 0;
  double squaredDeviation = 0;
  std::vector<double> rowErrors;
};

/// The middle one, or the mean of the two middle ones; NaN if there are none or one of them is NaN.
double median(std::vector<double> numbers);

/// How many steps of a case chose the golden token, of those whose gap says that a right result must.
struct GreedyAgreement {
  uint32_t equal = 0;
  uint32_t counted = 0;

  /// `x` are the logits after the token at `position`. Steps with a gap up to `tolerance` are not counted.
  void addRow(const GoldenCase &golden, uint32_t position, std::span<const float> x, double tolerance);
};

} // namespace strata::run
