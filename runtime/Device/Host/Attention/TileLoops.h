// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The loops behind AttentionKernels, over a class of vectors. Each level of instruction set includes this in one file
// that is compiled for it, and nothing here may be shared between them: all is in the vector class's own instantiation,
// and no function of the standard library is called that could be compiled in two ways.
//
// The order of every sum depends on the tile alone, not on the width of a vector (docs/numbers.md, "Attention").
#pragma once

#include "runtime/Device/Host/Attention/Tile.h"

namespace strata::host {

/// exp(x) for x <= 0, within 2 units in the last place; 0 below the smallest normal number; NaN of NaN.
/// 2^n · e^r with n = round(x / ln 2): Cody and Waite, "Software Manual for the Elementary Functions" (1980),
/// chapter 6.
template <class V> inline V exponentialOf(V x) {
  const V limit = V::all(-87.33654f), magic = V::all(12582912.0f); // 1.5 · 2^23: adding it rounds to an integer.
  V bounded = V::larger(limit, x);
  V shifted = V::multiplyAdd(bounded, V::all(1.44269504f), magic);
  V n = shifted - magic;
  V r = V::multiplyAdd(n, V::all(-0.693145752f), bounded); // ln 2 in two parts, the first with zeros at its end.
  r = V::multiplyAdd(n, V::all(-1.42860677e-6f), r);
  V e = V::all(1.98412698e-4f);
  e = V::multiplyAdd(e, r, V::all(1.38888889e-3f));
  e = V::multiplyAdd(e, r, V::all(8.33333333e-3f));
  e = V::multiplyAdd(e, r, V::all(4.16666667e-2f));
  e = V::multiplyAdd(e, r, V::all(1.66666667e-1f));
  e = V::multiplyAdd(e, r, V::all(0.5f));
  e = V::multiplyAdd(e, r, V::all(1.0f));
  e = V::multiplyAdd(e, r, V::all(1.0f));
  return V::zeroWhereLess(x, limit, V::scaledByShifted(e, shifted));
}

/// sums[r][c] += a[r] · b[c]
template <class V, unsigned R, unsigned C> struct Accumulators {
  V sums[R][C];

  void clear() {
    for (unsigned r = 0; r < R; ++r)
      for (unsigned c = 0; c < C; ++c)
        sums[r][c] = V::all(0);
  }
  void addTo(float *to, uint64_t stride) const {
    for (unsigned r = 0; r < R; ++r)
      for (unsigned c = 0; c < C; ++c)
        (V::load(to + r * stride + c * V::kWidth) + sums[r][c]).store(to + r * stride + c * V::kWidth);
  }
  void store(float *to, uint64_t stride) const {
    for (unsigned r = 0; r < R; ++r)
      for (unsigned c = 0; c < C; ++c)
        sums[r][c].store(to + r * stride + c * V::kWidth);
  }
  /// `a[r]` is a number of row r, `b` the numbers of the columns.
  template <class A> void add(const A &a, const float *b) {
    V columns[C];
    for (unsigned c = 0; c < C; ++c)
      columns[c] = V::load(b + c * V::kWidth);
    for (unsigned r = 0; r < R; ++r) {
      V row = V::all(a(r));
      for (unsigned c = 0; c < C; ++c)
        sums[r][c] = V::multiplyAdd(row, columns[c], sums[r][c]);
    }
  }
};

template <class V> class AttentionLoops {
public:
  static void read(const void *const *rows, bool halves, const CachedTile &tile) {
    for (uint64_t p = 0; p < tile.count; ++p) {
      float *to = tile.numbers + p * tile.stride;
      if (halves)
        V::convert(static_cast<const uint16_t *>(rows[p]), tile.width, to);
      else
        for (uint64_t i = 0; i < tile.width; ++i)
          to[i] = static_cast<const float *>(rows[p])[i];
      for (uint64_t i = tile.width; i < tile.stride; ++i)
        to[i] = 0;
    }
    for (uint64_t p = tile.count; p < kPadded(tile.count); ++p)
      for (uint64_t i = 0; i < tile.stride; ++i)
        tile.numbers[p * tile.stride + i] = 0;
    for (uint64_t p = 0; p < kPadded(tile.count); p += 8)
      for (uint64_t i = 0; i < tile.stride; i += 8)
        V::transpose8(tile.numbers + p * tile.stride + i, tile.stride,
                      tile.transposed + i * kAttentionBlockPositions + p, kAttentionBlockPositions);
    for (uint64_t i = 0; i < tile.width; ++i)
      for (uint64_t p = kPadded(tile.count); p < kAttentionBlockPositions; ++p)
        tile.transposed[i * kAttentionBlockPositions + p] = 0;
  }

  static void attend(const CachedTile &tile, float *scores, QueryRows &rows) {
    for (uint64_t i = 0; i < rows.count * kAttentionBlockPositions; ++i)
      scores[i] = 0;
    addScores(tile, 0, tile.latent, rows.absorbed, rows.count, scores);
    addScores(tile, tile.latent, tile.width, rows.rotated, rows.count, scores);
    float factors[kAttentionQueryRows];
    for (uint64_t r = 0; r < rows.count; ++r)
      factors[r] = weigh(tile.count, scores + r * kAttentionBlockPositions, rows.scale, rows.largest[r], rows.total[r]);
    for (uint64_t column = 0; column < tile.latent; column += kTileColumns)
      addValues(tile, column, scores, factors, rows);
  }

private:
  static constexpr uint64_t kPadded(uint64_t positions) { return (positions + 7) / 8 * 8; }
  /// Numbers of a row that are multiplied before the next rows: their part of the tile stays in the first-level cache.
  /// Each such part of a score is a sum of its own.
  static constexpr uint64_t kDepth = 64;

  /// scores[row][position] += numbers [begin, end) of the cached rows times the query's.
  static void addScores(const CachedTile &tile, uint64_t begin, uint64_t end, const float *const *queries,
                        uint64_t count, float *scores) {
    for (uint64_t from = begin; from < end; from += kDepth) {
      uint64_t to = from + kDepth < end ? from + kDepth : end;
      uint64_t row = 0;
      for (; row + 4 <= count; row += 4)
        addScoresOf<4>(tile, from, to, begin, queries + row, scores + row * kAttentionBlockPositions);
      for (; row < count; ++row)
        addScoresOf<1>(tile, from, to, begin, queries + row, scores + row * kAttentionBlockPositions);
    }
  }
  template <unsigned R>
  static void addScoresOf(const CachedTile &tile, uint64_t from, uint64_t to, uint64_t begin,
                          const float *const *queries, float *scores) {
    constexpr unsigned kColumns = V::kVectors * V::kWidth;
    for (uint64_t p = 0; p < kAttentionBlockPositions; p += kColumns) {
      Accumulators<V, R, V::kVectors> sums;
      sums.clear();
      for (uint64_t i = from; i < to; ++i)
        sums.add([&](unsigned r) { return queries[r][i - begin]; }, tile.transposed + i * kAttentionBlockPositions + p);
      sums.addTo(scores + p, kAttentionBlockPositions);
    }
  }

  /// From products to weights; returns what the row's earlier sums are to be multiplied by.
  static float weigh(uint64_t count, float *scores, float scale, float &largest, float &total) {
    constexpr uint64_t kVectors = kAttentionBlockPositions / V::kWidth;
    for (uint64_t p = 0; p < kAttentionBlockPositions; p += V::kWidth)
      (V::load(scores + p) * V::all(scale)).store(scores + p);
    for (uint64_t p = count; p < kAttentionBlockPositions; ++p)
      scores[p] = -__builtin_inff();
    V high = V::all(largest);
    for (uint64_t p = 0; p < kVectors; ++p)
      high = V::larger(V::load(scores + p * V::kWidth), high);
    float lanes[V::kWidth];
    high.store(lanes);
    float above = lanes[0];
    for (unsigned lane = 1; lane < V::kWidth; ++lane)
      above = lanes[lane] > above ? lanes[lane] : above;
    for (uint64_t p = 0; p < kVectors; ++p)
      exponentialOf(V::load(scores + p * V::kWidth) - V::all(above)).store(scores + p * V::kWidth);
    // What stands past the last position weighs nothing, even where all scores are minus infinity.
    for (uint64_t p = count; p < kAttentionBlockPositions; ++p)
      scores[p] = 0;
    V change = exponentialOf(V::all(largest) - V::all(above));
    change.store(lanes);
    float factor = lanes[0];
    float sums[16] = {};
    for (uint64_t p = 0; p < kAttentionBlockPositions; ++p)
      sums[p % 16] += scores[p];
    for (unsigned half = 8; half > 0; half /= 2)
      for (unsigned i = 0; i < half; ++i)
        sums[i] += sums[i + half];
    total = total * factor + sums[0];
    largest = above;
    return factor;
  }

  /// Columns [column, column + kTileColumns) of each row's sum.
  static void addValues(const CachedTile &tile, uint64_t column, const float *scores, const float *factors,
                        QueryRows &rows) {
    uint64_t row = 0;
    for (; row + 4 <= rows.count; row += 4)
      addValuesOf<4>(tile, column, scores + row * kAttentionBlockPositions, factors + row, rows.sums + row);
    for (; row < rows.count; ++row)
      addValuesOf<1>(tile, column, scores + row * kAttentionBlockPositions, factors + row, rows.sums + row);
  }
  template <unsigned R>
  static void addValuesOf(const CachedTile &tile, uint64_t column, const float *weights, const float *factors,
                          float *const *sums) {
    constexpr unsigned kColumns = V::kVectors * V::kWidth;
    for (uint64_t at = column; at < column + kTileColumns && at < tile.latent; at += kColumns) {
      Accumulators<V, R, V::kVectors> block;
      block.clear();
      for (uint64_t p = 0; p < tile.count; ++p)
        block.add([&](unsigned r) { return weights[r * kAttentionBlockPositions + p]; },
                  tile.numbers + p * tile.stride + at);
      float results[R * kColumns];
      block.store(results, kColumns);
      uint64_t end = tile.latent - at < kColumns ? tile.latent - at : kColumns;
      for (unsigned r = 0; r < R; ++r)
        for (uint64_t i = 0; i < end; ++i)
          sums[r][at + i] = sums[r][at + i] * factors[r] + results[r * kColumns + i];
    }
  }
};

} // namespace strata::host
