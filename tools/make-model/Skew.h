// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A stated skew of routing: some experts are used more than others, by a law that is known.
#pragma once

#include "runtime/Base/Error.h"
#include "tools/make-model/Shape.h"

#include <string>

namespace strata::making {

/// The law: how likely a token uses the expert of each rank, min(1, c / rank^exponent) with c such that they sum to
/// `used`. In descending order, `experts` numbers.
std::vector<double> usesByRank(uint32_t experts, uint32_t used, double exponent);

/// Biases of a router whose scores are independent and all alike, as those of random weights are, so that its choices
/// follow the law. Every layer has the same law and experts of its own in it.
class Skew {
public:
  /// Fits the biases to simulated tokens; depends on the shape and its seed alone. Exit code 2 if groups of experts
  /// leave no room for so much skew.
  static Result<Skew> create(const Shape &shape, double exponent);

  /// By expert of `layer`.
  std::vector<float> biases(uint32_t layer) const;
  /// What other simulated tokens choose: how far from the law, and the hit rates of caches.
  std::string describe() const;

private:
  Skew(const Shape &ofShape, double exponent);

  Shape shape;
  double exponent = 0;
  std::vector<double> uses;      ///< By place: members of the first group, then of the second, and so on.
  std::vector<double> placeBias; ///< By place.
};

} // namespace strata::making
