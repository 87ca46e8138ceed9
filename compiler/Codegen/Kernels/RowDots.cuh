// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The dot products of a few rows of a weight with a few rows of activations, by the lanes of a warp: the core of every
// few-column product. What is summed in which order depends on K alone: lane l of a group takes blocks l, l + lanes,
// l + 2 lanes and so on, and the lanes' sums meet in a fixed tree.
//
// needs: Activations.cuh Weights.cuh

namespace strata {

/// How many lanes share a row of `chunks` units of work: as many as leave at most a fifth of them idle.
constexpr unsigned lanesFor(unsigned chunks, unsigned lanes = kWarp) {
  return lanes == 1 || ceilDivide(chunks, lanes) * lanes * 4 <= chunks * 5 ? lanes : lanesFor(chunks, lanes / 2);
}

/// The block's term in one product, from integers that are exact (docs/numbers.md, "Products").
template <class W, class A>
__device__ __forceinline__ float blockTerm(const UnpackedBlock &weight, const DigitBlock &input) {
  constexpr unsigned kHalf = W::kHalves ? 2 : 1;
  int sums[kHalf];
#pragma unroll
  for (unsigned half = 0; half < kHalf; ++half) {
    int high = 0, low = 0;
#pragma unroll
    for (unsigned j = half * 4; j < (W::kHalves ? half * 4 + 4 : 8); ++j) {
      high = dotBytes(weight.words[j], input.high[j], high);
      if constexpr (A::kTwoDigits)
        low = dotBytes(weight.words[j], input.low[j], low);
    }
    // Exact: the sum is a multiple of 2^kShift.
    sums[half] = (A::kTwoDigits ? high * 256 + low : high) >> W::kShift;
  }
  float scale = weight.scale * input.scale;
  if constexpr (W::kHalves)
    return scale * fmaf(static_cast<float>(weight.factors[0]), static_cast<float>(sums[0]),
                        static_cast<float>(weight.factors[1]) * static_cast<float>(sums[1]));
  float term = scale * static_cast<float>(sums[0]);
  if constexpr (W::kMinimum) {
    int high = 0, low = 0;
#pragma unroll
    for (unsigned j = 0; j < 8; ++j) {
      high = dotBytes(0x01010101u, input.high[j], high);
      if constexpr (A::kTwoDigits)
        low = dotBytes(0x01010101u, input.low[j], low);
    }
    int sum = A::kTwoDigits ? high * 256 + low : high;
    term = fmaf(weight.second * input.scale, static_cast<float>(sum), term);
  }
  return term;
}

/// The dot product of a block with 32 f32 numbers at a multiple of 16 bytes, added to `sum`.
template <class W>
__device__ __forceinline__ float addFloats(const UnpackedBlock &weight, const Byte *numbers, float sum) {
#pragma unroll
  for (unsigned j = 0; j < 8; ++j) {
    float4 x = reinterpret_cast<const float4 *>(numbers)[j];
    sum = fmaf(W::dequantised(weight, 4 * j), x.x, sum);
    sum = fmaf(W::dequantised(weight, 4 * j + 1), x.y, sum);
    sum = fmaf(W::dequantised(weight, 4 * j + 2), x.z, sum);
    sum = fmaf(W::dequantised(weight, 4 * j + 3), x.w, sum);
  }
  return sum;
}

/// How a warp works on rows of K numbers of weight W.
template <class W, unsigned K> struct RowShape {
  /// Numbers per lane and step: a block, or what one load of at most 16 bytes brings.
  static constexpr unsigned kChunk = alignmentOf(K, W::kWidest);
  static constexpr unsigned kChunks = K / kChunk;
  static constexpr unsigned kLanes = lanesFor(kChunks);
  /// Rows that the warp works on side by side.
  static constexpr unsigned kGroups = kWarp / kLanes;
};

/// sums[r][c] += row rows[r] of the matrix [N, K] times numbers [first, first + K) of the activation row columns[c],
/// which has ROWK numbers: this lane's part, of LANES that share a row. `first` is a multiple of 32 for quantised
/// activations.
template <class W, class A, unsigned N, unsigned K, unsigned ROWK, unsigned LANES = RowShape<W, K>::kLanes, unsigned R,
          unsigned C>
__device__ __forceinline__ void addRowDots(const Byte *matrix, const unsigned (&rows)[R],
                                           const Byte *const (&columns)[C], unsigned first, float (&sums)[R][C]) {
  using Shape = RowShape<W, K>;
  constexpr unsigned kSteps = ceilDivide(Shape::kChunks, LANES);
  unsigned lane = laneIndex() % LANES;
  if constexpr (W::kBlocked) {
    // Several steps' loads are under way at once where there are few rows to fill the memory system with.
    constexpr unsigned kAhead = R * C == 1 && kSteps >= 4 ? 4 : R * C <= 4 && kSteps >= 2 ? 2 : 1;
#pragma unroll 1
    for (unsigned step = 0; step < kSteps; step += kAhead) {
      PackedBlock packed[kAhead][R];
#pragma unroll
      for (unsigned ahead = 0; ahead < kAhead; ++ahead) {
        unsigned block = (step + ahead) * LANES + lane;
        if (block < Shape::kChunks) {
#pragma unroll
          for (unsigned r = 0; r < R; ++r)
            W::template load<N, K>(matrix, rows[r], block, packed[ahead][r]);
        }
      }
#pragma unroll
      for (unsigned ahead = 0; ahead < kAhead; ++ahead) {
        unsigned block = (step + ahead) * LANES + lane;
        if (block >= Shape::kChunks)
          break;
        UnpackedBlock weights[R];
#pragma unroll
        for (unsigned r = 0; r < R; ++r)
          W::unpack(packed[ahead][r], weights[r]);
#pragma unroll
        for (unsigned c = 0; c < C; ++c) {
          if constexpr (A::kQuantised) {
            DigitBlock digits;
            A::template load<ROWK>(columns[c], first / kBlock + block, digits);
#pragma unroll
            for (unsigned r = 0; r < R; ++r)
              sums[r][c] += blockTerm<W, A>(weights[r], digits);
          } else {
            const Byte *numbers = columns[c] + (first + block * kBlock) * 4;
#pragma unroll
            for (unsigned r = 0; r < R; ++r)
              sums[r][c] = addFloats<W>(weights[r], numbers, sums[r][c]);
          }
        }
      }
    }
  } else {
    static_assert(!A::kQuantised, "weights that are not block-quantised take f32 rows");
    constexpr unsigned kChunk = Shape::kChunk, kWords = kChunk * W::kBytes / 4;
#pragma unroll(C >= 4 ? 1 : 2)
    for (unsigned chunk = lane; chunk < Shape::kChunks; chunk += LANES) {
      unsigned words[R][kWords == 0 ? 1 : kWords];
#pragma unroll
      for (unsigned r = 0; r < R; ++r) {
        const Byte *from = matrix + (static_cast<unsigned long long>(rows[r]) * K + chunk * kChunk) * W::kBytes;
        if constexpr (kWords == 0) // one number of two bytes
          words[r][0] = *reinterpret_cast<const Half *>(from);
        else
          loadWords<kWords, kWords * 4>(from, words[r]);
      }
#pragma unroll
      for (unsigned c = 0; c < C; ++c) {
        unsigned numbers[kChunk];
        loadWords<kChunk, smaller(kChunk * 4, alignmentOf(ROWK * 4ull))>(columns[c] + (first + chunk * kChunk) * 4,
                                                                         numbers);
#pragma unroll
        for (unsigned r = 0; r < R; ++r)
#pragma unroll
          for (unsigned i = 0; i < kChunk; ++i)
            sums[r][c] = fmaf(W::number(words[r], i), __uint_as_float(numbers[i]), sums[r][c]);
      }
    }
  }
}

/// The whole sums, in every lane of a group.
template <unsigned LANES, unsigned R, unsigned C> __device__ __forceinline__ void reduceSums(float (&sums)[R][C]) {
#pragma unroll
  for (unsigned r = 0; r < R; ++r)
#pragma unroll
    for (unsigned c = 0; c < C; ++c)
      sums[r][c] = sumLanes<LANES>(sums[r][c]);
}

template <unsigned R, unsigned C> __device__ __forceinline__ void clearSums(float (&sums)[R][C]) {
#pragma unroll
  for (unsigned r = 0; r < R; ++r)
#pragma unroll
    for (unsigned c = 0; c < C; ++c)
      sums[r][c] = 0.0f;
}

} // namespace strata
