// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The experts of a decode step: one launch for gate and up of all chosen experts, the shared one as one more, and one
// for down, which sums them. A token's numbers depend on its own row alone. Where an expert is, its place says: all
// matrices lie one after the other, or a table on the device has the address of each. An expert whose address is null
// is not on this device: it is skipped, and its contribution left out.
//
// needs: MatmulFew.cuh

namespace strata {

/// The shape of a layer's experts as a type: X experts, USED of them for each token, rows of E numbers, WIDTH (F)
/// hidden numbers in each and SHARED (S, 0: none) in the shared one. A row of hidden numbers has kHidden.
template <unsigned X, unsigned USED, unsigned E, unsigned WIDTH, unsigned SHARED> struct Experts {
  static constexpr unsigned kExperts = X, kUsed = USED, kEmbedding = E, kWidth = WIDTH, kShared = SHARED;
  static constexpr unsigned kHidden = USED * WIDTH + SHARED;
};

/// The matrices of all experts one after the other, BYTES each.
struct ContiguousExperts {
  static constexpr bool kSkips = false;
  template <unsigned long long BYTES>
  static __device__ __forceinline__ const Byte *matrix(const Byte *matrices, unsigned expert) {
    return matrices + expert * BYTES;
  }
};

/// A table of addresses, one for every expert of the layer; null for one that is not on this device.
struct TabledExperts {
  static constexpr bool kSkips = true;
  template <unsigned long long BYTES>
  static __device__ __forceinline__ const Byte *matrix(const Byte *table, unsigned expert) {
    return reinterpret_cast<const Byte *>(reinterpret_cast<const unsigned long long *>(table)[expert]);
  }
};

/// Zeros in the place of an expert's hidden numbers: what quantises the row, and sums over it, reads numbers.
template <unsigned TILE, unsigned N> __device__ __forceinline__ void clearTile(unsigned first, float *result) {
  for (unsigned i = threadIdx.x; i < TILE; i += 128)
    if (first + i < N)
      result[first + i] = 0.0f;
}

/// The tile of silu(gate · x) · (up · x) that starts at row `first` of two matrices [N, K], to result[row].
template <class WG, class WU, class A, unsigned N, unsigned K, unsigned R>
__device__ __forceinline__ void gateUpTile(const Byte *column, const Byte *gate, const Byte *up, unsigned first,
                                           float *result) {
  using Shape = FewShape<WG, N, K, R>;
  first += warpIndex() * Shape::kRowsPerWarp;
  unsigned tile[Shape::kRows];
  tileRows<N, Shape::kGroups>(first, tile);
  const Byte *columns[1] = {column};
  float values[Shape::kRows][1];
  gatedValues<WG, WU, A, N, K>(gate, up, tile, columns, values);
  writeTile<N, Shape::kGroups>(first, 0, 1, values, [&](float value, unsigned, unsigned row) { result[row] = value; });
}

/// 128 threads, gridX USED · tiles of an expert + tiles of the shared one, a row per CTA. WG and WU
/// are the encodings of gate and up of the routed experts, WSG and WSU of the shared one; `gate` and `up` are what
/// PLACE reads; R and RS how many rows a lane works on. The hidden numbers of an expert that is not here are 0.
template <class WG, class WU, class WSG, class WSU, class A, class X, unsigned R, unsigned RS,
          class PLACE = ContiguousExperts>
__device__ __forceinline__ void expertsGateUp(const Byte *input, const int *ids, const Byte *gate, const Byte *up,
                                              const Byte *sharedGate, const Byte *sharedUp, float *result) {
  constexpr unsigned kWidth = X::kWidth, kEmbedding = X::kEmbedding;
  using Shape = FewShape<WG, kWidth, kEmbedding, R>;
  const Byte *column = input + static_cast<unsigned long long>(blockIdx.y) * A::rowBytes(kEmbedding);
  float *row = result + static_cast<unsigned long long>(blockIdx.y) * X::kHidden;
  unsigned slot = blockIdx.x / Shape::kTiles;
  if (slot < X::kUsed) {
    unsigned first = blockIdx.x % Shape::kTiles * Shape::kTile;
    auto expert = static_cast<unsigned>(ids[static_cast<unsigned long long>(blockIdx.y) * X::kUsed + slot]);
    const Byte *gateMatrix = PLACE::template matrix<matrixBytes<WG, kWidth, kEmbedding>()>(gate, expert);
    if (PLACE::kSkips && gateMatrix == nullptr)
      return clearTile<Shape::kTile, kWidth>(first, row + slot * kWidth);
    const Byte *upMatrix = PLACE::template matrix<matrixBytes<WU, kWidth, kEmbedding>()>(up, expert);
    gateUpTile<WG, WU, A, kWidth, kEmbedding, R>(column, gateMatrix, upMatrix, first, row + slot * kWidth);
  } else if constexpr (X::kShared > 0) {
    using SharedShape = FewShape<WSG, X::kShared, kEmbedding, RS>;
    unsigned first = (blockIdx.x - X::kUsed * Shape::kTiles) * SharedShape::kTile;
    gateUpTile<WSG, WSU, A, X::kShared, kEmbedding, RS>(column, sharedGate, sharedUp, first, row + X::kUsed * kWidth);
  }
}

/// result[t] = residual[t] + (sum of weight · down[expert] · hidden part of the slot + shared down · the last part):
/// 128 threads, gridX row tiles of E, a row per CTA. Slots are in ascending expert index; those of experts that are not
/// here add nothing. The residual may be the result.
template <class W, class WS, class A, class X, auto EPILOGUE, unsigned R, class PLACE = ContiguousExperts>
__device__ __forceinline__ void expertsDown(const Byte *hidden, const int *ids, const float *weights, const Byte *down,
                                            const Byte *sharedDown, const float *residual, float *result) {
  constexpr unsigned kWidth = X::kWidth, kEmbedding = X::kEmbedding, kLanes = RowShape<W, kWidth>::kLanes;
  using Shape = FewShape<W, kEmbedding, kWidth, R>;
  unsigned first = blockIdx.x * Shape::kTile + warpIndex() * Shape::kRowsPerWarp;
  unsigned tile[Shape::kRows];
  tileRows<kEmbedding, Shape::kGroups>(first, tile);
  const Byte *columns[1] = {hidden + static_cast<unsigned long long>(blockIdx.y) * A::rowBytes(X::kHidden)};
  float sums[Shape::kRows][1];
  clearSums(sums);
#pragma unroll 1
  for (unsigned slot = 0; slot < X::kUsed; ++slot) {
    unsigned long long chosen = static_cast<unsigned long long>(blockIdx.y) * X::kUsed + slot;
    auto expert = static_cast<unsigned>(ids[chosen]);
    const Byte *matrix = PLACE::template matrix<matrixBytes<W, kEmbedding, kWidth>()>(down, expert);
    if (PLACE::kSkips && matrix == nullptr)
      continue;
    float part[Shape::kRows][1];
    clearSums(part);
    addRowDots<W, A, kEmbedding, kWidth, X::kHidden>(matrix, tile, columns, slot * kWidth, part);
#pragma unroll
    for (unsigned r = 0; r < Shape::kRows; ++r)
      sums[r][0] = fmaf(weights[chosen], part[r][0], sums[r][0]);
  }
  if constexpr (X::kShared > 0)
    addRowDots<WS, A, kEmbedding, X::kShared, X::kHidden, kLanes>(sharedDown, tile, columns, X::kUsed * kWidth, sums);
  reduceSums<kLanes>(sums);
  writeTile<kEmbedding, Shape::kGroups>(first, 0, 1, sums, [&](float value, unsigned, unsigned row) {
    EPILOGUE(value, blockIdx.y, row, residual, result);
  });
}

} // namespace strata
