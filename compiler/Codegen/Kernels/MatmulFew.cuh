// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Products in the few-column form: matmul, gated_matmul and head_matmul for decoding. A CTA of 4 warps makes
// 4 · groups · R rows of the result for C columns; grid (row tiles, column groups).
//
// needs: RowDots.cuh

namespace strata {

/// How a few-column product with the weight W [N, K] is cut if a lane works on R of its rows at once (Schedules.cpp
/// chooses).
template <class W, unsigned N, unsigned K, unsigned R> struct FewShape {
  static constexpr unsigned kGroups = RowShape<W, K>::kGroups;
  static constexpr unsigned kRows = R;
  static constexpr unsigned kRowsPerWarp = kGroups * kRows;
  static constexpr unsigned kTile = 4 * kRowsPerWarp;
  static constexpr unsigned kTiles = ceilDivide(N, kTile);
};

/// The rows of the weight that this lane works on, from the tile's first; those past the last repeat it.
template <unsigned N, unsigned GROUPS, unsigned R>
__device__ __forceinline__ void tileRows(unsigned first, unsigned (&rows)[R]) {
  unsigned group = laneIndex() / (kWarp / GROUPS);
#pragma unroll
  for (unsigned r = 0; r < R; ++r) {
    unsigned row = first + r * GROUPS + group;
    rows[r] = row < N ? row : N - 1;
  }
}

/// The activation rows of this CTA; those past the last repeat it.
template <unsigned C>
__device__ __forceinline__ void columnRows(const Byte *input, unsigned rowBytes, unsigned first, unsigned rows,
                                           const Byte *(&columns)[C]) {
#pragma unroll
  for (unsigned c = 0; c < C; ++c) {
    unsigned row = first + c < rows ? first + c : rows - 1;
    columns[c] = input + static_cast<unsigned long long>(row) * rowBytes;
  }
}

/// Calls write(value, column, weight row) for each number of the tile, by one lane each.
template <unsigned N, unsigned GROUPS, unsigned R, unsigned C, class Write>
__device__ __forceinline__ void writeTile(unsigned firstRow, unsigned firstColumn, unsigned columnCount,
                                          const float (&values)[R][C], const Write &write) {
  constexpr unsigned kLanes = kWarp / GROUPS;
  unsigned group = laneIndex() / kLanes, lane = laneIndex() % kLanes;
#pragma unroll
  for (unsigned r = 0; r < R; ++r)
#pragma unroll
    for (unsigned c = 0; c < C; ++c) {
      unsigned row = firstRow + r * GROUPS + group, column = firstColumn + c;
      if ((r * C + c) % kLanes == lane && row < N && column < columnCount)
        write(values[r][c], column, row);
    }
}

/// result[t][n] = epilogue(sum over k of input[t][k] · weight[n][k], t, n, residual, result).
template <class W, class A, unsigned N, unsigned K, auto EPILOGUE, unsigned C, unsigned R>
__device__ __forceinline__ void matmulFew(const Byte *input, const Byte *weight, unsigned rows, const float *residual,
                                          float *result) {
  using Shape = FewShape<W, N, K, R>;
  unsigned first = blockIdx.x * Shape::kTile + warpIndex() * Shape::kRowsPerWarp, firstColumn = blockIdx.y * C;
  unsigned tile[Shape::kRows];
  tileRows<N, Shape::kGroups>(first, tile);
  const Byte *columns[C];
  columnRows(input, A::rowBytes(K), firstColumn, rows, columns);
  float sums[Shape::kRows][C];
  clearSums(sums);
  addRowDots<W, A, N, K, K>(weight, tile, columns, 0, sums);
  reduceSums<RowShape<W, K>::kLanes>(sums);
  writeTile<N, Shape::kGroups>(first, firstColumn, rows, sums, [&](float value, unsigned column, unsigned row) {
    EPILOGUE(value, column, row, residual, result);
  });
}

/// values[r][c] = silu(gate · x) · (up · x), in every lane of a group. Both weights are split over lanes as the gate
/// is.
template <class WG, class WU, class A, unsigned N, unsigned K, unsigned R, unsigned C>
__device__ __forceinline__ void gatedValues(const Byte *gate, const Byte *up, const unsigned (&rows)[R],
                                            const Byte *const (&columns)[C], float (&values)[R][C]) {
  constexpr unsigned kLanes = RowShape<WG, K>::kLanes;
  float ups[R][C];
  clearSums(values);
  clearSums(ups);
  addRowDots<WG, A, N, K, K, kLanes>(gate, rows, columns, 0, values);
  addRowDots<WU, A, N, K, K, kLanes>(up, rows, columns, 0, ups);
  reduceSums<kLanes>(values);
  reduceSums<kLanes>(ups);
#pragma unroll
  for (unsigned r = 0; r < R; ++r)
#pragma unroll
    for (unsigned c = 0; c < C; ++c)
      values[r][c] = silu(values[r][c]) * ups[r][c];
}

/// result[t][n] = epilogue(silu(gate) · up, t, n, residual, result). WG and WU may differ where both are
/// block-quantised.
template <class WG, class WU, class A, unsigned N, unsigned K, auto EPILOGUE, unsigned C, unsigned R>
__device__ __forceinline__ void gatedMatmulFew(const Byte *input, const Byte *gate, const Byte *up, unsigned rows,
                                               const float *residual, float *result) {
  using Shape = FewShape<WG, N, K, R>;
  unsigned first = blockIdx.x * Shape::kTile + warpIndex() * Shape::kRowsPerWarp, firstColumn = blockIdx.y * C;
  unsigned tile[Shape::kRows];
  tileRows<N, Shape::kGroups>(first, tile);
  const Byte *columns[C];
  columnRows(input, A::rowBytes(K), firstColumn, rows, columns);
  float values[Shape::kRows][C];
  gatedValues<WG, WU, A, N, K>(gate, up, tile, columns, values);
  writeTile<N, Shape::kGroups>(first, firstColumn, rows, values, [&](float value, unsigned column, unsigned row) {
    EPILOGUE(value, column, row, residual, result);
  });
}

/// result[t][h·N + n] = epilogue(sum over k of input[t][h·K + k] · weight[h][n][k], t, h·N + n, residual, result).
/// gridX is HEADS · row tiles.
template <class W, class A, unsigned HEADS, unsigned N, unsigned K, auto EPILOGUE, unsigned C, unsigned R>
__device__ __forceinline__ void headMatmulFew(const Byte *input, const Byte *weight, unsigned rows,
                                              const float *residual, float *result) {
  using Shape = FewShape<W, N, K, R>;
  unsigned head = blockIdx.x / Shape::kTiles;
  unsigned first = blockIdx.x % Shape::kTiles * Shape::kTile + warpIndex() * Shape::kRowsPerWarp;
  unsigned firstColumn = blockIdx.y * C;
  unsigned tile[Shape::kRows];
  tileRows<N, Shape::kGroups>(first, tile);
  const Byte *columns[C];
  columnRows(input, A::rowBytes(HEADS * K), firstColumn, rows, columns);
  float sums[Shape::kRows][C];
  clearSums(sums);
  addRowDots<W, A, N, K, HEADS * K>(weight + head * matrixBytes<W, N, K>(), tile, columns, head * K, sums);
  reduceSums<RowShape<W, K>::kLanes>(sums);
  writeTile<N, Shape::kGroups>(first, firstColumn, rows, sums, [&](float value, unsigned column, unsigned row) {
    EPILOGUE(value, column, head * N + row, residual, result);
  });
}

} // namespace strata
