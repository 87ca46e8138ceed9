// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Encoded weights as f32 numbers, with the arithmetic of docs/numbers.md ("Products", the last paragraph).
#pragma once

#include "runtime/Weights/Encoding.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace strata {

/// IEEE 754 binary16 to binary32: exact for every number; NaNs keep sign and payload.
inline float f16ToF32(uint16_t half) {
  uint32_t sign = (half & 0x8000u) << 16;
  uint32_t magnitude = half & 0x7FFFu;
  // Moving an exponent from bias 15 to bias 127 adds 112; the exponent of infinity and NaN goes from 31 to 255.
  constexpr uint32_t kRebias = 112u << 23;
  uint32_t bits = (magnitude << 13) + kRebias;
  if (magnitude >= 0x7C00u)
    bits += kRebias;
  // Subnormals are multiples of 2^-24. No arithmetic on f32 subnormals: it is slow, and a mode can flush them.
  if (magnitude < 0x0400u)
    bits = std::bit_cast<uint32_t>(static_cast<float>(magnitude) * 0x1p-24f);
  return std::bit_cast<float>(bits | sign);
}

/// IEEE 754 binary32 to binary16, rounded to nearest even; 65520 and more become infinity, NaNs stay NaNs.
inline uint16_t f32ToF16(float number) {
  uint32_t bits = std::bit_cast<uint32_t>(number);
  uint32_t sign = (bits >> 16) & 0x8000u;
  uint32_t magnitude = bits & 0x7FFF'FFFFu;
  uint32_t half = 0;
  if (magnitude > 0x7F80'0000u) // NaN: the quiet bit, so that a payload in the lost bits does not become infinity
    half = 0x7E00u | ((magnitude >> 13) & 0x03FFu);
  else if (magnitude >= 0x477F'F000u) // 65520, halfway between the largest f16 and what would follow
    half = 0x7C00u;
  else if (magnitude >= 0x3880'0000u) // 2^-14, the smallest normal f16; ties look at the last bit that stays
    half = (magnitude - (112u << 23) + 0x0FFFu + ((magnitude >> 13) & 1u)) >> 13;
  else // the sum with 0.5, whose last bit is worth 2^-24, rounds to a multiple of the smallest subnormal
    half = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - std::bit_cast<uint32_t>(0.5f);
  return static_cast<uint16_t>(half | sign);
}

/// bfloat16 is the upper half of binary32.
inline float bf16ToF32(uint16_t half) {
  return std::bit_cast<float>(static_cast<uint32_t>(half) << 16);
}

/// Two bytes of a block, which begins at any address.
inline uint16_t loadU16(const std::byte *from) {
  uint16_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// Writes `elements` numbers, a whole number of the encoding's blocks, to `to`. `encoding` must be one of
/// supportedEncodings(). The results are those of ggml's reference (block layouts: ggml-common.h), bit for bit; a NaN's
/// payload is not specified.
void dequantise(Encoding encoding, const std::byte *from, uint64_t elements, float *to);

} // namespace strata
