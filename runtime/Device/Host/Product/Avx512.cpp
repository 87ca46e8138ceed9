// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Products of digits with AVX-512 VNNI: two blocks of a weight stand in a register as unsigned bytes, vpdpbusd
// multiplies them with signed digits, and what the bytes are too large by is subtracted.
#include "runtime/Device/Host/Product/DigitLoops.h"
#include "runtime/Device/Host/Product/Levels.h"

#include <immintrin.h>

namespace strata::host {
namespace {

/// Four registers of two blocks each, numbers 0 to 15 of both and then 16 to 31 of both, and the eight scales.
struct Weights512 {
  __m512i pairs[4];
  __m256 scales;
};

/// The digits of two neighbouring blocks in that order.
inline __m512i digitsOfPair(const int8_t *digits) {
  return _mm512_shuffle_i64x2(_mm512_loadu_si512(digits), _mm512_loadu_si512(digits), _MM_SHUFFLE(3, 1, 2, 0));
}

/// The exact sums of the eight blocks, (weight − OFFSET) · digit.
template <bool TWO, int OFFSET>
inline __m256i sumsOf(const Weights512 &weights, const int8_t *high, const int8_t *low) {
  const __m512i offset = _mm512_set1_epi8(static_cast<char>(OFFSET)), zero = _mm512_setzero_si512();
  __m256i halves[4];
  for (int pair = 0; pair < 4; ++pair) {
    __m512i digits = digitsOfPair(high + pair * 64);
    __m512i sum = _mm512_dpbusd_epi32(zero, weights.pairs[pair], digits);
    __m512i excess = _mm512_dpbusd_epi32(zero, offset, digits);
    if constexpr (TWO) {
      __m512i others = digitsOfPair(low + pair * 64);
      sum = _mm512_dpbusd_epi32(_mm512_slli_epi32(sum, 8), weights.pairs[pair], others);
      excess = _mm512_dpbusd_epi32(_mm512_slli_epi32(excess, 8), offset, others);
    }
    sum = _mm512_sub_epi32(sum, excess);
    halves[pair] = _mm256_add_epi32(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64(sum, 1));
  }
  // Each half has four numbers of either block: the sums of blocks 0 2 4 6 and 1 3 5 7.
  __m256i all = _mm256_hadd_epi32(_mm256_hadd_epi32(halves[0], halves[1]), _mm256_hadd_epi32(halves[2], halves[3]));
  return _mm256_permutevar8x32_epi32(all, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

template <bool TWO, int OFFSET>
inline void addTermsOf(const Weights512 &weights, const float *scales, const int8_t *high, const int8_t *low,
                       float *sums) {
  __m256 joint = _mm256_mul_ps(weights.scales, _mm256_loadu_ps(scales));
  __m256 terms = _mm256_mul_ps(joint, _mm256_cvtepi32_ps(sumsOf<TWO, OFFSET>(weights, high, low)));
  _mm256_store_ps(sums, _mm256_add_ps(_mm256_load_ps(sums), terms));
}

inline float half(const std::byte *from) {
  uint16_t bits;
  __builtin_memcpy(&bits, from, sizeof(bits));
  return _cvtsh_ss(bits);
}

inline void prefetchBytes(const std::byte *from, uint64_t bytes) {
  for (uint64_t at = 0; at < bytes; at += 64)
    _mm_prefetch(reinterpret_cast<const char *>(from + at), _MM_HINT_T1);
}

struct Q4_0Avx512 {
  static constexpr bool kWholeGroups = false;
  static void prefetch(const std::byte *row, uint64_t group, uint64_t ahead) {
    prefetchBytes(row + group * 144 + ahead, 144);
  }
  static Weights512 load(const std::byte *row, uint64_t group) {
    const std::byte *from = row + group * 144;
    const __m256i low = _mm256_set1_epi8(15);
    Weights512 weights;
    for (int pair = 0; pair < 4; ++pair) {
      const auto *blocks = from + pair * 36;
      __m256i packed = _mm256_inserti128_si256(
          _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i *>(blocks + 2))),
          _mm_loadu_si128(reinterpret_cast<const __m128i *>(blocks + 20)), 1);
      weights.pairs[pair] = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_and_si256(packed, low)),
                                               _mm256_and_si256(_mm256_srli_epi16(packed, 4), low), 1);
    }
    // The scales are words 0, 9, 18 … 63 of the group.
    const __m512i places = _mm512_castsi128_si512(_mm_setr_epi16(0, 9, 18, 27, 36, 45, 54, 63));
    __m512i words = _mm512_permutex2var_epi16(_mm512_loadu_si512(from), places, _mm512_loadu_si512(from + 64));
    weights.scales = _mm256_cvtph_ps(_mm512_castsi512_si128(words));
    return weights;
  }
  template <bool TWO>
  static void addTerms(const Weights512 &weights, const float *scales, const int8_t *high, const int8_t *low,
                       float *sums) {
    addTermsOf<TWO, 8>(weights, scales, high, low, sums);
  }
  template <bool TWO>
  static float term(const std::byte *row, uint64_t block, float scale, const int8_t *high, const int8_t *low) {
    const std::byte *from = row + block * 18;
    int sum = q4_0Sum<TWO>(from + 2, high, low);
    return half(from) * scale * static_cast<float>(sum);
  }
};

