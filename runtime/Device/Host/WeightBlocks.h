// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Weight rows, a block at a time: as integers with scales, and as numbers. Layouts: the GGUF specification's block
// types.
#pragma once

#include "runtime/Weights/Dequantise.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace strata::host {

/// Numbers that share an activation scale, and that kernels take at a time.
inline constexpr uint64_t kBlock = 32;

/// 32 consecutive weights of a block-quantised row; wide enough digits that a product of two needs no widening first.
struct WeightBlock {
  alignas(64) int16_t digits[kBlock];
  float scale;        ///< d
  float minimum;      ///< m of Q4_1.
  int64_t factors[2]; ///< Q6_K's scales of the first and last 16 digits.
};

struct Q4_0 {
  static constexpr bool kMinimum = false, kFactors = false;
  static constexpr uint64_t kBytes = 18;

  static void load(const std::byte *row, uint64_t block, WeightBlock &out) {
    const std::byte *from = row + block * kBytes;
    out.scale = f16ToF32(loadU16(from));
    const auto *packed = reinterpret_cast<const uint8_t *>(from + 2);
    for (uint64_t i = 0; i < kBlock / 2; ++i) {
      out.digits[i] = static_cast<int16_t>((packed[i] & 15) - 8);
      out.digits[i + kBlock / 2] = static_cast<int16_t>((packed[i] >> 4) - 8);
    }
  }
};

struct Q4_1 {
  static constexpr bool kMinimum = true, kFactors = false;
  static constexpr uint64_t kBytes = 20;

  static void load(const std::byte *row, uint64_t block, WeightBlock &out) {
    const std::byte *from = row + block * kBytes;
    out.scale = f16ToF32(loadU16(from));
    out.minimum = f16ToF32(loadU16(from + 2));
    const auto *packed = reinterpret_cast<const uint8_t *>(from + 4);
    for (uint64_t i = 0; i < kBlock / 2; ++i) {
      out.digits[i] = static_cast<int16_t>(packed[i] & 15);
      out.digits[i + kBlock / 2] = static_cast<int16_t>(packed[i] >> 4);
    }
  }
};

struct Q8_0 {
  static constexpr bool kMinimum = false, kFactors = false;
  static constexpr uint64_t kBytes = 34;

  static void load(const std::byte *row, uint64_t block, WeightBlock &out) {
    const std::byte *from = row + block * kBytes;
    out.scale = f16ToF32(loadU16(from));
    const auto *digits = reinterpret_cast<const int8_t *>(from + 2);
    for (uint64_t i = 0; i < kBlock; ++i)
      out.digits[i] = digits[i];
  }
};

/// Blocks of 256 numbers: 128 bytes of low four bits, 64 of high two, 16 scales, d. Each half block of 128 has its low
/// bits in 64 bytes (numbers 0–63 in the low nibbles, 64–127 in the high ones) and its high bits in 32 bytes.
struct Q6_K {
  static constexpr bool kMinimum = false, kFactors = true;
  static constexpr uint64_t kBytes = 210, kPieces = 8;

  static void load(const std::byte *row, uint64_t block, WeightBlock &out) {
    const std::byte *from = row + block / kPieces * kBytes;
    uint64_t half = block % kPieces / 4, piece = block % 4;
    const auto *low = reinterpret_cast<const uint8_t *>(from) + half * 64 + piece % 2 * kBlock;
    const auto *high = reinterpret_cast<const uint8_t *>(from) + 128 + half * 32;
    const auto *scales = reinterpret_cast<const int8_t *>(from) + 192 + half * 8 + piece * 2;
    auto lowShift = static_cast<int>(piece / 2 * 4), highShift = static_cast<int>(piece * 2);
    out.scale = f16ToF32(loadU16(from + 208));
    out.factors[0] = scales[0];
    out.factors[1] = scales[1];
    for (uint64_t i = 0; i < kBlock; ++i)
      out.digits[i] = static_cast<int16_t>((((low[i] >> lowShift) & 15) | (((high[i] >> highShift) & 3) << 4)) - 32);
  }
};

/// Numbers `first`.. of a row as f32, `count` of them: at most kBlock, with `first` a multiple of kBlock.
/// Block-quantised rows have whole blocks.
template <typename Format> inline void loadNumbers(const std::byte *row, uint64_t first, uint64_t, float *out) {
  WeightBlock block;
  Format::load(row, first / kBlock, block);
  for (uint64_t i = 0; i < kBlock; ++i) {
    float scale = block.scale;
    if constexpr (Format::kFactors)
      scale *= static_cast<float>(block.factors[i / (kBlock / 2)]);
    out[i] = static_cast<float>(block.digits[i]) * scale;
    if constexpr (Format::kMinimum)
      out[i] += block.minimum;
  }
}

struct F32 {};
struct F16 {};
struct BF16 {};

template <> inline void loadNumbers<F32>(const std::byte *row, uint64_t first, uint64_t count, float *out) {
  std::memcpy(out, row + first * sizeof(float), count * sizeof(float));
}

template <> inline void loadNumbers<F16>(const std::byte *row, uint64_t first, uint64_t count, float *out) {
  for (uint64_t i = 0; i < count; ++i)
    out[i] = f16ToF32(loadU16(row + (first + i) * sizeof(uint16_t)));
}

template <> inline void loadNumbers<BF16>(const std::byte *row, uint64_t first, uint64_t count, float *out) {
  for (uint64_t i = 0; i < count; ++i)
    out[i] = bf16ToF32(loadU16(row + (first + i) * sizeof(uint16_t)));
}

} // namespace strata::host
