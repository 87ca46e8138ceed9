// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Attention with AVX-512 F.
#include "runtime/Device/Host/Attention/EightNumbers.h"
#include "runtime/Device/Host/Attention/TileLoops.h"

#include <immintrin.h>

namespace strata::host {
namespace {

struct Vector512 {
  static constexpr unsigned kWidth = 16, kVectors = 4, kRows = 6;
  __m512 numbers;

  static Vector512 all(float number) { return {_mm512_set1_ps(number)}; }
  static Vector512 load(const float *from) { return {_mm512_loadu_ps(from)}; }
  void store(float *to) const { _mm512_storeu_ps(to, numbers); }
  static Vector512 multiplyAdd(Vector512 a, Vector512 b, Vector512 c) {
    return {_mm512_fmadd_ps(a.numbers, b.numbers, c.numbers)};
  }
  /// The second if either is NaN.
  static Vector512 larger(Vector512 a, Vector512 b) { return {_mm512_max_ps(a.numbers, b.numbers)}; }
  static Vector512 zeroWhereLess(Vector512 x, Vector512 limit, Vector512 otherwise) {
    __mmask16 keep = _mm512_cmp_ps_mask(x.numbers, limit.numbers, _CMP_NLT_UQ);
    return {_mm512_maskz_mov_ps(keep, otherwise.numbers)};
  }
  /// e · 2^n, where n is in the low bits of `shifted`.
  static Vector512 scaledByShifted(Vector512 e, Vector512 shifted) {
    __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(shifted.numbers), 23);
    return {_mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(e.numbers), exponent))};
  }
  friend Vector512 operator+(Vector512 a, Vector512 b) { return {_mm512_add_ps(a.numbers, b.numbers)}; }
  friend Vector512 operator-(Vector512 a, Vector512 b) { return {_mm512_sub_ps(a.numbers, b.numbers)}; }
  friend Vector512 operator*(Vector512 a, Vector512 b) { return {_mm512_mul_ps(a.numbers, b.numbers)}; }

  static void convert(const uint16_t *halves, uint64_t count, float *to) {
    for (uint64_t i = 0; i < count; i += 16) {
      auto mask = static_cast<__mmask16>(count - i < 16 ? (1U << (count - i)) - 1 : 0xFFFFU);
      __m256i part = _mm256_maskz_loadu_epi16(mask, halves + i);
      _mm512_mask_storeu_ps(to + i, mask, _mm512_cvtph_ps(part));
    }
  }
  float first() const { return _mm512_cvtss_f32(numbers); }
  float largest() const { return _mm512_reduce_max_ps(numbers); }
  /// Lane j + 8 is added to lane j, then j + 4, j + 2 and j + 1.
  float sumOfHalves() const {
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(numbers), _mm512_extractf32x8_ps(numbers, 1));
    return sumOfEight(eight);
  }

  /// Sixteen by sixteen numbers.
  static void transpose(const float *from, uint64_t fromStride, float *to, uint64_t toStride) {
    __m512 rows[16], pairs[16];
#pragma GCC unroll 16
    for (uint64_t i = 0; i < 16; ++i)
      rows[i] = _mm512_loadu_ps(from + i * fromStride);
#pragma GCC unroll 8
    for (uint64_t i = 0; i < 16; i += 2) {
      pairs[i] = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
      pairs[i + 1] = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
    }
    // Part j of 128 bits of row i + k has number 4j + k of rows i to i + 3.
#pragma GCC unroll 4
    for (uint64_t i = 0; i < 16; i += 4)
#pragma GCC unroll 2
      for (uint64_t half = 0; half < 2; ++half) {
        __m512d low = _mm512_castps_pd(pairs[i + half]), high = _mm512_castps_pd(pairs[i + 2 + half]);
        rows[i + 2 * half] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
        rows[i + 2 * half + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
      }
#pragma GCC unroll 4
    for (uint64_t k = 0; k < 4; ++k) {
      __m512 front[2] = {_mm512_shuffle_f32x4(rows[k], rows[4 + k], 0x88),
                         _mm512_shuffle_f32x4(rows[k], rows[4 + k], 0xDD)};
      __m512 back[2] = {_mm512_shuffle_f32x4(rows[8 + k], rows[12 + k], 0x88),
                        _mm512_shuffle_f32x4(rows[8 + k], rows[12 + k], 0xDD)};
#pragma GCC unroll 2
      for (uint64_t odd = 0; odd < 2; ++odd) {
        _mm512_storeu_ps(to + (4 * odd + k) * toStride, _mm512_shuffle_f32x4(front[odd], back[odd], 0x88));
        _mm512_storeu_ps(to + (8 + 4 * odd + k) * toStride, _mm512_shuffle_f32x4(front[odd], back[odd], 0xDD));
      }
    }
  }
};

} // namespace

const AttentionKernels kAvx512Attention = {AttentionLoops<Vector512>::read, AttentionLoops<Vector512>::attend};

} // namespace strata::host
