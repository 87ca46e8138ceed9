// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Form few with AVX-512 VNNI: weights stand in registers as unsigned bytes, vpdpbusd multiplies them with signed
// digits, and what the bytes are too large by is subtracted.
#include "runtime/Device/Host/Product/GroupLoops.h"
#include "runtime/Device/Host/Product/Levels.h"
#include "runtime/Device/Host/Product/NumberLoops.h"
#include "runtime/Device/Host/Product/SuperBlockLoops.h"

#include <immintrin.h>

namespace strata::host {
namespace {

/// Sixteen blocks at a time.
struct Vector512 {
  static constexpr uint64_t kBlocks = 16;
  using Integers = __m512i;
  using Floats = __m512;
  using Lanes = __m256;

  static Integers zero() { return _mm512_setzero_si512(); }
  static Integers all(int32_t number) { return _mm512_set1_epi32(number); }
  static Integers allBytes(char number) { return _mm512_set1_epi8(number); }
  static Integers load(const int32_t *from) { return _mm512_load_si512(from); }
  static Floats load(const float *from) { return _mm512_load_ps(from); }
  static void store(int32_t *to, Integers numbers) { _mm512_store_si512(to, numbers); }
  static Lanes loadLanes(const float *from) { return _mm256_load_ps(from); }
  static void storeLanes(float *to, Lanes lanes) { _mm256_store_ps(to, lanes); }
  static Lanes addToLanes(Lanes lanes, Floats terms) {
    return _mm256_add_ps(_mm256_add_ps(lanes, _mm512_castps512_ps256(terms)), _mm512_extractf32x8_ps(terms, 1));
  }
  static Floats toFloats(Integers numbers) { return _mm512_cvtepi32_ps(numbers); }
  static Floats multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
  static Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
  static Integers subtract(Integers a, Integers b) { return _mm512_sub_epi32(a, b); }
  static Integers multiplyIntegers(Integers a, Integers b) { return _mm512_mullo_epi32(a, b); }
  static Integers shiftLeft8(Integers numbers) { return _mm512_slli_epi32(numbers, 8); }
  static void prefetch(const std::byte *from) { _mm_prefetch(reinterpret_cast<const char *>(from), _MM_HINT_T0); }

  /// sum + the products of unsigned bytes below 2^BITS with signed ones, in words of four bytes.
  template <int BITS>
  static Integers dot(Integers sum, Integers first, Integers last, const int8_t (&digits)[2][kBlocks * 4]) {
    sum = _mm512_dpbusd_epi32(sum, first, _mm512_load_si512(digits[0]));
    return _mm512_dpbusd_epi32(sum, last, _mm512_load_si512(digits[1]));
  }

  /// Number 4·l + r is the sum of the four words of part l of vector r.
  static Integers sumEach(const Integers (&parts)[4]) {
    Integers front = _mm512_add_epi32(_mm512_unpacklo_epi32(parts[0], parts[1]), //
                                      _mm512_unpackhi_epi32(parts[0], parts[1]));
    Integers back = _mm512_add_epi32(_mm512_unpacklo_epi32(parts[2], parts[3]), //
                                     _mm512_unpackhi_epi32(parts[2], parts[3]));
    return _mm512_add_epi32(_mm512_unpacklo_epi64(front, back), _mm512_unpackhi_epi64(front, back));
  }

