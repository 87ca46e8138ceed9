// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Products in the many-column form of digits and block-quantised weights: matmul, gated_matmul and head_matmul for
// prompts. A CTA of 128 threads makes 64 rows of the result by 64 (gated: 32) columns; grid (tiles of the weight,
// ceil(rows / 64)).
//
// needs: Tile.cuh

namespace strata {

/// This thread's activation row of the CTA's 64; null past the last.
template <class A, unsigned ROWK>
__device__ __forceinline__ const Byte *tileColumn(const Byte *input, unsigned firstColumn, unsigned rows) {
  unsigned column = firstColumn + threadIdx.x / 2;
  return column < rows ? input + static_cast<unsigned long long>(column) * A::rowBytes(ROWK) : nullptr;
}

template <class W, class A, unsigned N, unsigned K, auto EPILOGUE>
__device__ __forceinline__ void matmulMany(const Byte *input, const Byte *weight, unsigned rows, const float *residual,
                                           float *result) {
  using Weights = TileWeights<W, W, N, K, false>;
  unsigned firstColumn = blockIdx.y * kTileColumns;
  multiplyTile<A, Weights, K>(tileColumn<A, K>(input, firstColumn, rows), 0, weight, nullptr,
                              blockIdx.x * Weights::kResults, [&](float value, unsigned column, unsigned row) {
                                if (firstColumn + column < rows)
                                  EPILOGUE(value, firstColumn + column, row, residual, result);
                              });
}

template <class WG, class WU, class A, unsigned N, unsigned K, auto EPILOGUE>
__device__ __forceinline__ void gatedMatmulMany(const Byte *input, const Byte *gate, const Byte *up, unsigned rows,
                                                const float *residual, float *result) {
  using Weights = TileWeights<WG, WU, N, K, true>;
  unsigned firstColumn = blockIdx.y * kTileColumns;
  multiplyTile<A, Weights, K>(tileColumn<A, K>(input, firstColumn, rows), 0, gate, up, blockIdx.x * Weights::kResults,
                              [&](float value, unsigned column, unsigned row) {
                                if (firstColumn + column < rows)
                                  EPILOGUE(value, firstColumn + column, row, residual, result);
                              });
}

/// gridX is HEADS · tiles of a head's matrix.
template <class W, class A, unsigned HEADS, unsigned N, unsigned K, auto EPILOGUE>
__device__ __forceinline__ void headMatmulMany(const Byte *input, const Byte *weight, unsigned rows,
                                               const float *residual, float *result) {
  using Weights = TileWeights<W, W, N, K, false>;
  unsigned head = blockIdx.x / Weights::kTiles, firstColumn = blockIdx.y * kTileColumns;
  multiplyTile<A, Weights, HEADS * K>(
      tileColumn<A, HEADS * K>(input, firstColumn, rows), head * K, weight + head * matrixBytes<W, N, K>(), nullptr,
      blockIdx.x % Weights::kTiles * Weights::kResults, [&](float value, unsigned column, unsigned row) {
        if (firstColumn + column < rows)
          EPILOGUE(value, firstColumn + column, head * N + row, residual, result);
      });
}

} // namespace strata
