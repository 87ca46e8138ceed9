// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Panels of 8 weight rows: a lane is a row. Compiled for AVX2: nothing here may be shared with files that are not.
#include "runtime/Device/Host/Panels/PanelLoops.h"

#include <immintrin.h>

namespace strata::host {
namespace {

constexpr uint64_t kPanelRows = 8, kGroupColumns = 4;

/// A block of each of 8 rows. Word i of digits[j] is from row i: numbers 4j to 4j + 3 of it in the low halves of its
/// bytes, and numbers 4j + 16 to 4j + 19 in the high ones.
struct PanelBlock {
  __m256i digits[4];
  __m256 scales;
};

__m128i load16(const std::byte *from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i *>(from));
}

void buildPanel(const std::byte *weightRows, uint64_t rowBytes, uint64_t rows, uint64_t blocks, PanelBlock *panel) {
  const std::byte *from[kPanelRows];
  for (uint64_t row = 0; row < kPanelRows; ++row)
    from[row] = weightRows + (row < rows ? row : rows - 1) * rowBytes;
  for (uint64_t block = 0; block < blocks; ++block) {
    uint64_t at = block * kBlockBytes;
    __m256i halves[4]; // Rows i and i + 4.
    for (uint64_t i = 0; i < 4; ++i)
      halves[i] =
          _mm256_inserti128_si256(_mm256_castsi128_si256(load16(from[i] + at + 2)), load16(from[i + 4] + at + 2), 1);
    __m256i low01 = _mm256_unpacklo_epi32(halves[0], halves[1]), high01 = _mm256_unpackhi_epi32(halves[0], halves[1]);
    __m256i low23 = _mm256_unpacklo_epi32(halves[2], halves[3]), high23 = _mm256_unpackhi_epi32(halves[2], halves[3]);
    panel[block].digits[0] = _mm256_unpacklo_epi64(low01, low23);
    panel[block].digits[1] = _mm256_unpackhi_epi64(low01, low23);
    panel[block].digits[2] = _mm256_unpacklo_epi64(high01, high23);
    panel[block].digits[3] = _mm256_unpackhi_epi64(high01, high23);
    alignas(16) uint16_t scales[kPanelRows];
    for (uint64_t row = 0; row < kPanelRows; ++row)
      __builtin_memcpy(&scales[row], from[row] + at, sizeof(uint16_t));
    panel[block].scales = _mm256_cvtph_ps(_mm_load_si128(reinterpret_cast<const __m128i *>(scales)));
  }
}

int32_t offsetOf(const int8_t *digits) {
  __m256i pairs =
      _mm256_maddubs_epi16(_mm256_set1_epi8(8), _mm256_loadu_si256(reinterpret_cast<const __m256i *>(digits)));
  __m256i sums = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
  return -(_mm_cvtsi128_si32(two) + _mm_extract_epi32(two, 1));
}

/// Adds the terms of a chunk to the sums of 8 rows with `count` columns.
void multiplyPanel(const PanelBlock *panel, uint64_t blocks, const Group<kGroupColumns> &group, uint64_t count,
                   float *out) {
  __m256 sums[kGroupColumns];
#pragma GCC unroll 4
  for (uint64_t column = 0; column < kGroupColumns; ++column)
    sums[column] = column < count ? _mm256_loadu_ps(out + column * kTileRows) : _mm256_setzero_ps();
  const __m256i lowHalves = _mm256_set1_epi8(15);
  for (uint64_t block = 0; block < blocks; ++block) {
    __m256i weights[8];
#pragma GCC unroll 4
    for (uint64_t i = 0; i < 4; ++i) {
      weights[i] = _mm256_and_si256(panel[block].digits[i], lowHalves);
      weights[i + 4] = _mm256_and_si256(_mm256_srli_epi16(panel[block].digits[i], 4), lowHalves);
    }
#pragma GCC unroll 4
    for (uint64_t column = 0; column < kGroupColumns; ++column) {
      const int8_t *digits = group.digits[column] + block * kNumbers;
      // At most 16 · 15 · 128 in magnitude: 16 bits hold it.
      __m256i pairs = _mm256_setzero_si256();
#pragma GCC unroll 8
      for (uint64_t i = 0; i < 8; ++i) {
        int32_t four;
        __builtin_memcpy(&four, digits + i * 4, sizeof(four));
        pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(weights[i], _mm256_set1_epi32(four)));
      }
      __m256i dot = _mm256_add_epi32(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)),
                                     _mm256_set1_epi32(group.offsets[column][block]));
      __m256 joint = _mm256_mul_ps(panel[block].scales, _mm256_set1_ps(group.scales[column][block]));
      sums[column] = _mm256_add_ps(sums[column], _mm256_mul_ps(joint, _mm256_cvtepi32_ps(dot)));
    }
  }
#pragma GCC unroll 4
  for (uint64_t column = 0; column < kGroupColumns; ++column)
    if (column < count)
      _mm256_storeu_ps(out + column * kTileRows, sums[column]);
}

/// See PanelLoops.h.
struct Kernel {
  using Block = PanelBlock;
  static constexpr uint64_t kRows = kPanelRows, kColumns = kGroupColumns;
  static constexpr auto build = buildPanel;
  static constexpr auto offsetOf = host::offsetOf;

  static void multiply(const PanelBlock *panel, uint64_t blocks, const Group<kColumns> &group, uint64_t count,
                       float *out) {
    multiplyPanel(panel, blocks, group, count, out);
  }
};

} // namespace

void avx2PanelProduct(const std::byte *weightRows, uint64_t rowBytes, uint64_t rows, uint64_t length,
                      const Columns &columns, uint64_t first, uint64_t count, float *out) {
  panelProductOf<Kernel>(weightRows, rowBytes, rows, length, columns, first, count, out);
}

} // namespace strata::host
