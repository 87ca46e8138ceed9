// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Panels of 16 weight rows. Compiled for AVX-512 with VNNI: nothing here may be shared with files that are not.
#include "runtime/Device/Host/Panels/NumberLoops.h"
#include "runtime/Device/Host/Panels/PanelLoops.h"

#include <immintrin.h>

namespace strata::host {
namespace {

/// Sixteen words of 32 bits.
struct Vector512 {
  static constexpr uint64_t kLanes = 16;
  /// A product's sums and integers for so many vectors of rows and columns fill the registers.
  static constexpr uint64_t kRowVectors = 2, kColumns = 6;
  using Integers = __m512i;
  using Floats = __m512;

  static Integers zero() { return _mm512_setzero_si512(); }
  static Integers all(int32_t number) { return _mm512_set1_epi32(number); }
  static Floats all(float number) { return _mm512_set1_ps(number); }
  static Integers allBytes(char number) { return _mm512_set1_epi8(number); }
  static Integers load(const int32_t *from) { return _mm512_loadu_si512(from); }
  static Floats load(const float *from) { return _mm512_loadu_ps(from); }
  static void store(int32_t *to, Integers numbers) { _mm512_storeu_si512(to, numbers); }
  static void store(float *to, Floats numbers) { _mm512_storeu_ps(to, numbers); }
  static Floats fromHalves(const uint16_t *from) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(from)));
  }
  /// The numbers of f16 that the halves of words are.
  static Floats fromLowHalves(Integers words) { return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(words)); }
  static Floats fromHighHalves(Integers words) { return fromLowHalves(_mm512_srli_epi32(words, 16)); }
  /// The low half of each word of one, the high half of the other.
  static Integers blendHalves(Integers low, Integers high) { return _mm512_mask_blend_epi16(0xAAAAAAAA, low, high); }
  static Floats toFloats(Integers numbers) { return _mm512_cvtepi32_ps(numbers); }
  static Floats multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
  static Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
  static Floats subtract(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
  static Floats multiplyAdd(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
  static Integers addIntegers(Integers a, Integers b) { return _mm512_add_epi32(a, b); }
  static Integers multiplyIntegers(Integers a, Integers b) { return _mm512_mullo_epi32(a, b); }
  static Integers shiftLeft8(Integers numbers) { return _mm512_slli_epi32(numbers, 8); }
  static Integers exclusiveOr(Integers a, Integers b) { return _mm512_xor_si512(a, b); }
  static Integers bitwiseOr(Integers a, Integers b) { return _mm512_or_si512(a, b); }
  /// Each byte shifted to the right, then masked; the mask leaves out what comes from the byte's neighbour.
  static Integers lowBits(Integers bytes, int shift, char mask) {
    return _mm512_and_si512(_mm512_srl_epi16(bytes, _mm_cvtsi32_si128(shift)), _mm512_set1_epi8(mask));
  }
  /// Bytes below 16.
  static Integers shiftLeft4(Integers bytes) { return _mm512_slli_epi16(bytes, 4); }
  /// The word at `from`, everywhere.
  static Integers allOf(const std::byte *from) { return _mm512_set1_epi32(*reinterpret_cast<const Word *>(from)); }
  static Floats toBits(Integers numbers) { return _mm512_castsi512_ps(numbers); }

  /// sums[row][i] += the products of COUNT words of unsigned bytes below 2^BITS with signed ones: weights(row, j) and
  /// word j at `digits`, where columns are STRIDE bytes apart.
  template <int BITS, uint64_t COUNT, uint64_t STRIDE, uint64_t ROWS, uint64_t WIDTH, typename Weights>
  [[gnu::always_inline]] static void addDots(Integers (&sums)[ROWS][WIDTH], const Weights &weights,
                                             const std::byte *digits) {
#pragma GCC unroll 8
    for (uint64_t j = 0; j < COUNT; ++j) {
      Integers ofRows[ROWS];
#pragma GCC unroll 2
      for (uint64_t row = 0; row < ROWS; ++row)
        ofRows[row] = weights(row, j);
#pragma GCC unroll 8
      for (uint64_t i = 0; i < WIDTH; ++i) {
        Integers word = allOf(digits + i * STRIDE + j * sizeof(int32_t));
        asm("" : "+v"(word)); // GCC 12 would spread the word anew for every row.
#pragma GCC unroll 2
        for (uint64_t row = 0; row < ROWS; ++row)
          sums[row][i] = _mm512_dpbusd_epi32(sums[row][i], ofRows[row], word);
      }
    }
  }
  /// The sums of the first and of the last 16 signed bytes of each of kLanes blocks of 32.
  static void sumsOfHalves(const std::byte *blocks, Integers (&sums)[2]) {
    Integers fours[8];
#pragma GCC unroll 8
    for (uint64_t i = 0; i < 8; ++i)
      fours[i] = _mm512_dpbusd_epi32(zero(), allBytes(1), _mm512_loadu_si512(blocks + i * sizeof(Integers)));
    // Of four vectors each: the first and last halves of blocks 0 2 4 6, and the same of blocks 1 3 5 7.
    Integers front = sumEach(fours), back = sumEach(fours + 4);
    const Integers places = _mm512_setr_epi32(0, 8, 1, 9, 2, 10, 3, 11, 16, 24, 17, 25, 18, 26, 19, 27);
    sums[0] = _mm512_permutex2var_epi32(front, places, back);
    sums[1] = _mm512_permutex2var_epi32(front, addIntegers(places, all(4)), back);
  }

  /// 32 bytes, in each 16 of which the last two come first.
  static void copyRotated(const std::byte *from, std::byte *to) {
    __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(from));
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(to), _mm256_alignr_epi8(bytes, bytes, 14));
  }

  /// Words 4j to 4j + 3 of a row are those from `at` on: to[j] has word j of each row.
  static void transpose(const std::byte *const *rows, uint64_t at, Integers *to) {
    Integers quarters[4]; // Rows i, i + 4, i + 8 and i + 12.
#pragma GCC unroll 4
    for (uint64_t i = 0; i < 4; ++i) {
      Integers joint = _mm512_castsi128_si512(load16(rows[i] + at));
      joint = _mm512_inserti32x4(joint, load16(rows[i + 4] + at), 1);
      joint = _mm512_inserti32x4(joint, load16(rows[i + 8] + at), 2);
      quarters[i] = _mm512_inserti32x4(joint, load16(rows[i + 12] + at), 3);
    }
    Integers low01 = _mm512_unpacklo_epi32(quarters[0], quarters[1]);
    Integers high01 = _mm512_unpackhi_epi32(quarters[0], quarters[1]);
    Integers low23 = _mm512_unpacklo_epi32(quarters[2], quarters[3]);
    Integers high23 = _mm512_unpackhi_epi32(quarters[2], quarters[3]);
    to[0] = _mm512_unpacklo_epi64(low01, low23);
    to[1] = _mm512_unpackhi_epi64(low01, low23);
    to[2] = _mm512_unpacklo_epi64(high01, high23);
    to[3] = _mm512_unpackhi_epi64(high01, high23);
  }