  /// The lane sum of each four terms; the other lanes are 0.
  static void storeSumsOfFours(float *to, Floats terms) {
    terms = _mm512_add_ps(terms, _mm512_setzero_ps());
    terms = _mm512_add_ps(terms, _mm512_shuffle_ps(terms, terms, _MM_SHUFFLE(1, 0, 3, 2)));
    terms = _mm512_add_ps(terms, _mm512_shuffle_ps(terms, terms, _MM_SHUFFLE(2, 3, 0, 1)));
    const __m512i firsts = _mm512_castsi128_si512(_mm_setr_epi32(0, 4, 8, 12));
    _mm_storeu_ps(to, _mm512_castps512_ps128(_mm512_permutexvar_ps(firsts, terms)));
  }
};

/// 16 bytes out of each of four places `stride` apart.
inline __m512i fourParts(const std::byte *from, uint64_t stride) {
  auto part = [&](uint64_t i) { return _mm_loadu_si128(reinterpret_cast<const __m128i *>(from + i * stride)); };
  __m256i front = _mm256_inserti128_si256(_mm256_castsi128_si256(part(0)), part(1), 1);
  return _mm512_inserti32x4(_mm512_inserti32x4(_mm512_castsi256_si512(front), part(2), 2), part(3), 3);
}

/// The words of 32 bits that `places` says, of 128 bytes.
inline __m512i wordsOf(const std::byte *from, __m512i places) {
  return _mm512_permutex2var_epi32(_mm512_loadu_si512(from), places, _mm512_loadu_si512(from + 64));
}

/// The same for lanes of `mask`, others are kept.
inline __m512i wordsOf(__m512i others, __mmask16 mask, const std::byte *from, __m512i places) {
  return _mm512_mask_blend_epi32(mask, others, wordsOf(from, places));
}

/// The numbers of f16 that the low halves of words are.
inline __m512 lowHalves(__m512i words) {
  return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(words));
}

/// Nibbles `offset` bytes behind the beginnings of blocks.
template <uint64_t BLOCK>
inline void loadNibbles(const std::byte *from, uint64_t offset, WeightGroup<Vector512> &weights) {
  const __m512i low = _mm512_set1_epi8(15);
#pragma GCC unroll 4
  for (uint64_t r = 0; r < 4; ++r) {
    __m512i packed = fourParts(from + r * BLOCK + offset, 4 * BLOCK);
    weights.first[r] = _mm512_and_si512(packed, low);
    weights.last[r] = _mm512_and_si512(_mm512_srli_epi16(packed, 4), low);
  }
}

struct Q4_0Group {
  static constexpr int kBits = 4, kBias = 8;
  static constexpr bool kMinimum = false;
  static constexpr uint64_t kBytes = 18;

  static void load(const std::byte *from, WeightGroup<Vector512> &weights) {
    loadNibbles<kBytes>(from, 2, weights);
    // Of each two blocks, 9 words, the scales are the low half of word 0 and the high half of word 4.
    const __m512i places = _mm512_setr_epi32(0, 4, 9, 13, 18, 22, 27, 31, 0, 4, 9, 13, 18, 22, 27, 31);
    const __m512i shifts = _mm512_set1_epi64(16LL << 32);
    __m512i words = wordsOf(wordsOf(from, places), 0xFF00, from + 144, places);
    weights.scales = lowHalves(_mm512_srlv_epi32(words, shifts));
  }
};

struct Q4_1Group {
  static constexpr int kBits = 4, kBias = 1;
  static constexpr bool kMinimum = true;
  static constexpr uint64_t kBytes = 20;

  static void load(const std::byte *from, WeightGroup<Vector512> &weights) {
    loadNibbles<kBytes>(from, 4, weights);
    // Scale and minimum are one of five words; 80 words are read as 0 to 31, 24 to 55 and 48 to 79.
    const __m512i places = _mm512_setr_epi32(0, 5, 10, 15, 20, 25, 30, 11, 16, 21, 26, 31, 12, 17, 22, 27);
    __m512i words = wordsOf(from, places);
    words = wordsOf(words, 0x0F80, from + 96, places);
    words = wordsOf(words, 0xF000, from + 192, places);
    weights.scales = lowHalves(words);
    weights.minimums = lowHalves(_mm512_srli_epi32(words, 16));
  }
};

struct Q8_0Group {
  static constexpr int kBits = 8, kBias = 128;
  static constexpr bool kMinimum = false;
  static constexpr uint64_t kBytes = 34;

