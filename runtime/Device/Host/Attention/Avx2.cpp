// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Attention with AVX2, FMA and F16C: the bits of AVX-512.
#include "runtime/Device/Host/Attention/EightNumbers.h"
#include "runtime/Device/Host/Attention/TileLoops.h"

#include <immintrin.h>

namespace strata::host {
namespace {

struct Vector256 {
  static constexpr unsigned kWidth = 8, kVectors = 2, kRows = 6;
  __m256 numbers;

  static Vector256 all(float number) { return {_mm256_set1_ps(number)}; }
  static Vector256 load(const float *from) { return {_mm256_loadu_ps(from)}; }
  void store(float *to) const { _mm256_storeu_ps(to, numbers); }
  static Vector256 multiplyAdd(Vector256 a, Vector256 b, Vector256 c) {
    return {_mm256_fmadd_ps(a.numbers, b.numbers, c.numbers)};
  }
  /// The second if either is NaN.
  static Vector256 larger(Vector256 a, Vector256 b) { return {_mm256_max_ps(a.numbers, b.numbers)}; }
  static Vector256 zeroWhereLess(Vector256 x, Vector256 limit, Vector256 otherwise) {
    return {_mm256_and_ps(_mm256_cmp_ps(x.numbers, limit.numbers, _CMP_NLT_UQ), otherwise.numbers)};
  }
  /// e · 2^n, where n is in the low bits of `shifted`.
  static Vector256 scaledByShifted(Vector256 e, Vector256 shifted) {
    __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(shifted.numbers), 23);
    return {_mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(e.numbers), exponent))};
  }
  friend Vector256 operator+(Vector256 a, Vector256 b) { return {_mm256_add_ps(a.numbers, b.numbers)}; }
  friend Vector256 operator-(Vector256 a, Vector256 b) { return {_mm256_sub_ps(a.numbers, b.numbers)}; }
  friend Vector256 operator*(Vector256 a, Vector256 b) { return {_mm256_mul_ps(a.numbers, b.numbers)}; }

  static void convert(const uint16_t *halves, uint64_t count, float *to) {
    uint64_t i = 0;
    for (; i + 8 <= count; i += 8)
      _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i *>(halves + i))));
    for (; i < count; ++i)
      to[i] = _cvtsh_ss(halves[i]);
  }
  float first() const { return _mm256_cvtss_f32(numbers); }
  float largest() const {
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(numbers), _mm256_extractf128_ps(numbers, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
  }
  /// Lane j + 4 is added to lane j, then j + 2 and j + 1.
  float sumOfHalves() const { return sumOfEight(numbers); }
  static void transpose(const float *from, uint64_t fromStride, float *to, uint64_t toStride) {
    transposeEight(from, fromStride, to, toStride);
  }
};

} // namespace

const AttentionKernels kAvx2Attention = {AttentionLoops<Vector256>::read, AttentionLoops<Vector256>::attend};

} // namespace strata::host