private:
  /// Word i of each 16 bytes is the sum of the four words there of vector i.
  static Integers sumEach(const Integers *words) {
    Integers low = addIntegers(_mm512_unpacklo_epi32(words[0], words[1]), _mm512_unpackhi_epi32(words[0], words[1]));
    Integers high = addIntegers(_mm512_unpacklo_epi32(words[2], words[3]), _mm512_unpackhi_epi32(words[2], words[3]));
    return addIntegers(_mm512_unpacklo_epi64(low, high), _mm512_unpackhi_epi64(low, high));
  }

  using Word [[gnu::may_alias]] = int32_t;

  static __m128i load16(const std::byte *from) { return _mm_loadu_si128(reinterpret_cast<const __m128i *>(from)); }
};

/// Eight numbers in f64.
struct Doubles512 {
  static constexpr uint64_t kRows = 4, kColumns = 4;
  __m512d numbers;

  static Doubles512 fromF32(const std::byte *from) {
    return {_mm512_cvtps_pd(_mm256_loadu_ps(reinterpret_cast<const float *>(from)))};
  }
  static Doubles512 fromF16(const std::byte *from) { return {_mm512_cvtps_pd(_mm256_cvtph_ps(load(from)))}; }
  static Doubles512 fromBF16(const std::byte *from) {
    return {_mm512_cvtps_pd(_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(load(from)), 16)))};
  }
  void addProduct(Doubles512 a, Doubles512 b) { numbers = _mm512_fmadd_pd(a.numbers, b.numbers, numbers); }
  void store(double *to) const { _mm512_storeu_pd(to, numbers); }

private:
  static __m128i load(const std::byte *from) { return _mm_loadu_si128(reinterpret_cast<const __m128i *>(from)); }
};

} // namespace

Product::TileFunction avx512NumberProduct(Encoding encoding) {
  return numberFunctionOf<Doubles512>(encoding);
}

Product::TileFunction avx512PanelProduct(Encoding encoding, bool two) {
  return panelFunctionOf<Vector512>(encoding, two);
}

} // namespace strata::host