/// 32 signed bytes.
inline __m512i widened(const void *bytes) {
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256(static_cast<const __m256i *>(bytes)));
}

struct Q8_0Avx512 {
  static constexpr bool kWholeGroups = false;
  static void prefetch(const std::byte *row, uint64_t group, uint64_t ahead) {
    prefetchBytes(row + group * 272 + ahead, 272);
  }
  static Weights512 load(const std::byte *row, uint64_t group) {
    const std::byte *from = row + group * 272;
    const __m512i sign = _mm512_set1_epi8(static_cast<char>(128));
    Weights512 weights;
    for (int pair = 0; pair < 4; ++pair) {
      const auto *blocks = from + pair * 68;
      __m512i both =
          _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(blocks + 2))),
                             _mm256_loadu_si256(reinterpret_cast<const __m256i *>(blocks + 36)), 1);
      weights.pairs[pair] = _mm512_xor_si512(_mm512_shuffle_i64x2(both, both, _MM_SHUFFLE(3, 1, 2, 0)), sign);
    }
    alignas(32) float scales[8];
    for (int block = 0; block < 8; ++block)
      scales[block] = half(from + block * 34);
    weights.scales = _mm256_load_ps(scales);
    return weights;
  }
  template <bool TWO>
  static void addTerms(const Weights512 &weights, const float *scales, const int8_t *high, const int8_t *low,
                       float *sums) {
    addTermsOf<TWO, 128>(weights, scales, high, low, sums);
  }
  template <bool TWO>
  static float term(const std::byte *row, uint64_t block, float scale, const int8_t *high, const int8_t *low) {
    const std::byte *from = row + block * 34;
    // Written out: GCC 12 makes of the plain loop over signed bytes a vpdpbusd, which takes one side as unsigned.
    __m512i weights = widened(from + 2);
    __m512i products = _mm512_madd_epi16(weights, widened(high));
    if constexpr (TWO)
      products = _mm512_add_epi32(_mm512_slli_epi32(products, 8), _mm512_madd_epi16(weights, widened(low)));
    int sum = _mm512_reduce_add_epi32(products);
    return half(from) * scale * static_cast<float>(sum);
  }
};

/// A super-block: its eight blocks two by two, their scales, and d.
struct WeightsOfSuperBlock {
  __m512i pairs[4];
  __m256i first, last; ///< The int8 scales of the first and last 16 of each block.
  __m256 scale;
};

struct Q6_KAvx512 {
  static constexpr bool kWholeGroups = true;
  static void prefetch(const std::byte *row, uint64_t group, uint64_t ahead) {
    prefetchBytes(row + group * 210 + ahead, 210);
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

} // namespace

Product::Function avx512Product(Encoding encoding, schema::ActivationEncoding activations, schema::Form form) {
  bool two = activations == schema::ActivationEncoding::i16, few = form == schema::Form::few;
  switch (encoding) {
  case Encoding::Q4_0:
    return digitsFunctionOf<Q4_0Avx512>(two, few);
  case Encoding::Q8_0:
    return digitsFunctionOf<Q8_0Avx512>(two, few);
  case Encoding::Q6_K:
    return digitsFunctionOf<Q6_KAvx512>(two, few);
  default:
    return nullptr;
  }
}

} // namespace strata::host
