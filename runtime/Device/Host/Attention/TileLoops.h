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

  Accumulators() {
    forEach([](V &sum, uint64_t, uint64_t) { sum = V::all(0); });
  }
  /// `a[r]` is a number of row r, `b` the numbers of the columns.
  template <class A> [[gnu::always_inline]] void add(const A &a, const float *b) {
    V columns[C];
#pragma GCC unroll 4
    for (unsigned c = 0; c < C; ++c)
      columns[c] = V::load(b + c * V::kWidth);
#pragma GCC unroll 8
    for (unsigned r = 0; r < R; ++r) {
      V row = V::all(a(r));
#pragma GCC unroll 4
      for (unsigned c = 0; c < C; ++c)
        sums[r][c] = V::multiplyAdd(row, columns[c], sums[r][c]);
    }
  }
  /// Calls body(sum, row, first column).
  template <class Body> [[gnu::always_inline]] void forEach(const Body &body) {
#pragma GCC unroll 8
    for (unsigned r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (unsigned c = 0; c < C; ++c)
        body(sums[r][c], uint64_t{r}, uint64_t{c} * V::kWidth);
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
    uint64_t padded = (tile.count + V::kWidth - 1) / V::kWidth * V::kWidth;
    for (uint64_t p = tile.count; p < padded; ++p)
      for (uint64_t i = 0; i < tile.stride; ++i)
        tile.numbers[p * tile.stride + i] = 0;
    for (uint64_t i = 0; i < tile.stride; i += V::kWidth) {
      for (uint64_t p = 0; p < padded; p += V::kWidth)
        V::transpose(tile.numbers + p * tile.stride + i, tile.stride,
                     tile.transposed + i * kAttentionBlockPositions + p, kAttentionBlockPositions);
      for (uint64_t row = i; row < i + V::kWidth; ++row)
        for (uint64_t p = padded; p < kAttentionBlockPositions; ++p)
          tile.transposed[row * kAttentionBlockPositions + p] = 0;
    }
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
  /// Numbers of a row that are multiplied before the next rows: their part of the tile stays in the first-level cache.
  /// Each such part of a score is a sum of its own.
  static constexpr uint64_t kDepth = 64;
  static constexpr unsigned kLineNumbers = 16; ///< Of a cache line.

  template <unsigned SIZE> struct Size {
    constexpr unsigned operator()() const { return SIZE; }
  };
  /// Calls body(row, size) for groups of rows that are taken together.
  template <class Body> static void forEachGroup(uint64_t count, const Body &body) {
    constexpr unsigned kMost = V::kRows, kFewer = 4;
    uint64_t row = 0;
    // Two groups of four are better than one of six, which leaves two.
    for (; row + kMost <= count && row + 2 * kFewer != count; row += kMost)
      body(row, Size<kMost>());
    for (; row + kFewer <= count; row += kFewer)
      body(row, Size<kFewer>());
    for (; row < count; ++row)
      body(row, Size<1>());
  }

  /// scores[row][position] += numbers [begin, end) of the cached rows times the query's.
  static void addScores(const CachedTile &tile, uint64_t begin, uint64_t end, const float *const *queries,
                        uint64_t count, float *scores) {
    for (uint64_t from = begin; from < end; from += kDepth) {
      uint64_t to = from + kDepth < end ? from + kDepth : end;
      forEachGroup(count, [&](uint64_t row, auto size) {
        addScoresOf<size()>(tile, from, to, begin, queries + row, scores + row * kAttentionBlockPositions);
      });
    }
  }
  template <unsigned R>
  static void addScoresOf(const CachedTile &tile, uint64_t from, uint64_t to, uint64_t begin,
                          const float *const *queries, float *scores) {
    constexpr unsigned kColumns = V::kVectors * V::kWidth;
    for (uint64_t p = 0; p < kAttentionBlockPositions; p += kColumns) {
      Accumulators<V, R, V::kVectors> sums;
      const float *numbers[R];
      for (unsigned r = 0; r < R; ++r)
        numbers[r] = queries[r] - begin;
      for (uint64_t i = from; i < to; ++i)
        sums.add([&](unsigned r) { return numbers[r][i]; }, tile.transposed + i * kAttentionBlockPositions + p);
      sums.forEach([&](V sum, uint64_t row, uint64_t column) {
        float *score = scores + row * kAttentionBlockPositions + p + column;
        (V::load(score) + sum).store(score);
      });
    }
  }

  /// From products to weights; returns what the row's earlier sums are to be multiplied by.
  static float weigh(uint64_t count, float *scores, float scale, float &largest, float &total) {
    constexpr uint64_t kVectors = kAttentionBlockPositions / V::kWidth, kLaneVectors = 16 / V::kWidth;
    V numbers[kVectors];
#pragma GCC unroll 8
    for (uint64_t i = 0; i < kVectors; ++i)
      numbers[i] = V::load(scores + i * V::kWidth) * V::all(scale);
    if (count < kAttentionBlockPositions)
      setBehind(numbers, count, -__builtin_inff());
    V high = V::all(largest);
#pragma GCC unroll 8
    for (uint64_t i = 0; i < kVectors; ++i)
      high = V::larger(numbers[i], high);
    float above = high.largest();
#pragma GCC unroll 8
    for (uint64_t i = 0; i < kVectors; ++i)
      numbers[i] = exponentialOf(numbers[i] - V::all(above));
    // What stands past the last position weighs nothing, even where all scores are minus infinity.
    if (count < kAttentionBlockPositions)
      setBehind(numbers, count, 0);
    V lanes[kLaneVectors] = {};
#pragma GCC unroll 8
    for (uint64_t i = 0; i < kVectors; ++i) {
      numbers[i].store(scores + i * V::kWidth);
      lanes[i % kLaneVectors] = lanes[i % kLaneVectors] + numbers[i];
    }
    float factor = exponentialOf(V::all(largest) - V::all(above)).first();
    if constexpr (kLaneVectors == 2)
      lanes[0] = lanes[0] + lanes[1];
    total = total * factor + lanes[0].sumOfHalves();
    largest = above;
    return factor;
  }
  [[gnu::noinline]] static void setBehind(V *vectors, uint64_t count, float number) {
    float numbers[kAttentionBlockPositions];
    for (uint64_t i = 0; i < kAttentionBlockPositions / V::kWidth; ++i)
      vectors[i].store(numbers + i * V::kWidth);
    for (uint64_t p = count; p < kAttentionBlockPositions; ++p)
      numbers[p] = number;
    for (uint64_t i = 0; i < kAttentionBlockPositions / V::kWidth; ++i)
      vectors[i] = V::load(numbers + i * V::kWidth);
  }

  /// Columns [column, column + kTileColumns) of each row's sum.
  static void addValues(const CachedTile &tile, uint64_t column, const float *scores, const float *factors,
                        QueryRows &rows) {
    forEachGroup(rows.count, [&](uint64_t row, auto size) {
      addValuesOf<size()>(tile, column, scores + row * kAttentionBlockPositions, factors + row, rows.sums + row);
    });
  }
  template <unsigned R>
  static void addValuesOf(const CachedTile &tile, uint64_t column, const float *weights, const float *factors,
                          float *const *sums) {
    constexpr unsigned kColumns = V::kVectors * V::kWidth;
    for (uint64_t at = column; at < column + kTileColumns && at < tile.latent; at += kColumns) {
      Accumulators<V, R, V::kVectors> block;
      for (unsigned r = 0; r < R; ++r)
        for (unsigned c = 0; c < kColumns; c += kLineNumbers)
          __builtin_prefetch(sums[r] + at + c, 1);
      for (uint64_t p = 0; p < tile.count; ++p)
        block.add([&](unsigned r) { return weights[r * kAttentionBlockPositions + p]; },
                  tile.numbers + p * tile.stride + at);
      if (tile.latent - at >= kColumns)
        block.forEach([&](V sum, uint64_t row, uint64_t first) {
          float *to = sums[row] + at + first;
          (V::load(to) * V::all(factors[row]) + sum).store(to);
        });
      else
        block.forEach([&](V sum, uint64_t row, uint64_t first) {
          addSome(sum, factors[row], at + first, tile.latent, sums[row]);
        });
    }
  }
  /// Numbers [from, end) of a row's sum, at most as many as a vector has.
  [[gnu::noinline]] static void addSome(V sum, float factor, uint64_t from, uint64_t end, float *to) {
    float numbers[V::kWidth];
    sum.store(numbers);
    for (uint64_t i = from; i < end && i < from + V::kWidth; ++i)
      to[i] = to[i] * factor + numbers[i - from];
  }
};

} // namespace strata::host
