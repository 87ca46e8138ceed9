// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Functions that are evaluated in f64 and rounded to f32 once (docs/numbers.md, "Functions").
#pragma once

#include <cmath>

namespace strata::host {

inline float exponential(float x) {
  return static_cast<float>(std::exp(static_cast<double>(x)));
}

inline float sigmoid(float x) {
  return static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(x))));
}

inline float silu(float x) {
  double wide = static_cast<double>(x);
  return static_cast<float>(wide / (1.0 + std::exp(-wide)));
}

} // namespace strata::host
