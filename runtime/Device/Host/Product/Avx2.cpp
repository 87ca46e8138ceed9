// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Form few with AVX2: weights stand in registers as unsigned bytes.
#include "runtime/Device/Host/Product/GroupLoops.h"
#include "runtime/Device/Host/Product/Levels.h"
#include "runtime/Device/Host/Product/NumberLoops.h"
#include "runtime/Device/Host/Product/SuperBlockLoops.h"

#include <immintrin.h>

namespace strata::host {
namespace {

inline __m256i loadBytes(const void *from) {
  return _mm256_loadu_si256(static_cast<const __m256i *>(from));
}

/// The products of unsigned bytes below 2^BITS with signed ones, summed in words of four bytes.
template <int BITS> inline __m256i products(__m256i weights, __m256i digits) {
  if constexpr (BITS <= 6) // Two products fit 16 bits.
    return _mm256_madd_epi16(_mm256_maddubs_epi16(weights, digits), _mm256_set1_epi16(1));
  __m256i even = _mm256_and_si256(weights, _mm256_set1_epi16(255)), odd = _mm256_srli_epi16(weights, 8);
  __m256i evenDigits = _mm256_srai_epi16(_mm256_slli_epi16(digits, 8), 8), oddDigits = _mm256_srai_epi16(digits, 8);
  return _mm256_add_epi32(_mm256_madd_epi16(even, evenDigits), _mm256_madd_epi16(odd, oddDigits));
}

/// Eight blocks at a time.
struct Vector256 {
  static constexpr uint64_t kBlocks = 8;
  using Integers = __m256i;
  using Floats = __m256;
  using Lanes = __m256;

  static Integers zero() { return _mm256_setzero_si256(); }
  static Integers all(int32_t number) { return _mm256_set1_epi32(number); }
  static Integers allBytes(char number) { return _mm256_set1_epi8(number); }
  static Integers load(const int32_t *from) { return loadBytes(from); }
  static Floats load(const float *from) { return _mm256_load_ps(from); }
  static void store(int32_t *to, Integers numbers) { _mm256_store_si256(reinterpret_cast<__m256i *>(to), numbers); }
  static Lanes loadLanes(const float *from) { return _mm256_load_ps(from); }
  static void storeLanes(float *to, Lanes lanes) { _mm256_store_ps(to, lanes); }
  static Lanes addToLanes(Lanes lanes, Floats terms) { return _mm256_add_ps(lanes, terms); }
  static Floats toFloats(Integers numbers) { return _mm256_cvtepi32_ps(numbers); }
  static Floats multiply(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
  static Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
  static Integers subtract(Integers a, Integers b) { return _mm256_sub_epi32(a, b); }
  static Integers multiplyIntegers(Integers a, Integers b) { return _mm256_mullo_epi32(a, b); }
  static Integers shiftLeft8(Integers numbers) { return _mm256_slli_epi32(numbers, 8); }
  static void prefetch(const std::byte *from) { _mm_prefetch(reinterpret_cast<const char *>(from), _MM_HINT_T0); }

  /// sum + the products of unsigned bytes below 2^BITS with signed ones, in words of four bytes.
  template <int BITS>
  static Integers dot(Integers sum, Integers first, Integers last, const int8_t (&digits)[2][kBlocks * 4]) {
    Integers firstDigits = loadBytes(digits[0]), lastDigits = loadBytes(digits[1]);
    if constexpr (BITS <= 4) // Four products fit 16 bits.
      return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_add_epi16(_mm256_maddubs_epi16(first, firstDigits),
                                                                      _mm256_maddubs_epi16(last, lastDigits)),
                                                     _mm256_set1_epi16(1)));
    sum = _mm256_add_epi32(sum, products<BITS>(first, firstDigits));
    return _mm256_add_epi32(sum, products<BITS>(last, lastDigits));
  }

