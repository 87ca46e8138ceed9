// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Attention with AVX-512 F.
#include "runtime/Device/Host/Attention/TileLoops.h"
#include "runtime/Device/Host/Attention/Transpose.h"

#include <immintrin.h>

namespace strata::host {
namespace {

struct Vector512 {
  static constexpr unsigned kWidth = 16, kVectors = 4;
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
  static void transpose8(const float *from, uint64_t fromStride, float *to, uint64_t toStride) {
    transposeWithAvx(from, fromStride, to, toStride);
  }
};

} // namespace

const AttentionKernels kAvx512Attention = {AttentionLoops<Vector512>::read, AttentionLoops<Vector512>::attend};

} // namespace strata::host