  static void load(const std::byte *from, WeightGroup<Vector512> &weights) {
    const __m512i sign = _mm512_set1_epi8(static_cast<char>(128));
#pragma GCC unroll 4
    for (uint64_t r = 0; r < 4; ++r) {
      weights.first[r] = _mm512_xor_si512(fourParts(from + r * kBytes + 2, 4 * kBytes), sign);
      weights.last[r] = _mm512_xor_si512(fourParts(from + r * kBytes + 18, 4 * kBytes), sign);
    }
    // Of each two blocks, 17 words, the scales are the low half of word 0 and the high half of word 8.
    const __m512i shifts = _mm512_set1_epi64(16LL << 32);
    const __m512i places = _mm512_setr_epi32(0, 8, 17, 25, 2, 10, 19, 27, 4, 12, 21, 29, 6, 14, 23, 31);
    __m512i words = wordsOf(from, places);
    words = wordsOf(words, 0x00F0, from + 128, places);
    words = wordsOf(words, 0x0F00, from + 256, places);
    words = wordsOf(words, 0xF000, from + 384, places);
    weights.scales = lowHalves(_mm512_srlv_epi32(words, shifts));
  }
};

inline float half(const std::byte *from) {
  uint16_t bits;
  __builtin_memcpy(&bits, from, sizeof(bits));
  return _cvtsh_ss(bits);
}

/// A super-block: its eight blocks two by two, their scales, and d.
struct WeightsOfSuperBlock {
  __m512i pairs[4];
  __m256i first, last; ///< The int8 scales of the first and last 16 of each block.
  __m256 scale;
};

struct Q6_KAvx512 {
  static void prefetch(const std::byte *row, uint64_t group, uint64_t ahead) {
    for (uint64_t at = 0; at < 210; at += 64)
      Vector512::prefetch(row + group * 210 + ahead + at);
  }
  static WeightsOfSuperBlock load(const std::byte *row, uint64_t group) {
    const std::byte *from = row + group * 210;
    const __m512i fours = _mm512_set1_epi8(15), highBits = _mm512_set1_epi8(48);
    WeightsOfSuperBlock weights;
    for (int part = 0; part < 2; ++part) {
      // Low four bits of blocks 0 and 1, above them those of blocks 2 and 3; two more bits of all four in 32 bytes.
      __m512i low = _mm512_loadu_si512(from + part * 64);
      __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(from + 128 + part * 32));
      __m512i highOfFirst =
          _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_slli_epi16(high, 4)), _mm256_slli_epi16(high, 2), 1);
      __m512i highOfLast = _mm512_inserti64x4(_mm512_castsi256_si512(high), _mm256_srli_epi16(high, 2), 1);
      weights.pairs[part * 2] = _mm512_or_si512(_mm512_and_si512(low, fours), _mm512_and_si512(highOfFirst, highBits));
      weights.pairs[part * 2 + 1] =
          _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi16(low, 4), fours), _mm512_and_si512(highOfLast, highBits));
    }
    __m512i factors = _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(from + 192)));
    weights.first = _mm512_castsi512_si256(
        _mm512_permutexvar_epi32(_mm512_castsi256_si512(_mm256_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14)), factors));
    weights.last = _mm512_castsi512_si256(
        _mm512_permutexvar_epi32(_mm512_castsi256_si512(_mm256_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15)), factors));
    weights.scale = _mm256_set1_ps(half(from + 208));
    return weights;
  }
  template <bool TWO>
  static void addTerms(const WeightsOfSuperBlock &weights, const float *scales, const int8_t *high, const int8_t *low,
                       float *sums) {
    __m512i parts[4];
    for (int pair = 0; pair < 4; ++pair) {
      const __m512i offset = _mm512_set1_epi8(32), zero = _mm512_setzero_si512();
      __m512i digits = _mm512_loadu_si512(high + pair * 64);
      __m512i sum = _mm512_dpbusd_epi32(zero, weights.pairs[pair], digits);
      __m512i excess = _mm512_dpbusd_epi32(zero, offset, digits);
      if constexpr (TWO) {
        __m512i others = _mm512_loadu_si512(low + pair * 64);
        sum = _mm512_dpbusd_epi32(_mm512_slli_epi32(sum, 8), weights.pairs[pair], others);
        excess = _mm512_dpbusd_epi32(_mm512_slli_epi32(excess, 8), offset, others);
      }
      parts[pair] = _mm512_sub_epi32(sum, excess);
    }
    // In each part four numbers of every 16 digits: the sums of the first 16 of blocks 0 2 4 6, of their last 16, and
    // of the other blocks' the same.
    __m512i front =
        _mm512_add_epi32(_mm512_unpacklo_epi32(parts[0], parts[1]), _mm512_unpackhi_epi32(parts[0], parts[1]));
    __m512i back =
        _mm512_add_epi32(_mm512_unpacklo_epi32(parts[2], parts[3]), _mm512_unpackhi_epi32(parts[2], parts[3]));
    __m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(front, back), _mm512_unpackhi_epi64(front, back));
    __m256i first = _mm512_castsi512_si256(
        _mm512_permutexvar_epi32(_mm512_castsi256_si512(_mm256_setr_epi32(0, 8, 1, 9, 2, 10, 3, 11)), all));
    __m256i last = _mm512_castsi512_si256(
        _mm512_permutexvar_epi32(_mm512_castsi256_si512(_mm256_setr_epi32(4, 12, 5, 13, 6, 14, 7, 15)), all));
    __m256 integers;
    if constexpr (TWO)
      integers = _mm512_cvtepi64_ps(
          _mm512_add_epi64(_mm512_mullo_epi64(_mm512_cvtepi32_epi64(first), _mm512_cvtepi32_epi64(weights.first)),
                           _mm512_mullo_epi64(_mm512_cvtepi32_epi64(last), _mm512_cvtepi32_epi64(weights.last))));
    else
      integers = _mm256_cvtepi32_ps(
          _mm256_add_epi32(_mm256_mullo_epi32(first, weights.first), _mm256_mullo_epi32(last, weights.last)));
    __m256 terms = _mm256_mul_ps(_mm256_mul_ps(weights.scale, _mm256_loadu_ps(scales)), integers);
    _mm256_store_ps(sums, _mm256_add_ps(_mm256_load_ps(sums), terms));
  }
};