  /// Number 4·l + r is the sum of the four words of part l of vector r.
  static Integers sumEach(const Integers (&parts)[4]) {
    Integers front = _mm256_add_epi32(_mm256_unpacklo_epi32(parts[0], parts[1]), //
                                      _mm256_unpackhi_epi32(parts[0], parts[1]));
    Integers back = _mm256_add_epi32(_mm256_unpacklo_epi32(parts[2], parts[3]), //
                                     _mm256_unpackhi_epi32(parts[2], parts[3]));
    return _mm256_add_epi32(_mm256_unpacklo_epi64(front, back), _mm256_unpackhi_epi64(front, back));
  }

  /// The lane sum of each four terms; the other lanes are 0.
  static void storeSumsOfFours(float *to, Floats terms) {
    terms = _mm256_add_ps(terms, _mm256_setzero_ps());
    terms = _mm256_add_ps(terms, _mm256_shuffle_ps(terms, terms, _MM_SHUFFLE(1, 0, 3, 2)));
    terms = _mm256_add_ps(terms, _mm256_shuffle_ps(terms, terms, _MM_SHUFFLE(2, 3, 0, 1)));
    to[0] = _mm256_cvtss_f32(terms);
    to[1] = _mm_cvtss_f32(_mm256_extractf128_ps(terms, 1));
  }
};

/// 16 bytes out of each of two places.
inline __m256i twoParts(const std::byte *first, const std::byte *second) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i *>(first))),
                                 _mm_loadu_si128(reinterpret_cast<const __m128i *>(second)), 1);
}

inline short halfBits(const std::byte *from) {
  short bits;
  __builtin_memcpy(&bits, from, sizeof(bits));
  return bits;
}

/// Eight numbers of f16 that lie `stride` bytes apart. Put together in a register: a load that follows stores of its
/// parts would wait for them.
inline __m256 eightHalves(const std::byte *from, uint64_t stride) {
  __m128i halves = _mm_cvtsi32_si128(static_cast<uint16_t>(halfBits(from)));
  halves = _mm_insert_epi16(halves, halfBits(from + stride), 1);
  halves = _mm_insert_epi16(halves, halfBits(from + stride * 2), 2);
  halves = _mm_insert_epi16(halves, halfBits(from + stride * 3), 3);
  halves = _mm_insert_epi16(halves, halfBits(from + stride * 4), 4);
  halves = _mm_insert_epi16(halves, halfBits(from + stride * 5), 5);
  halves = _mm_insert_epi16(halves, halfBits(from + stride * 6), 6);
  halves = _mm_insert_epi16(halves, halfBits(from + stride * 7), 7);
  return _mm256_cvtph_ps(halves);
}

/// Nibbles `offset` bytes behind the beginnings of blocks.
template <uint64_t BLOCK>
inline void loadNibbles(const std::byte *from, uint64_t offset, WeightGroup<Vector256> &weights) {
  const __m256i low = _mm256_set1_epi8(15);
#pragma GCC unroll 4
  for (uint64_t r = 0; r < 4; ++r) {
    const std::byte *block = from + r * BLOCK + offset;
    __m256i packed = twoParts(block, block + 4 * BLOCK);
    weights.first[r] = _mm256_and_si256(packed, low);
    weights.last[r] = _mm256_and_si256(_mm256_srli_epi16(packed, 4), low);
  }
}

struct Q4_0Group {
  static constexpr int kBits = 4, kBias = 8;
  static constexpr bool kMinimum = false;
  static constexpr uint64_t kBytes = 18;

  static void load(const std::byte *from, WeightGroup<Vector256> &weights) {
    loadNibbles<kBytes>(from, 2, weights);
    weights.scales = eightHalves(from, kBytes);
  }
};

struct Q4_1Group {
  static constexpr int kBits = 4, kBias = 1;
  static constexpr bool kMinimum = true;
  static constexpr uint64_t kBytes = 20;

