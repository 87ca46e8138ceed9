// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// 16-bit floating-point numbers, and loads that need no alignment.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace strata::host {

/// The T at `from`, which may be at any address.
template <typename T> inline T load(const std::byte *from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

/// IEEE 754 binary16 to binary32; exact. Written without branches so that loops over it become vector code.
inline float halfToFloat(uint16_t half) {
  uint32_t magnitude = half & 0x7FFFu;
  uint32_t normal = (magnitude << 13) + (112u << 23);
  uint32_t subnormal = std::bit_cast<uint32_t>(static_cast<float>(static_cast<int32_t>(magnitude)) * 0x1p-24f);
  uint32_t bits = magnitude < 0x0400u ? subnormal : normal;
  bits |= magnitude >= 0x7C00u ? 0x7F800000u : 0u;
  return std::bit_cast<float>(bits | (static_cast<uint32_t>(half & 0x8000u) << 16));
}

/// To the nearest binary16, ties to even; from 65520 on infinity. NaN stays NaN.
inline uint16_t floatToHalf(float number) {
  uint32_t bits = std::bit_cast<uint32_t>(number);
  uint32_t sign = (bits >> 16) & 0x8000u;
  uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u)
    return static_cast<uint16_t>(sign | 0x7E00u);
  if (magnitude >= 0x47800000u)
    return static_cast<uint16_t>(sign | 0x7C00u);
  if (magnitude < 0x38800000u) {
    // The last place of 0.5 is binary16's subnormal unit, 2^-24: the addition rounds as wanted.
    float rounded = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(rounded) - 0x3F000000u));
  }
  uint32_t rounded = (magnitude - (112u << 23)) + 0xFFFu + ((magnitude >> 13) & 1u);
  return static_cast<uint16_t>(sign | (rounded >> 13));
}

/// bfloat16 to binary32; exact.
inline float bfloatToFloat(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

} // namespace strata::host
