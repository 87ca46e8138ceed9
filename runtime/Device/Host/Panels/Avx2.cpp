// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Panels of 8 weight rows. Compiled for AVX2: nothing here may be shared with files that are not.
#include "runtime/Device/Host/Panels/NumberLoops.h"
#include "runtime/Device/Host/Panels/PanelLoops.h"

#include <immintrin.h>

namespace strata::host {
namespace {

/// Eight words of 32 bits.
struct Vector256 {
  static constexpr uint64_t kLanes = 8;
  /// A block of one vector of rows and the sums of so many columns fill the registers.
  static constexpr uint64_t kRowVectors = 1, kColumns = 4;
  using Integers = __m256i;
  using Floats = __m256;

  static Integers zero() { return _mm256_setzero_si256(); }
  static Integers all(int32_t number) { return _mm256_set1_epi32(number); }
  static Floats all(float number) { return _mm256_set1_ps(number); }
  static Integers allBytes(char number) { return _mm256_set1_epi8(number); }
  static Integers load(const int32_t *from) { return _mm256_loadu_si256(reinterpret_cast<const Integers *>(from)); }
  static Floats load(const float *from) { return _mm256_loadu_ps(from); }
  static void store(int32_t *to, Integers numbers) { _mm256_storeu_si256(reinterpret_cast<Integers *>(to), numbers); }
  static void store(float *to, Floats numbers) { _mm256_storeu_ps(to, numbers); }
  static Floats fromHalves(const uint16_t *from) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i *>(from)));
  }
  /// The numbers of f16 that the halves of words are.
  static Floats fromLowHalves(Integers words) { return fromHighHalves(_mm256_slli_epi32(words, 16)); }
  static Floats fromHighHalves(Integers words) {
    Integers packed = _mm256_packus_epi32(_mm256_srli_epi32(words, 16), _mm256_setzero_si256());
    return _mm256_cvtph_ps(_mm256_castsi256_si128(_mm256_permute4x64_epi64(packed, _MM_SHUFFLE(3, 1, 2, 0))));
  }
  /// The low half of each word of one, the high half of the other.
  static Integers blendHalves(Integers low, Integers high) { return _mm256_blend_epi16(low, high, 0xAA); }
  static Floats toFloats(Integers numbers) { return _mm256_cvtepi32_ps(numbers); }
  static Floats multiply(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
  static Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
  static Floats subtract(Floats a, Floats b) { return _mm256_sub_ps(a, b); }
  static Floats multiplyAdd(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
  static Integers addIntegers(Integers a, Integers b) { return _mm256_add_epi32(a, b); }
  static Integers multiplyIntegers(Integers a, Integers b) { return _mm256_mullo_epi32(a, b); }
  static Integers shiftLeft8(Integers numbers) { return _mm256_slli_epi32(numbers, 8); }
  static Integers exclusiveOr(Integers a, Integers b) { return _mm256_xor_si256(a, b); }
  static Integers bitwiseOr(Integers a, Integers b) { return _mm256_or_si256(a, b); }
  /// Each byte shifted to the right, then masked; the mask leaves out what comes from the byte's neighbour.
  static Integers lowBits(Integers bytes, int shift, char mask) {
    return _mm256_and_si256(_mm256_srl_epi16(bytes, _mm_cvtsi32_si128(shift)), _mm256_set1_epi8(mask));
  }
  /// Bytes below 16.
  static Integers shiftLeft4(Integers bytes) { return _mm256_slli_epi16(bytes, 4); }
  /// The word at `from`, everywhere.
  static Integers allOf(const std::byte *from) { return _mm256_set1_epi32(*reinterpret_cast<const Word *>(from)); }
  static Floats toBits(Integers numbers) { return _mm256_castsi256_ps(numbers); }

  /// sums[row][i] += the products of COUNT words of unsigned bytes below 2^BITS with signed ones: weights(row, j) and
  /// word j at `digits`, where columns are STRIDE bytes apart.
  template <int BITS, uint64_t COUNT, uint64_t STRIDE, uint64_t ROWS, uint64_t WIDTH, typename Weights>
  [[gnu::always_inline]] static void addDots(Integers (&sums)[ROWS][WIDTH], const Weights &weights,
                                             const std::byte *digits) {
#pragma GCC unroll 2
    for (uint64_t row = 0; row < ROWS; ++row) {
      Integers ofRow[COUNT];
#pragma GCC unroll 8
      for (uint64_t j = 0; j < COUNT; ++j)
        ofRow[j] = weights(row, j);
#pragma GCC unroll 8
      for (uint64_t i = 0; i < WIDTH; ++i)
        sums[row][i] = addIntegers(sums[row][i], dot<BITS, COUNT>(ofRow, [&](uint64_t j) {
                                     return allOf(digits + i * STRIDE + j * sizeof(int32_t));
                                   }));
    }
  }
  /// The sums of the first and of the last 16 signed bytes of each of kLanes blocks of 32.
  static void sumsOfHalves(const std::byte *blocks, Integers (&sums)[2]) {
    Integers fours[8];
#pragma GCC unroll 8
    for (uint64_t i = 0; i < 8; ++i)
      fours[i] = _mm256_madd_epi16(_mm256_maddubs_epi16(allBytes(1), allAt(blocks + i * sizeof(Integers))),
                                   _mm256_set1_epi16(1));
    Integers front = sumEach(fours), back = sumEach(fours + 4);
    sums[0] = _mm256_permute2x128_si256(front, back, 0x20);
    sums[1] = _mm256_permute2x128_si256(front, back, 0x31);
  }

  /// 32 bytes, in each 16 of which the last two come first.
  static void copyRotated(const std::byte *from, std::byte *to) {
    Integers bytes = _mm256_loadu_si256(reinterpret_cast<const Integers *>(from));
    _mm256_storeu_si256(reinterpret_cast<Integers *>(to), _mm256_alignr_epi8(bytes, bytes, 14));
  }

  /// Words 4j to 4j + 3 of a row are those from `at` on: to[j] has word j of each row.
  static void transpose(const std::byte *const *rows, uint64_t at, Integers *to) {
    Integers halves[4]; // Rows i and i + 4.
#pragma GCC unroll 4
    for (uint64_t i = 0; i < 4; ++i)
      halves[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(load16(rows[i] + at)), load16(rows[i + 4] + at), 1);
    Integers low01 = _mm256_unpacklo_epi32(halves[0], halves[1]), high01 = _mm256_unpackhi_epi32(halves[0], halves[1]);
    Integers low23 = _mm256_unpacklo_epi32(halves[2], halves[3]), high23 = _mm256_unpackhi_epi32(halves[2], halves[3]);
    to[0] = _mm256_unpacklo_epi64(low01, low23);
    to[1] = _mm256_unpackhi_epi64(low01, low23);
    to[2] = _mm256_unpacklo_epi64(high01, high23);
    to[3] = _mm256_unpackhi_epi64(high01, high23);
  }

private:
  static Integers allAt(const std::byte *from) { return _mm256_loadu_si256(reinterpret_cast<const Integers *>(from)); }
  /// Word i of each 16 bytes is the sum of the four words there of vector i.
  static Integers sumEach(const Integers *words) {
    Integers low = addIntegers(_mm256_unpacklo_epi32(words[0], words[1]), _mm256_unpackhi_epi32(words[0], words[1]));
    Integers high = addIntegers(_mm256_unpacklo_epi32(words[2], words[3]), _mm256_unpackhi_epi32(words[2], words[3]));
    return addIntegers(_mm256_unpacklo_epi64(low, high), _mm256_unpackhi_epi64(low, high));
  }

  using Word [[gnu::may_alias]] = int32_t;

  template <int BITS, uint64_t COUNT, typename Digits>
  [[gnu::always_inline]] static Integers dot(const Integers *weights, const Digits &digits) {
    // Two products of neighbours are at most 2 · 15 · 128 in magnitude, or 2 · 63 · 128: 16 bits hold eight or two
    // such.
    constexpr uint64_t kDepth = BITS > 4 ? 2 : COUNT;
    Integers sum = zero();
#pragma GCC unroll 8
    for (uint64_t from = 0; from < COUNT / kDepth; ++from) {
      Integers pairs = zero(), highPairs = zero();
#pragma GCC unroll 8
      for (uint64_t i = 0; i < kDepth; ++i) {
        uint64_t j = from * kDepth + i;
        Integers four = digits(j);
        if constexpr (BITS == 8) { // Four bits at a time.
          pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(lowBits(weights[j], 0, 15), four));
          highPairs = _mm256_add_epi16(highPairs, _mm256_maddubs_epi16(lowBits(weights[j], 4, 15), four));
        } else {
          pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(weights[j], four));
        }
      }
      sum = addIntegers(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
      if constexpr (BITS == 8)
        sum = addIntegers(sum, _mm256_madd_epi16(highPairs, _mm256_set1_epi16(16)));
    }
    return sum;
  }

  static __m128i load16(const std::byte *from) { return _mm_loadu_si128(reinterpret_cast<const __m128i *>(from)); }
};

