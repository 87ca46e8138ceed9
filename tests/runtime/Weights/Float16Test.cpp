// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Weights/Dequantise.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace strata;

static bool isNan(uint32_t half) {
  return (half & 0x7FFF) > 0x7C00;
}

/// The definition of binary16, without bit tricks.
static double valueOf(uint32_t half) {
  int exponent = static_cast<int>(half >> 10 & 31), mantissa = static_cast<int>(half & 0x3FF);
  double magnitude = exponent == 31  ? std::numeric_limits<double>::infinity()
                     : exponent == 0 ? std::ldexp(mantissa, -24)
                                     : std::ldexp(1024 + mantissa, exponent - 25);
  return half & 0x8000 ? -magnitude : magnitude;
}

TEST(Float16, EveryPatternToF32) {
  for (uint32_t half = 0; half < 0x10000; ++half) {
    float number = f16ToF32(static_cast<uint16_t>(half));
    ASSERT_EQ(std::signbit(number), half >= 0x8000) << half;
    if (isNan(half)) {
      // Sign and payload stay.
      ASSERT_EQ(std::bit_cast<uint32_t>(number), (half & 0x8000) << 16 | 0x7F800000u | (half & 0x3FF) << 13) << half;
    } else {
      ASSERT_EQ(static_cast<double>(number), valueOf(half)) << half;
    }
  }
}

TEST(Float16, EveryPatternThereAndBack) {
  for (uint32_t half = 0; half < 0x10000; ++half) {
    uint16_t back = f32ToF16(f16ToF32(static_cast<uint16_t>(half)));
    // A signalling NaN becomes a quiet one.
    ASSERT_EQ(back, isNan(half) ? half | 0x0200 : half) << half;
  }
}

// Between two neighbours: halfway goes to the even one, everything else to the nearer one.
TEST(Float16, RoundsToNearestEvenEverywhere) {
  for (uint32_t half = 0; half < 0x7C00; ++half) {
    auto low = static_cast<float>(valueOf(half));
    // The infinity's place is taken by the number that would follow the largest.
    float high = half == 0x7BFF ? 65536.0f : static_cast<float>(valueOf(half + 1));
    float middle = (low + high) / 2;
    uint32_t even = half % 2 == 0 ? half : half + 1;
    ASSERT_EQ(f32ToF16(middle), even) << half;
    ASSERT_EQ(f32ToF16(-middle), even | 0x8000) << half;
    ASSERT_EQ(f32ToF16(std::nextafter(middle, low)), half) << half;
    ASSERT_EQ(f32ToF16(std::nextafter(middle, high)), half + 1) << half;
  }
}

TEST(Float16, ExtremesOfF32) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(f32ToF16(kInfinity), 0x7C00);
  EXPECT_EQ(f32ToF16(-kInfinity), 0xFC00);
  EXPECT_EQ(f32ToF16(std::numeric_limits<float>::max()), 0x7C00);
  EXPECT_EQ(f32ToF16(std::numeric_limits<float>::denorm_min()), 0x0000);
  EXPECT_EQ(f32ToF16(-std::numeric_limits<float>::denorm_min()), 0x8000);
  // A NaN whose payload has no bit among those that stay.
  EXPECT_EQ(f32ToF16(std::bit_cast<float>(0x7F800001u)), 0x7E00);
}

TEST(BFloat16, IsTheUpperHalf) {
  EXPECT_EQ(bf16ToF32(0x3F80), 1.0f);
  EXPECT_EQ(bf16ToF32(0xC0A0), -5.0f);
  EXPECT_EQ(bf16ToF32(0x0001), std::ldexp(1.0f, -133));
  EXPECT_TRUE(std::isinf(bf16ToF32(0x7F80)));
  EXPECT_TRUE(std::isnan(bf16ToF32(0x7F81)));
}