/// Eight sums of f64.
struct Sums512 {
  __m512d sums = _mm512_setzero_pd();

  void add(__m256 a, __m256 b) { sums = _mm512_fmadd_pd(_mm512_cvtps_pd(a), _mm512_cvtps_pd(b), sums); }
  void store(double *to) const { _mm512_store_pd(to, sums); }
};

} // namespace

Product::TileFunction avx512FewProduct(Encoding encoding, bool two) {
  switch (encoding) {
  case Encoding::Q4_0:
    return two ? fewProductOf<Vector512, Q4_0Group, true> : fewProductOf<Vector512, Q4_0Group, false>;
  case Encoding::Q4_1:
    return two ? fewProductOf<Vector512, Q4_1Group, true> : fewProductOf<Vector512, Q4_1Group, false>;
  case Encoding::Q8_0:
    return two ? fewProductOf<Vector512, Q8_0Group, true> : fewProductOf<Vector512, Q8_0Group, false>;
  case Encoding::Q6_K:
    return two ? superBlockProductOf<Q6_KAvx512, true> : superBlockProductOf<Q6_KAvx512, false>;
  default:
    return nullptr;
  }
}

Product::TileFunction avx512NumbersProduct(Encoding encoding) {
  switch (encoding) {
  case Encoding::F32:
    return numbersProductOf<Sums512, F32Numbers>;
  case Encoding::F16:
    return numbersProductOf<Sums512, F16Numbers>;
  case Encoding::BF16:
    return numbersProductOf<Sums512, BF16Numbers>;
  default:
    return nullptr;
  }
}

} // namespace strata::host
