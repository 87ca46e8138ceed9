// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Products of numbers, F32, F16 and BF16, in both forms: the lane sum of docs/numbers.md. A product of two f32 is exact
// in f64, so that a fused multiply-add has the bits of the portable multiplication and addition. Each level of
// instruction set includes this in a file that is compiled for it; nothing here may be shared between them.
#pragma once

#include "runtime/Device/Host/Products.h"

#include <immintrin.h>

namespace strata::host {
namespace {

constexpr uint64_t kNumberLanes = 8;

/// Eight weights as f32.
struct F32Numbers {
  static constexpr uint64_t kBytes = 4;
  static __m256 load(const std::byte *from) { return _mm256_loadu_ps(reinterpret_cast<const float *>(from)); }
};
struct F16Numbers {
  static constexpr uint64_t kBytes = 2;
  static __m256 load(const std::byte *from) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i *>(from)));
  }
};
struct BF16Numbers {
  static constexpr uint64_t kBytes = 2;
  static __m256 load(const std::byte *from) {
    __m256i words = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(from)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(words, 16));
  }
};

/// The sums of ROWS weight rows with one column. Together, since each addition waits for the one before it. Memory is
/// asked for as far ahead as the next rows.
template <class Sums, class Format, uint64_t ROWS>
void multiplyNumbers(const std::byte *weightRows, uint64_t rowBytes, uint64_t length, const float *column, float *out) {
  Sums sums[ROWS] = {};
  uint64_t whole = length / kNumberLanes * kNumberLanes, rest = length - whole;
  for (uint64_t at = 0; at < whole; at += kNumberLanes) {
    __m256 numbers = _mm256_loadu_ps(column + at);
#pragma GCC unroll 4
    for (uint64_t row = 0; row < ROWS; ++row) {
      const std::byte *from = weightRows + row * rowBytes + at * Format::kBytes;
      _mm_prefetch(reinterpret_cast<const char *>(from + ROWS * rowBytes), _MM_HINT_T1);
      sums[row].add(Format::load(from), numbers);
    }
  }
  if (rest > 0) {
    alignas(32) float numbers[kNumberLanes] = {};
    __builtin_memcpy(numbers, column + whole, rest * sizeof(float));
    for (uint64_t row = 0; row < ROWS; ++row) {
      std::byte weights[kNumberLanes * Format::kBytes] = {};
      __builtin_memcpy(weights, weightRows + row * rowBytes + whole * Format::kBytes, rest * Format::kBytes);
      sums[row].add(Format::load(weights), _mm256_load_ps(numbers));
    }
  }
  for (uint64_t row = 0; row < ROWS; ++row) {
    alignas(64) double l[kNumberLanes];
    sums[row].store(l);
    out[row] = static_cast<float>(((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7])));
  }
}

/// A Product::TileFunction. `Sums` are eight sums of f64 that begin at 0, with add and store.
template <class Sums, class Format>
void numbersProductOf(const std::byte *weightRows, uint64_t rowBytes, uint64_t rows, uint64_t length,
                      const Columns &columns, uint64_t first, uint64_t count, float *out) {
  constexpr uint64_t kRows = 4;
  for (uint64_t row = 0; row < rows; row += kRows)
    for (uint64_t column = 0; column < count; ++column) {
      // Not by Columns::row: the linker could take this file's copy of it for those of other files.
      uint64_t place = columns.rows ? static_cast<uint64_t>(columns.rows[first + column]) : first + column;
      const auto *numbers = reinterpret_cast<const float *>(columns.data + columns.rowBytes * place) + columns.offset;
      const std::byte *from = weightRows + row * rowBytes;
      float *to = out + column * kTileRows + row;
      if (rows - row >= kRows) {
        multiplyNumbers<Sums, Format, kRows>(from, rowBytes, length, numbers, to);
        continue;
      }
      for (uint64_t i = 0; i < rows - row; ++i)
        multiplyNumbers<Sums, Format, 1>(from + i * rowBytes, rowBytes, length, numbers, to + i);
    }
}

} // namespace
} // namespace strata::host
