// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Support/Rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace strata {

/// base^(2i / dimensions), in f32 throughout.
static float pairPeriod(float base, uint32_t dimensions, uint32_t pair) {
  return std::pow(base, static_cast<float>(2 * pair) / static_cast<float>(dimensions));
}

std::vector<float> ropeFrequencies(float base, uint32_t dimensions) {
  std::vector<float> frequencies(dimensions / 2);
  for (uint32_t pair = 0; pair < frequencies.size(); ++pair)
    frequencies[pair] = 1.0f / pairPeriod(base, dimensions, pair);
  return frequencies;
}

/// The pair, as a real number, that makes `rotations` turns in the original context.
static double correctionDimension(double rotations, float base, uint32_t dimensions, const Yarn &yarn) {
  return dimensions * std::log(yarn.originalContext / (rotations * 2 * std::numbers::pi)) /
         (2 * std::log(static_cast<double>(base)));
}

std::pair<double, double> yarnCorrectionRange(float base, uint32_t dimensions, const Yarn &yarn) {
  double low = std::floor(correctionDimension(double{yarn.betaFast}, base, dimensions, yarn));
  double high = std::ceil(correctionDimension(double{yarn.betaSlow}, base, dimensions, yarn));
  return {std::max(low, 0.0), std::min(high, dimensions - 1.0)};
}

std::vector<float> ropeFrequencies(float base, uint32_t dimensions, const Yarn &yarn) {
  auto [low, high] = yarnCorrectionRange(base, dimensions, yarn);
  // An empty range would divide by zero; the published code widens it by this much.
  if (low == high)
    high += 0.001;
  std::vector<float> frequencies(dimensions / 2);
  for (uint32_t pair = 0; pair < frequencies.size(); ++pair) {
    float period = pairPeriod(base, dimensions, pair);
    float extrapolated = 1.0f / period;
    float interpolated = 1.0f / (yarn.factor * period);
    float ramp = (static_cast<float>(pair) - static_cast<float>(low)) / static_cast<float>(high - low);
    float kept = 1.0f - std::clamp(ramp, 0.0f, 1.0f);
    frequencies[pair] = interpolated * (1.0f - kept) + extrapolated * kept;
  }
  return frequencies;
}

float attentionScale(uint32_t headSize) {
  return static_cast<float>(1 / std::sqrt(static_cast<double>(headSize)));
}

float attentionScale(uint32_t headSize, const Yarn &yarn) {
  double magnitude = 0.1 * double{yarn.mscaleAllDimensions} * std::log(double{yarn.factor}) + 1;
  return static_cast<float>(magnitude * magnitude / std::sqrt(static_cast<double>(headSize)));
}

} // namespace strata
