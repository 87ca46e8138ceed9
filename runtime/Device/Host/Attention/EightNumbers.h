// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Sums and transpositions of eight numbers, with AVX. Included by the files that are compiled for it.
#pragma once

#include <cstdint>
#include <immintrin.h>

namespace strata::host {
namespace {

/// Number j + 4 is added to number j, then j + 2 and j + 1.
inline float sumOfEight(__m256 numbers) {
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(numbers), _mm256_extractf128_ps(numbers, 1));
  four = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}

/// Eight by eight numbers.
inline void transposeEight(const float *from, uint64_t fromStride, float *to, uint64_t toStride) {
  __m256 rows[8], pairs[8], fours[8];
  for (int i = 0; i < 8; ++i)
    rows[i] = _mm256_loadu_ps(from + static_cast<uint64_t>(i) * fromStride);
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
  }
  for (int i = 0; i < 8; i += 4)
    for (int j = 0; j < 2; ++j) {
      fours[i + 2 * j] = _mm256_shuffle_ps(pairs[i + j], pairs[i + 2 + j], _MM_SHUFFLE(1, 0, 1, 0));
      fours[i + 2 * j + 1] = _mm256_shuffle_ps(pairs[i + j], pairs[i + 2 + j], _MM_SHUFFLE(3, 2, 3, 2));
    }
  for (int i = 0; i < 4; ++i) {
    _mm256_storeu_ps(to + static_cast<uint64_t>(i) * toStride, _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x20));
    _mm256_storeu_ps(to + static_cast<uint64_t>(i + 4) * toStride,
                     _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x31));
  }
}

} // namespace
} // namespace strata::host