  static void load(const std::byte *from, WeightGroup<Vector256> &weights) {
    loadNibbles<kBytes>(from, 4, weights);
    weights.scales = eightHalves(from, kBytes);
    weights.minimums = eightHalves(from + 2, kBytes);
  }
};

struct Q8_0Group {
  static constexpr int kBits = 8, kBias = 128;
  static constexpr bool kMinimum = false;
  static constexpr uint64_t kBytes = 34;

  static void load(const std::byte *from, WeightGroup<Vector256> &weights) {
    const __m256i sign = _mm256_set1_epi8(static_cast<char>(128));
#pragma GCC unroll 4
    for (uint64_t r = 0; r < 4; ++r) {
      const std::byte *block = from + r * kBytes + 2;
      weights.first[r] = _mm256_xor_si256(twoParts(block, block + 4 * kBytes), sign);
      weights.last[r] = _mm256_xor_si256(twoParts(block + 16, block + 4 * kBytes + 16), sign);
    }
    weights.scales = eightHalves(from, kBytes);
  }
};

/// A super-block: its eight blocks, their scales, and d.
struct WeightsOfSuperBlock {
  __m256i blocks[8];
  __m256i first, last; ///< The int8 scales of the first and last 16 of each block.
  __m256 scale;
};

struct Q6_KAvx2 {
  static void prefetch(const std::byte *row, uint64_t group, uint64_t ahead) {
    for (uint64_t at = 0; at < 210; at += 64)
      Vector256::prefetch(row + group * 210 + ahead + at);
  }
  static WeightsOfSuperBlock load(const std::byte *row, uint64_t group) {
    const std::byte *from = row + group * 210;
    const __m256i fours = _mm256_set1_epi8(15), highBits = _mm256_set1_epi8(48);
    WeightsOfSuperBlock weights;
    for (int part = 0; part < 2; ++part) {
      // Low four bits of blocks 0 and 1, above them those of blocks 2 and 3; two more bits of all four in 32 bytes.
      __m256i first = loadBytes(from + part * 64), second = loadBytes(from + part * 64 + 32);
      __m256i high = loadBytes(from + 128 + part * 32);
      auto joint = [&](__m256i low, __m256i above) {
        return _mm256_or_si256(_mm256_and_si256(low, fours), _mm256_and_si256(above, highBits));
      };
      weights.blocks[part * 4] = joint(first, _mm256_slli_epi16(high, 4));
      weights.blocks[part * 4 + 1] = joint(second, _mm256_slli_epi16(high, 2));
      weights.blocks[part * 4 + 2] = joint(_mm256_srli_epi16(first, 4), high);
      weights.blocks[part * 4 + 3] = joint(_mm256_srli_epi16(second, 4), _mm256_srli_epi16(high, 2));
    }
    // Scales 2·j and 2·j + 1 are block j's.
    __m128i pairs = _mm_loadu_si128(reinterpret_cast<const __m128i *>(from + 192));
    weights.first = _mm256_cvtepi16_epi32(_mm_srai_epi16(_mm_slli_epi16(pairs, 8), 8));
    weights.last = _mm256_cvtepi16_epi32(_mm_srai_epi16(pairs, 8));
    weights.scale = _mm256_set1_ps(_cvtsh_ss(static_cast<uint16_t>(halfBits(from + 208))));
    return weights;
  }
  /// Four partial sums each of a block's first 16 and last 16 numbers.
  template <bool TWO> static __m256i sumsOf(__m256i weights, const int8_t *high, const int8_t *low) {
    const __m256i offset = _mm256_set1_epi8(32);
    auto sums = [&](const int8_t *from) {
      __m256i digits = loadBytes(from);
      return _mm256_sub_epi32(products<6>(weights, digits), products<6>(offset, digits));
    };
    if constexpr (TWO)
      return _mm256_add_epi32(_mm256_slli_epi32(sums(high), 8), sums(low));
    return sums(high);
  }
  /// Both products are below 2^31 and their sum below 2^53: exact in f64, and rounded once.
  static __m128 rounded(__m128i first, __m128i last) {
    return _mm256_cvtpd_ps(_mm256_add_pd(_mm256_cvtepi32_pd(first), _mm256_cvtepi32_pd(last)));
  }
  template <bool TWO>
  static void addTerms(const WeightsOfSuperBlock &weights, const float *scales, const int8_t *high, const int8_t *low,
                       float *sums) {
    __m256i parts[8];
    for (int block = 0; block < 8; ++block)
      parts[block] = sumsOf<TWO>(weights.blocks[block], high + block * 32, low + block * 32);
    // The first 16 of blocks 0 to 3 and then the last 16 of them; the same of blocks 4 to 7.
    __m256i front = Vector256::sumEach({parts[0], parts[1], parts[2], parts[3]});
    __m256i back = Vector256::sumEach({parts[4], parts[5], parts[6], parts[7]});
    __m256i first = _mm256_mullo_epi32(_mm256_permute2x128_si256(front, back, 0x20), weights.first);
    __m256i last = _mm256_mullo_epi32(_mm256_permute2x128_si256(front, back, 0x31), weights.last);
    __m256 integers;
    if constexpr (TWO)
      integers = _mm256_set_m128(rounded(_mm256_extracti128_si256(first, 1), _mm256_extracti128_si256(last, 1)),
                                 rounded(_mm256_castsi256_si128(first), _mm256_castsi256_si128(last)));
    else
      integers = _mm256_cvtepi32_ps(_mm256_add_epi32(first, last));
    __m256 terms = _mm256_mul_ps(_mm256_mul_ps(weights.scale, _mm256_loadu_ps(scales)), integers);
    _mm256_store_ps(sums, _mm256_add_ps(_mm256_load_ps(sums), terms));
  }
};

