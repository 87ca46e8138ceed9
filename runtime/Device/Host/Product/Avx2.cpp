// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Products of digits with AVX2: a block of a weight stands in a register.
#include "runtime/Device/Host/Product/DigitLoops.h"
#include "runtime/Device/Host/Product/Levels.h"

#include <immintrin.h>

namespace strata::host {
namespace {

struct Weights256 {
  __m256i blocks[8]; ///< Unsigned bytes.
  __m256 scales;
};

/// Eight partial sums of a block's weights, 0 to 15, times digits: pairs fit 16 bits.
inline __m256i partialSums(__m256i weights, const int8_t *digits) {
  __m256i loaded = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(digits));
  return _mm256_madd_epi16(_mm256_maddubs_epi16(weights, loaded), _mm256_set1_epi16(1));
}

/// The sums of eight registers' numbers.
inline __m256i sumEach(const __m256i (&parts)[8]) {
  __m256i first = _mm256_hadd_epi32(_mm256_hadd_epi32(parts[0], parts[1]), _mm256_hadd_epi32(parts[2], parts[3]));
  __m256i last = _mm256_hadd_epi32(_mm256_hadd_epi32(parts[4], parts[5]), _mm256_hadd_epi32(parts[6], parts[7]));
  return _mm256_add_epi32(_mm256_permute2x128_si256(first, last, 0x20), _mm256_permute2x128_si256(first, last, 0x31));
}

inline float half(const std::byte *from) {
  uint16_t bits;
  __builtin_memcpy(&bits, from, sizeof(bits));
  return _cvtsh_ss(bits);
}

struct Q4_0Avx2 {
  static constexpr bool kWholeGroups = false;
  static void prefetch(const std::byte *row, uint64_t group, uint64_t ahead) {
    for (uint64_t at = 0; at < 144; at += 64)
      _mm_prefetch(reinterpret_cast<const char *>(row + group * 144 + ahead + at), _MM_HINT_T1);
  }
  static Weights256 load(const std::byte *row, uint64_t group) {
    const std::byte *from = row + group * 144;
    const __m256i low = _mm256_set1_epi8(15);
    Weights256 weights;
    alignas(32) float scales[8];
    for (int block = 0; block < 8; ++block) {
      __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i *>(from + block * 18 + 2));
      __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(packed), _mm_srli_epi16(packed, 4), 1);
      weights.blocks[block] = _mm256_and_si256(both, low);
      scales[block] = half(from + block * 18);
    }
    weights.scales = _mm256_load_ps(scales);
    return weights;
  }
  template <bool TWO>
  static void addTerms(const Weights256 &weights, const float *scales, const int8_t *high, const int8_t *low,
                       float *sums) {
    const __m256i eight = _mm256_set1_epi8(8);
    __m256i parts[8];
    for (int block = 0; block < 8; ++block) {
      parts[block] = _mm256_sub_epi32(partialSums(weights.blocks[block], high + block * 32),
                                      partialSums(eight, high + block * 32));
      if constexpr (TWO)
        parts[block] = _mm256_add_epi32(_mm256_slli_epi32(parts[block], 8),
                                        _mm256_sub_epi32(partialSums(weights.blocks[block], low + block * 32),
                                                         partialSums(eight, low + block * 32)));
    }
    __m256 joint = _mm256_mul_ps(weights.scales, _mm256_loadu_ps(scales));
    __m256 terms = _mm256_mul_ps(joint, _mm256_cvtepi32_ps(sumEach(parts)));
    _mm256_store_ps(sums, _mm256_add_ps(_mm256_load_ps(sums), terms));
  }
  template <bool TWO>
  static float term(const std::byte *row, uint64_t block, float scale, const int8_t *high, const int8_t *low) {
    const std::byte *from = row + block * 18;
    int sum = q4_0Sum<TWO>(from + 2, high, low);
    return half(from) * scale * static_cast<float>(sum);
  }
};

} // namespace

Product::Function avx2Product(Encoding encoding, schema::ActivationEncoding activations, schema::Form form) {
  bool two = activations == schema::ActivationEncoding::i16, few = form == schema::Form::few;
  return encoding == Encoding::Q4_0 ? digitsFunctionOf<Q4_0Avx2>(two, few) : nullptr;
}

} // namespace strata::host
