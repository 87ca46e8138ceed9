// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Panels of 16 weight rows: a lane is a row. Each panel is put together once, in the cache, for all columns of a tile.
// Compiled for AVX-512 with VNNI: nothing here may be shared with files that are not.
#include "runtime/Device/Host/Panels/PanelLoops.h"

#include <immintrin.h>

namespace strata::host {
namespace {

constexpr uint64_t kPanelRows = 16, kGroupColumns = 16;

/// A block of each of 16 rows. Word i of digits[i / 16] is from row i % 16: numbers 4j to 4j + 3 of it in the low
/// halves of its bytes, and numbers 4j + 16 to 4j + 19 in the high ones, for digits[j].
struct PanelBlock {
  __m512i digits[4];
  __m512 scales;
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
    __m512i quarters[4]; // Rows i, i + 4, i + 8 and i + 12.
    for (uint64_t i = 0; i < 4; ++i) {
      __m512i joint = _mm512_castsi128_si512(load16(from[i] + at + 2));
      joint = _mm512_inserti32x4(joint, load16(from[i + 4] + at + 2), 1);
      joint = _mm512_inserti32x4(joint, load16(from[i + 8] + at + 2), 2);
      quarters[i] = _mm512_inserti32x4(joint, load16(from[i + 12] + at + 2), 3);
    }
    __m512i low01 = _mm512_unpacklo_epi32(quarters[0], quarters[1]);
    __m512i high01 = _mm512_unpackhi_epi32(quarters[0], quarters[1]);
    __m512i low23 = _mm512_unpacklo_epi32(quarters[2], quarters[3]);
    __m512i high23 = _mm512_unpackhi_epi32(quarters[2], quarters[3]);
    panel[block].digits[0] = _mm512_unpacklo_epi64(low01, low23);
    panel[block].digits[1] = _mm512_unpackhi_epi64(low01, low23);
    panel[block].digits[2] = _mm512_unpacklo_epi64(high01, high23);
    panel[block].digits[3] = _mm512_unpackhi_epi64(high01, high23);
    alignas(32) uint16_t halves[kPanelRows];
    for (uint64_t row = 0; row < kPanelRows; ++row)
      __builtin_memcpy(&halves[row], from[row] + at, sizeof(uint16_t));
    panel[block].scales = _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i *>(halves)));
  }
}

/// -8 times the sum of 32 digits.
int32_t offsetOf(const int8_t *digits) {
  __m256i sums = _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(8),
                                     _mm256_loadu_si256(reinterpret_cast<const __m256i *>(digits)));
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
  return -(_mm_cvtsi128_si32(two) + _mm_extract_epi32(two, 1));
}

/// Adds the terms of a chunk to the sums of 16 rows with WIDTH columns, of which `count` are there.
template <uint64_t WIDTH>
void multiply(const PanelBlock *panel, uint64_t blocks, const Group<kGroupColumns> &group, uint64_t count, float *out) {
  __m512 sums[WIDTH];
#pragma GCC unroll 16
  for (uint64_t column = 0; column < WIDTH; ++column)
    sums[column] = column < count ? _mm512_loadu_ps(out + column * kTileRows) : _mm512_setzero_ps();
  const __m512i lowHalves = _mm512_set1_epi8(15);
  for (uint64_t block = 0; block < blocks; ++block) {
    __m512i weights[8];
#pragma GCC unroll 4
    for (uint64_t i = 0; i < 4; ++i) {
      weights[i] = _mm512_and_si512(panel[block].digits[i], lowHalves);
      weights[i + 4] = _mm512_and_si512(_mm512_srli_epi16(panel[block].digits[i], 4), lowHalves);
    }
    __m512 scales = panel[block].scales;
#pragma GCC unroll 16
    for (uint64_t column = 0; column < WIDTH; ++column) {
      const int8_t *digits = group.digits[column] + block * kNumbers;
      __m512i dot = _mm512_set1_epi32(group.offsets[column][block]);
#pragma GCC unroll 8
      for (uint64_t i = 0; i < 8; ++i) {
        int32_t four;
        __builtin_memcpy(&four, digits + i * 4, sizeof(four));
        dot = _mm512_dpbusd_epi32(dot, weights[i], _mm512_set1_epi32(four));
      }
      __m512 joint = _mm512_mul_ps(scales, _mm512_set1_ps(group.scales[column][block]));
      sums[column] = _mm512_add_ps(sums[column], _mm512_mul_ps(joint, _mm512_cvtepi32_ps(dot)));
    }
  }
#pragma GCC unroll 16
  for (uint64_t column = 0; column < WIDTH; ++column)
    if (column < count)
      _mm512_storeu_ps(out + column * kTileRows, sums[column]);
}

/// See PanelLoops.h.
struct Kernel {
  using Block = PanelBlock;
  static constexpr uint64_t kRows = kPanelRows, kColumns = kGroupColumns;
  static constexpr auto build = buildPanel;
  static constexpr auto offsetOf = host::offsetOf;

  static void multiply(const PanelBlock *panel, uint64_t blocks, const Group<kColumns> &group, uint64_t count,
                       float *out) {
    auto *function = count <= 4 ? host::multiply<4> : count <= 8 ? host::multiply<8> : host::multiply<16>;
    function(panel, blocks, group, count, out);
  }
};

} // namespace

void avx512PanelProduct(const std::byte *weightRows, uint64_t rowBytes, uint64_t rows, uint64_t length,
                        const Columns &columns, uint64_t first, uint64_t count, float *out) {
  panelProductOf<Kernel>(weightRows, rowBytes, rows, length, columns, first, count, out);
}

} // namespace strata::host