/// Eight sums of f64.
struct Sums256 {
  __m256d front = _mm256_setzero_pd(), back = _mm256_setzero_pd();

  void add(__m256 a, __m256 b) {
    front =
        _mm256_fmadd_pd(_mm256_cvtps_pd(_mm256_castps256_ps128(a)), _mm256_cvtps_pd(_mm256_castps256_ps128(b)), front);
    back = _mm256_fmadd_pd(_mm256_cvtps_pd(_mm256_extractf128_ps(a, 1)), _mm256_cvtps_pd(_mm256_extractf128_ps(b, 1)),
                           back);
  }
  void store(double *to) const {
    _mm256_store_pd(to, front);
    _mm256_store_pd(to + 4, back);
  }
};

} // namespace

Product::TileFunction avx2FewProduct(Encoding encoding, bool two) {
  switch (encoding) {
  case Encoding::Q4_0:
    return two ? fewProductOf<Vector256, Q4_0Group, true> : fewProductOf<Vector256, Q4_0Group, false>;
  case Encoding::Q4_1:
    return two ? fewProductOf<Vector256, Q4_1Group, true> : fewProductOf<Vector256, Q4_1Group, false>;
  case Encoding::Q8_0:
    return two ? fewProductOf<Vector256, Q8_0Group, true> : fewProductOf<Vector256, Q8_0Group, false>;
  case Encoding::Q6_K:
    return two ? superBlockProductOf<Q6_KAvx2, true> : superBlockProductOf<Q6_KAvx2, false>;
  default:
    return nullptr;
  }
}

Product::TileFunction avx2NumbersProduct(Encoding encoding) {
  switch (encoding) {
  case Encoding::F32:
    return numbersProductOf<Sums256, F32Numbers>;
  case Encoding::F16:
    return numbersProductOf<Sums256, F16Numbers>;
  case Encoding::BF16:
    return numbersProductOf<Sums256, BF16Numbers>;
  default:
    return nullptr;
  }
}

} // namespace strata::host
