// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The experts of a prompt, part two: for each segment of sorted pairs gate and up, quantisation, down, and what each
// token adds of it; then the shared expert over segments of tokens. On tensor cores where the input is digits, else by
// dot products.
//
// needs: ExpertsSort.cuh ExpertsStep.cuh MatmulMany.cuh

namespace strata {

/// How many activation rows a CTA takes: 64 on tensor cores, 4 by dot products.
template <class A> constexpr unsigned promptColumns() {
  return A::kQuantised ? kTileColumns : 4;
}

/// Results per CTA and tiles of a matrix [N, K]. R is how many of its rows a lane works on, or the rows of a
/// tensor-core tile.
template <class W, class A, unsigned N, unsigned K, unsigned R, bool GATED> struct PromptShape {
  static constexpr unsigned kColumns = promptColumns<A>();
  static_assert(!A::kQuantised || R == kTileRows, "tiles have one shape");
  static constexpr unsigned kResults = !A::kQuantised ? FewShape<W, N, K, R>::kTile : GATED ? R / 2 : R;
  static constexpr unsigned kTiles = ceilDivide(N, kResults);
};

/// write(value, index, row) for a tile of products with `count` activation rows; rowOf(index) gives each, index below
/// count.
template <class W, class A, unsigned N, unsigned K, unsigned R, class RowOf, class Write>
__device__ __forceinline__ void promptProduct(const RowOf &rowOf, unsigned count, const Byte *matrix, unsigned firstRow,
                                              const Write &write) {
  if constexpr (A::kQuantised) {
    unsigned own = threadIdx.x / 2;
    multiplyTile<A, TileWeights<W, W, N, K, false>, K>(own < count ? rowOf(own) : nullptr, 0, matrix, nullptr, firstRow,
                                                       [&](float value, unsigned index, unsigned row) {
                                                         if (index < count)
                                                           write(value, index, row);
                                                       });
  } else {
    constexpr unsigned C = promptColumns<A>();
    using Shape = FewShape<W, N, K, R>;
    unsigned first = firstRow + warpIndex() * Shape::kRowsPerWarp, tile[Shape::kRows];
    tileRows<N, Shape::kGroups>(first, tile);
    const Byte *columns[C];
#pragma unroll
    for (unsigned c = 0; c < C; ++c)
      columns[c] = rowOf(c < count ? c : count - 1);
    float sums[Shape::kRows][C];
    clearSums(sums);
    addRowDots<W, A, N, K, K>(matrix, tile, columns, 0, sums);
    reduceSums<RowShape<W, K>::kLanes>(sums);
    writeTile<N, Shape::kGroups>(first, 0, count, sums, write);
  }
}

/// The same of silu(gate · x) · (up · x).
template <class WG, class WU, class A, unsigned N, unsigned K, unsigned R, class RowOf, class Write>
__device__ __forceinline__ void promptGated(const RowOf &rowOf, unsigned count, const Byte *gate, const Byte *up,
                                            unsigned firstRow, const Write &write) {
  if constexpr (A::kQuantised) {
    unsigned own = threadIdx.x / 2;
    multiplyTile<A, TileWeights<WG, WU, N, K, true>, K>(own < count ? rowOf(own) : nullptr, 0, gate, up, firstRow,
                                                        [&](float value, unsigned index, unsigned row) {
                                                          if (index < count)
                                                            write(value, index, row);
                                                        });
  } else {
    constexpr unsigned C = promptColumns<A>();
    using Shape = FewShape<WG, N, K, R>;
    unsigned first = firstRow + warpIndex() * Shape::kRowsPerWarp, tile[Shape::kRows];
    tileRows<N, Shape::kGroups>(first, tile);
    const Byte *columns[C];
#pragma unroll
    for (unsigned c = 0; c < C; ++c)
      columns[c] = rowOf(c < count ? c : count - 1);
    float values[Shape::kRows][C];
    gatedValues<WG, WU, A, N, K>(gate, up, tile, columns, values);
    writeTile<N, Shape::kGroups>(first, 0, count, values, write);
  }
}

/// hidden[position in the segment][WIDTH] for the pairs of a segment: 128 threads, gridX tiles of a matrix · column
/// tiles of a segment (at most SEGMENT, ceil(SEGMENT / columns) + X), one CTA high.
template <class WG, class WU, class A, class X, unsigned SEGMENT, unsigned R>
__device__ __forceinline__ void expertsPromptGateUp(const Byte *input, const Byte *gate, const Byte *up,
                                                    const int *sorted, const int *offsets, float *hidden, unsigned rows,
                                                    unsigned segment) {
  constexpr unsigned N = X::kWidth, K = X::kEmbedding;
  using Shape = PromptShape<WG, A, N, K, R, true>;
  Segment pairs = segmentOf<SEGMENT>(rows * X::kUsed, segment);
  PairTile tile = findTile<X::kExperts, Shape::kColumns>(offsets, pairs, blockIdx.x / Shape::kTiles);
  if (tile.count == 0)
    return;
  auto rowOf = [&](unsigned index) {
    unsigned token = static_cast<unsigned>(sorted[tile.first + index]) / X::kUsed;
    return input + static_cast<unsigned long long>(token) * A::rowBytes(K);
  };
  promptGated<WG, WU, A, N, K, R>(
      rowOf, tile.count, gate + tile.expert * matrixBytes<WG, N, K>(), up + tile.expert * matrixBytes<WU, N, K>(),
      blockIdx.x % Shape::kTiles * Shape::kResults,
      [&](float value, unsigned index, unsigned row) { hidden[(tile.first - pairs.begin + index) * N + row] = value; });
}

/// partial[position in the segment][E] = down[expert] · the pair's hidden row, grid as before.
template <class W, class A, class X, unsigned SEGMENT, unsigned R>
__device__ __forceinline__ void expertsPromptDown(const Byte *hidden, const Byte *down, const int *offsets,
                                                  float *partial, unsigned rows, unsigned segment) {
  constexpr unsigned N = X::kEmbedding, K = X::kWidth;
  using Shape = PromptShape<W, A, N, K, R, false>;
  Segment pairs = segmentOf<SEGMENT>(rows * X::kUsed, segment);
  PairTile tile = findTile<X::kExperts, Shape::kColumns>(offsets, pairs, blockIdx.x / Shape::kTiles);
  if (tile.count == 0)
    return;
  auto rowOf = [&](unsigned index) { return hidden + (tile.first - pairs.begin + index) * A::rowBytes(K); };
  promptProduct<W, A, N, K, R>(
      rowOf, tile.count, down + tile.expert * matrixBytes<W, N, K>(), blockIdx.x % Shape::kTiles * Shape::kResults,
      [&](float value, unsigned index, unsigned row) {
        partial[static_cast<unsigned long long>(tile.first - pairs.begin + index) * N + row] = value;
      });
}

/// Quantises the hidden rows of a segment of count · PER_ROW: 128 threads, gridX SEGMENT · ceil(K / 128), one CTA high.
template <class A, unsigned K, unsigned SEGMENT, unsigned PER_ROW>
__device__ __forceinline__ void quantiseSegment(const float *hidden, Byte *quantised, unsigned rows, unsigned segment) {
  constexpr unsigned kTiles = ceilDivide(K, 128);
  Segment all = segmentOf<SEGMENT>(rows * PER_ROW, segment);
  unsigned row = blockIdx.x / kTiles, block = blockIdx.x % kTiles * 4 + warpIndex();
  if (row >= all.end - all.begin || block >= K / kBlock)
    return;
  float number = hidden[static_cast<unsigned long long>(row) * K + block * kBlock + laneIndex()];
  A::template store<K>(quantised + static_cast<unsigned long long>(row) * A::rowBytes(K), block, number);
}

/// routed[t] += weight · partial of each of the token's pairs in the segment, in ascending expert index; segment 0
/// starts at 0: 128 threads, gridX ceil(E / 128), a row per CTA.
template <class X, unsigned SEGMENT>
__device__ __forceinline__ void expertsPromptGather(const float *weights, const int *inverse, const float *partial,
                                                    float *routed, unsigned rows, unsigned segment) {
  constexpr unsigned E = X::kEmbedding;
  Segment pairs = segmentOf<SEGMENT>(rows * X::kUsed, segment);
  unsigned column = blockIdx.x * 128 + threadIdx.x;
  if (column >= E)
    return;
  unsigned long long at = static_cast<unsigned long long>(blockIdx.y) * E + column;
  float sum = segment == 0 ? 0.0f : routed[at];
  for (unsigned slot = 0; slot < X::kUsed; ++slot) {
    unsigned pair = blockIdx.y * X::kUsed + slot, place = static_cast<unsigned>(inverse[pair]);
    if (place >= pairs.begin && place < pairs.end)
      sum = fmaf(weights[pair], partial[static_cast<unsigned long long>(place - pairs.begin) * E + column], sum);
  }
  routed[at] = sum;
}

/// The shared expert's hidden rows of a segment of tokens: gridX tiles of the matrix · ceil(SEGMENT / columns), one CTA
/// high.
template <class WG, class WU, class A, class X, unsigned SEGMENT, unsigned R>
__device__ __forceinline__ void sharedPromptGateUp(const Byte *input, const Byte *gate, const Byte *up, float *hidden,
                                                   unsigned rows, unsigned segment) {
  constexpr unsigned N = X::kShared, K = X::kEmbedding;
  using Shape = PromptShape<WG, A, N, K, R, true>;
  Segment tokens = segmentOf<SEGMENT>(rows, segment);
  unsigned first = tokens.begin + blockIdx.x / Shape::kTiles * Shape::kColumns;
  if (first >= tokens.end)
    return;
  unsigned count = smaller(tokens.end - first, Shape::kColumns);
  auto rowOf = [&](unsigned index) { return input + static_cast<unsigned long long>(first + index) * A::rowBytes(K); };
  promptGated<WG, WU, A, N, K, R>(
      rowOf, count, gate, up, blockIdx.x % Shape::kTiles * Shape::kResults,
      [&](float value, unsigned index, unsigned row) { hidden[(first - tokens.begin + index) * N + row] = value; });
}

/// result = epilogue(routed + shared down · hidden, t, n, residual, result) for a segment of tokens, grid as before.
template <class W, class A, class X, unsigned SEGMENT, auto EPILOGUE, unsigned R>
__device__ __forceinline__ void sharedPromptDown(const Byte *hidden, const Byte *down, const float *routed,
                                                 const float *residual, float *result, unsigned rows,
                                                 unsigned segment) {
  constexpr unsigned N = X::kEmbedding, K = X::kShared;
  using Shape = PromptShape<W, A, N, K, R, false>;
  Segment tokens = segmentOf<SEGMENT>(rows, segment);
  unsigned first = tokens.begin + blockIdx.x / Shape::kTiles * Shape::kColumns;
  if (first >= tokens.end)
    return;
  unsigned count = smaller(tokens.end - first, Shape::kColumns);
  auto rowOf = [&](unsigned index) { return hidden + (first - tokens.begin + index) * A::rowBytes(K); };
  promptProduct<W, A, N, K, R>(rowOf, count, down, blockIdx.x % Shape::kTiles * Shape::kResults,
                               [&](float value, unsigned index, unsigned row) {
                                 float sum = routed[static_cast<unsigned long long>(first + index) * N + row] + value;
                                 EPILOGUE(sum, first + index, row, residual, result);
                               });
}

/// Where there is no shared expert: result = epilogue(routed, t, n, residual, result). gridX ceil(E / 128), a row per
/// CTA.
template <class X, auto EPILOGUE>
__device__ __forceinline__ void expertsPromptFinish(const float *routed, const float *residual, float *result) {
  unsigned column = blockIdx.x * 128 + threadIdx.x;
  if (column < X::kEmbedding)
    EPILOGUE(routed[static_cast<unsigned long long>(blockIdx.y) * X::kEmbedding + column], blockIdx.y, column, residual,
             result);
}

} // namespace strata
