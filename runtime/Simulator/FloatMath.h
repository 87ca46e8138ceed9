// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Numbers as PTX rounds them: f16 in software, subnormals flushed, saturation, directed rounding. Internal linkage, as
// all that is compiled for several instruction sets.
#pragma once

#include "runtime/Simulator/Program.h"

#include <bit>
#include <cfenv>
#include <cmath>
#include <cstdint>
#include <limits>

namespace strata::sim {
namespace {

/// NaN as an f32 instruction makes it.
constexpr uint32_t kNanF32 = 0x7fffffff;
constexpr uint16_t kNanF16 = 0x7fff;

[[gnu::always_inline]] inline float halfToFloat(uint16_t half) {
  uint32_t sign = uint32_t(half & 0x8000) << 16, rest = half & 0x7fff;
  if (rest >= 0x7c00) // Infinity and NaN.
    return std::bit_cast<float>(sign | 0x7f800000 | (rest & 0x3ff) << 13);
  // Scaled by an exact power of two, which makes subnormals right as well.
  return std::bit_cast<float>(sign | rest << 13) * std::bit_cast<float>(uint32_t(0x77800000));
}

/// The nearest f16 of an exact value, or in the direction asked for; one rounding.
inline uint16_t doubleToHalf(double value, Rounding rounding = Rounding::nearest) {
  if (std::isnan(value))
    return kNanF16;
  uint64_t bits = std::bit_cast<uint64_t>(value);
  auto sign = static_cast<uint16_t>(bits >> 48 & 0x8000);
  double magnitude = std::fabs(value);
  // In units of the last place of an f16 of this size.
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  int unit = std::max(exponent - 11, -24);
  if (std::isinf(value))
    return static_cast<uint16_t>(sign | 0x7c00);
  double scaled = std::ldexp(magnitude, -unit);
  double whole = std::floor(scaled), rest = scaled - whole;
  bool up = false;
  if (rounding == Rounding::nearest)
    up = rest > 0.5 || (rest == 0.5 && std::fmod(whole, 2) == 1);
  else if (rounding == Rounding::down)
    up = rest > 0 && sign;
  else if (rounding == Rounding::up)
    up = rest > 0 && !sign;
  double rounded = std::ldexp(whole + (up ? 1 : 0), unit);
  if (rounded >= 65536) { // Beyond the largest: infinity, unless rounding goes towards zero.
    bool largest =
        rounding == Rounding::zero || (rounding == Rounding::down && !sign) || (rounding == Rounding::up && sign);
    return static_cast<uint16_t>(sign | (largest ? 0x7bff : 0x7c00));
  }
  if (rounded < 6.103515625e-05) // 2^-14: subnormal, in units of 2^-24.
    return static_cast<uint16_t>(sign | static_cast<uint16_t>(std::ldexp(rounded, 24)));
  std::frexp(rounded, &exponent);
  auto fraction = static_cast<uint16_t>(std::ldexp(rounded, 11 - exponent)); // 1024 to 2047
  return static_cast<uint16_t>(sign | (((exponent + 14) << 10) + (fraction - 1024)));
}

inline uint16_t floatToHalf(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t sign = bits >> 16 & 0x8000, rest = bits & 0x7fffffff;
  if (rest > 0x7f800000)
    return kNanF16;
  if (rest >= 0x47800000) // 65536 and more.
    return static_cast<uint16_t>(sign | 0x7c00);
  if (rest < 0x38800000) { // Subnormal: adding 0.5 leaves the rounded number of units in the low bits.
    float units = std::bit_cast<float>(rest) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(units) - std::bit_cast<uint32_t>(0.5f)));
  }
  uint32_t rounded = rest + 0xfff + (rest >> 13 & 1); // To nearest, ties to even.
  return static_cast<uint16_t>(sign | ((rounded - (uint32_t(112) << 23)) >> 13));
}

template <typename T> T flushed(T value) {
  return std::fpclassify(value) == FP_SUBNORMAL ? std::copysign(T(0), value) : value;
}
template <typename T> T saturated(T value) {
  return value > T(0) ? (value < T(1) ? value : T(1)) : T(0); // NaN becomes +0.
}

/// The processor's rounding while this lives.
class DirectedRounding {
public:
  explicit DirectedRounding(Rounding rounding) : before(std::fegetround()) {
    constexpr int kModes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
    std::fesetround(kModes[static_cast<int>(rounding)]);
  }
  ~DirectedRounding() { std::fesetround(before); }
  DirectedRounding(const DirectedRounding &) = delete;
  DirectedRounding &operator=(const DirectedRounding &) = delete;

private:
  int before;
};

} // namespace
} // namespace strata::sim