/// Eight numbers in f64.
struct Doubles256 {
  static constexpr uint64_t kRows = 2, kColumns = 2;
  __m256d low, high;

  static Doubles256 of(__m256 floats) {
    return {_mm256_cvtps_pd(_mm256_castps256_ps128(floats)), _mm256_cvtps_pd(_mm256_extractf128_ps(floats, 1))};
  }
  static Doubles256 fromF32(const std::byte *from) {
    return of(_mm256_loadu_ps(reinterpret_cast<const float *>(from)));
  }
  static Doubles256 fromF16(const std::byte *from) { return of(_mm256_cvtph_ps(load(from))); }
  static Doubles256 fromBF16(const std::byte *from) {
    return of(_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(load(from)), 16)));
  }
  void addProduct(const Doubles256 &a, const Doubles256 &b) {
    low = _mm256_fmadd_pd(a.low, b.low, low);
    high = _mm256_fmadd_pd(a.high, b.high, high);
  }
  void store(double *to) const {
    _mm256_storeu_pd(to, low);
    _mm256_storeu_pd(to + 4, high);
  }

private:
  static __m128i load(const std::byte *from) { return _mm_loadu_si128(reinterpret_cast<const __m128i *>(from)); }
};

} // namespace

Product::TileFunction avx2NumberProduct(Encoding encoding) {
  return numberFunctionOf<Doubles256>(encoding);
}

Product::TileFunction avx2PanelProduct(Encoding encoding, bool two) {
  return panelFunctionOf<Vector256>(encoding, two);
}

} // namespace strata::host
