// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Absorbed attention over a paged cache of f16, on tensor cores: up to 16 heads of one row share each tile of 32 cached
// rows in shared memory. Queries and probabilities are PARTS f16 each, of which the second holds what the first rounds
// away; sums are f32. Queries are scaled per head by a power of two into the range of f16. Tiles begin at position 0
// (or the split's first), whatever else runs, so that a row's bits depend on its own position alone.
//
// needs: Attention.cuh Tile.cuh

namespace strata {

constexpr unsigned kTensorThreads = 256;
constexpr unsigned kTensorPairs = kTensorThreads / 8; ///< Quad pairs: each makes an 8 × 8 product at a time.
constexpr unsigned kTensorPositions = 32;             ///< Cached rows per tile, a lane for each.
/// Probabilities are at most 1: scaled, those of f16's subnormal numbers have a weight that does not matter.
constexpr float kProbabilityScale = 1024.0f;

/// How a CTA's shared memory is laid out: queries, cached rows, partial scores, probabilities, corrections, factors.
template <class KV, unsigned HEADS, unsigned PARTS> struct TensorShape {
  static constexpr unsigned kHeads = HEADS <= 8 ? 8 : 16; ///< Of a CTA.
  static constexpr unsigned kHeadTiles = kHeads / 8;
  static constexpr unsigned kGroups = ceilDivide(HEADS, kHeads); ///< CTAs that all heads need.
  /// Units of 8 f16 in a row; rows an odd number of them apart: eight lanes that read eight rows touch all banks once.
  static constexpr unsigned kUnits = ceilDivide(KV::kWidth, 8);
  static constexpr unsigned kStride = kUnits | 1;
  /// Quad pairs that share the units of a tile of scores.
  static constexpr unsigned kScoreTiles = kHeadTiles * (kTensorPositions / 8);
  static constexpr unsigned kSlices = kTensorPairs / kScoreTiles;
  static constexpr unsigned kScoreStride = kTensorPositions + 1;
  static constexpr unsigned kProbabilityStride = kTensorPositions / 8 + 1; ///< Units.
  /// Tiles of 8 latent numbers, and how many of them a quad pair sums.
  static constexpr unsigned kLatentTiles = ceilDivide(KV::kLatent, 8);
  static constexpr unsigned kOwnTiles = ceilDivide(kLatentTiles, kTensorPairs);

  static constexpr unsigned kQueries = 0;
  static constexpr unsigned kRows = kQueries + PARTS * kHeads * kStride * 16;
  static constexpr unsigned kScores = kRows + kTensorPositions * kStride * 16;
  static constexpr unsigned kProbabilities = kScores + ceilDivide(kSlices * kHeads * kScoreStride, 4) * 16;
  static constexpr unsigned kCorrections = kProbabilities + PARTS * kHeads * kProbabilityStride * 16;
  static constexpr unsigned kFactors = kCorrections + kHeads * 4;
  static constexpr unsigned kSharedBytes = kFactors + kHeads * 4;
  static_assert(KV::Encoding::kBytes == 2, "tensor cores take f16");
};

/// What a warp knows of its heads (warp, warp + 8, …), the same in all lanes, and the weighted sums of a lane.
template <class KV, unsigned HEADS, unsigned PARTS> struct TensorState {
  using Shape = TensorShape<KV, HEADS, PARTS>;
  float largest[Shape::kHeadTiles];
  float total[Shape::kHeadTiles];
  float sums[Shape::kOwnTiles][Shape::kHeadTiles][8];
};

/// Where a lane stands: its quad pair of the CTA, and the row of 8 that it brings to an mma.
struct TensorPlace {
  unsigned pair, own;
  __device__ __forceinline__ TensorPlace() {
    unsigned lane = laneIndex();
    pair = warpIndex() * 4 + lane % 16 / 4;
    own = lane % 4 + lane / 16 * 4;
  }
};

/// sums = a · b (+ sums), with b's four rows of eight numbers as they lie in memory.
__device__ __forceinline__ void multiplyRows(unsigned a0, unsigned a1, unsigned b0, unsigned b1, float (&sums)[8]) {
  asm("mma.sync.aligned.m8n8k4.row.row.f32.f16.f16.f32 {%0, %1, %2, %3, %4, %5, %6, %7}, {%8, %9}, {%10, %11}, "
      "{%0, %1, %2, %3, %4, %5, %6, %7};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3]), "+f"(sums[4]), "+f"(sums[5]), "+f"(sums[6]),
        "+f"(sums[7])
      : "r"(a0), "r"(a1), "r"(b0), "r"(b1));
}

/// The parts of a number: each is what those before it leave, rounded to f16.
template <unsigned PARTS> __device__ __forceinline__ void splitNumber(float number, Half (&parts)[PARTS]) {
#pragma unroll
  for (unsigned part = 0; part < PARTS; ++part) {
    parts[part] = floatToHalf(number);
    number -= halfToFloat(parts[part]);
  }
}

/// The power of two that brings `largest` to between 2^14 and 2^15; 1 for 0 and for what is not finite.
__device__ __forceinline__ float factorFor(float largest) {
  int exponent = static_cast<int>(__float_as_uint(largest) >> 23 & 0xFF);
  if (exponent == 0 || exponent == 0xFF)
    return 1.0f;
  int power = 14 + 127 - exponent;
  return powerOfTwo(power > 127 ? 127 : power < -113 ? -113 : power);
}

/// The heads' queries, a warp for each, absorbed part first; heads past the last repeat it.
template <class KV, unsigned HEADS, unsigned PARTS>
__device__ __forceinline__ void loadTensorQueries(const float *absorbed, const float *rotated, unsigned firstHead,
                                                  Byte *shared) {
  using Shape = TensorShape<KV, HEADS, PARTS>;
#pragma unroll 1
  for (unsigned index = warpIndex(); index < Shape::kHeads; index += kTensorThreads / kWarp) {
    unsigned head = firstHead + index < HEADS ? firstHead + index : HEADS - 1;
    unsigned long long row = static_cast<unsigned long long>(blockIdx.y) * HEADS + head;
    auto number = [&](unsigned column) {
      return column < KV::kLatent  ? absorbed[row * KV::kLatent + column]
             : column < KV::kWidth ? rotated[row * KV::kRope + column - KV::kLatent]
                                   : 0.0f;
    };
    unsigned largest = 0; // The bits of numbers that are not negative are in the numbers' order.
    for (unsigned column = laneIndex(); column < KV::kWidth; column += kWarp) {
      unsigned bits = __float_as_uint(number(column)) & 0x7FFFFFFFu;
      largest = bits > largest ? bits : largest;
    }
    float factor = factorFor(__uint_as_float(largestInWarp(largest)));
    auto *to = reinterpret_cast<Half *>(shared + Shape::kQueries) + index * Shape::kStride * 8;
    for (unsigned column = laneIndex(); column < Shape::kUnits * 8; column += kWarp) {
      Half parts[PARTS];
      splitNumber<PARTS>(number(column) * factor, parts);
#pragma unroll
      for (unsigned part = 0; part < PARTS; ++part)
        to[part * Shape::kHeads * Shape::kStride * 8 + column] = parts[part];
    }
    if (laneIndex() == 0)
      reinterpret_cast<float *>(shared + Shape::kFactors)[index] = 1.0f / factor;
  }
}

/// Copies the cached rows of positions [first, first + 32), those from `end` on and the padding as zeros.
template <class KV, unsigned HEADS, unsigned PARTS>
__device__ __forceinline__ void loadTensorRows(const Byte *layer, const int *blockTable, unsigned sequence,
                                               unsigned first, unsigned end, Byte *shared) {
  using Shape = TensorShape<KV, HEADS, PARTS>;
  constexpr unsigned kUnit = alignmentOf(KV::kRowBytes), kCount = Shape::kUnits * 16 / kUnit;
  static_assert(kUnit >= 4, "latent and rope are even");
  for (unsigned i = threadIdx.x; i < kTensorPositions * kCount; i += kTensorThreads) {
    unsigned position = first + i / kCount, unit = i % kCount;
    Byte *to = shared + Shape::kRows + i / kCount * Shape::kStride * 16 + unit * kUnit;
    unsigned words[kUnit / 4];
#pragma unroll
    for (unsigned j = 0; j < kUnit / 4; ++j)
      words[j] = 0;
    if (position < end && unit * kUnit < KV::kRowBytes)
      loadWords<kUnit / 4, kUnit>(KV::row(layer, blockTable, sequence, position) + unit * kUnit, words);
#pragma unroll
    for (unsigned j = 0; j < kUnit / 4; ++j)
      reinterpret_cast<unsigned *>(to)[j] = words[j];
  }
}

/// Partial scores: a quad pair takes every kSlices-th unit of one tile of 8 heads by 8 positions.
template <class KV, unsigned HEADS, unsigned PARTS>
__device__ __forceinline__ void scoreTensorTile(const TensorPlace &place, Byte *shared) {
  using Shape = TensorShape<KV, HEADS, PARTS>;
  unsigned tile = place.pair % Shape::kScoreTiles, slice = place.pair / Shape::kScoreTiles;
  unsigned firstHead = tile / (kTensorPositions / 8) * 8, firstPosition = tile % (kTensorPositions / 8) * 8;
  const auto *queries =
      reinterpret_cast<const uint4 *>(shared + Shape::kQueries) + (firstHead + place.own) * Shape::kStride;
  const auto *rows =
      reinterpret_cast<const uint4 *>(shared + Shape::kRows) + (firstPosition + place.own) * Shape::kStride;
  float sums[8];
#pragma unroll
  for (unsigned e = 0; e < 8; ++e)
    sums[e] = 0.0f;
#pragma unroll 2
  for (unsigned step = 0; step < ceilDivide(Shape::kUnits, Shape::kSlices); ++step) {
    unsigned unit = step * Shape::kSlices + slice;
    bool present = unit < Shape::kUnits;
    uint4 row = present ? rows[unit] : make_uint4(0, 0, 0, 0);
#pragma unroll
    for (unsigned part = 0; part < PARTS; ++part) {
      uint4 query = present ? queries[part * Shape::kHeads * Shape::kStride + unit] : make_uint4(0, 0, 0, 0);
      multiply(query.x, query.y, row.x, row.y, sums);
      multiply(query.z, query.w, row.z, row.w, sums);
    }
  }
  auto *scores = reinterpret_cast<float *>(shared + Shape::kScores);
#pragma unroll
  for (unsigned e = 0; e < 8; ++e)
    scores[(slice * Shape::kHeads + firstHead + TilePlace::columnOf(e)) * Shape::kScoreStride + firstPosition +
           TilePlace::rowOf(e)] = sums[e];
}

/// The tile's probabilities, in a warp for each head with a lane for each position, and what they change for the sums.
template <class KV, unsigned HEADS, unsigned PARTS>
__device__ __forceinline__ void weighTensorTile(unsigned present, float scale, Byte *shared,
                                                TensorState<KV, HEADS, PARTS> &state) {
  using Shape = TensorShape<KV, HEADS, PARTS>;
  const auto *scores = reinterpret_cast<const float *>(shared + Shape::kScores);
  auto *probabilities = reinterpret_cast<Half *>(shared + Shape::kProbabilities);
#pragma unroll
  for (unsigned own = 0; own < Shape::kHeadTiles; ++own) {
    unsigned head = own * 8 + warpIndex(), position = laneIndex();
    float score = 0.0f;
#pragma unroll
    for (unsigned slice = 0; slice < Shape::kSlices; ++slice)
      score += scores[(slice * Shape::kHeads + head) * Shape::kScoreStride + position];
    score = score * reinterpret_cast<const float *>(shared + Shape::kFactors)[head] * scale;
    float largest = position < present ? score : -infinity();
#pragma unroll
    for (unsigned distance = kWarp / 2; distance > 0; distance /= 2)
      largest = fmaxf(largest, __shfl_xor_sync(kAllLanes, largest, distance));
    largest = fmaxf(largest, state.largest[own]);
    float probability = position < present ? exponential(score - largest) : 0.0f;
    float correction = exponential(state.largest[own] - largest);
    Half parts[PARTS];
    splitNumber<PARTS>(probability * kProbabilityScale, parts);
    float kept = 0.0f; // The total is of what the tensor cores see.
#pragma unroll
    for (unsigned part = 0; part < PARTS; ++part) {
      probabilities[(part * Shape::kHeads + head) * Shape::kProbabilityStride * 8 + position] = parts[part];
      kept += halfToFloat(parts[part]);
    }
    state.total[own] = fmaf(state.total[own], correction, sumLanes<kWarp>(kept));
    state.largest[own] = largest;
    if (position == 0)
      reinterpret_cast<float *>(shared + Shape::kCorrections)[head] = correction;
  }
}

/// Adds the tile's rows, weighted, to the sums.
template <class KV, unsigned HEADS, unsigned PARTS>
__device__ __forceinline__ void addTensorTile(const TensorPlace &place, const Byte *shared,
                                              TensorState<KV, HEADS, PARTS> &state) {
  using Shape = TensorShape<KV, HEADS, PARTS>;
  const auto *corrections = reinterpret_cast<const float *>(shared + Shape::kCorrections);
#pragma unroll
  for (unsigned headTile = 0; headTile < Shape::kHeadTiles; ++headTile)
#pragma unroll
    for (unsigned e = 0; e < 8; ++e) {
      float correction = corrections[headTile * 8 + TilePlace::columnOf(e)];
#pragma unroll
      for (unsigned i = 0; i < Shape::kOwnTiles; ++i)
        state.sums[i][headTile][e] *= correction;
    }
  unsigned quarter = laneIndex() % 4, half = laneIndex() / 16;
#pragma unroll 2
  for (unsigned first = 0; first < kTensorPositions; first += 4) {
    uint2 weights[PARTS][Shape::kHeadTiles];
#pragma unroll
    for (unsigned part = 0; part < PARTS; ++part)
#pragma unroll
      for (unsigned headTile = 0; headTile < Shape::kHeadTiles; ++headTile)
        weights[part][headTile] = *reinterpret_cast<const uint2 *>(
            shared + Shape::kProbabilities +
            (part * Shape::kHeads + headTile * 8 + place.own) * Shape::kProbabilityStride * 16 + first * 2);
    const Byte *row = shared + Shape::kRows + (first + quarter) * Shape::kStride * 16 + half * 8;
#pragma unroll
    for (unsigned i = 0; i < Shape::kOwnTiles; ++i) {
      unsigned tile = i * kTensorPairs + place.pair;
      uint2 numbers = tile < Shape::kLatentTiles ? *reinterpret_cast<const uint2 *>(row + tile * 16) : make_uint2(0, 0);
#pragma unroll
      for (unsigned headTile = 0; headTile < Shape::kHeadTiles; ++headTile)
#pragma unroll
        for (unsigned part = 0; part < PARTS; ++part)
          multiplyRows(weights[part][headTile].x, weights[part][headTile].y, numbers.x, numbers.y,
                       state.sums[i][headTile]);
    }
  }
}

/// Attends to positions [begin, end), of which there is at least one. `begin` is a multiple of 32.
template <class KV, unsigned HEADS, unsigned PARTS>
__device__ __forceinline__ void attendTensor(const float *absorbed, const float *rotated, const Byte *layer,
                                             const int *blockTable, unsigned sequence, unsigned firstHead,
                                             unsigned begin, unsigned end, float scale, Byte *shared,
                                             TensorState<KV, HEADS, PARTS> &state) {
  using Shape = TensorShape<KV, HEADS, PARTS>;
  TensorPlace place;
  loadTensorQueries<KV, HEADS, PARTS>(absorbed, rotated, firstHead, shared);
#pragma unroll
  for (unsigned headTile = 0; headTile < Shape::kHeadTiles; ++headTile) {
    state.largest[headTile] = -infinity();
    state.total[headTile] = 0.0f;
#pragma unroll
    for (unsigned i = 0; i < Shape::kOwnTiles; ++i)
#pragma unroll
      for (unsigned e = 0; e < 8; ++e)
        state.sums[i][headTile][e] = 0.0f;
  }
#pragma unroll 1
  for (unsigned first = begin; first < end; first += kTensorPositions) {
    __syncthreads(); // The last tile has been used.
    loadTensorRows<KV, HEADS, PARTS>(layer, blockTable, sequence, first, end, shared);
    __syncthreads();
    scoreTensorTile<KV, HEADS, PARTS>(place, shared);
    __syncthreads();
    weighTensorTile(end - first, scale, shared, state);
    __syncthreads();
    addTensorTile(place, shared, state);
  }
}

/// Calls write(head of the CTA, column, value) for this thread's sums.
template <class KV, unsigned HEADS, unsigned PARTS, class Write>
__device__ __forceinline__ void forEachTensorSum(unsigned firstHead, const TensorState<KV, HEADS, PARTS> &state,
                                                 const Write &write) {
  using Shape = TensorShape<KV, HEADS, PARTS>;
  TensorPlace place;
#pragma unroll
  for (unsigned i = 0; i < Shape::kOwnTiles; ++i)
#pragma unroll
    for (unsigned headTile = 0; headTile < Shape::kHeadTiles; ++headTile)
#pragma unroll
      for (unsigned e = 0; e < 8; ++e) {
        unsigned head = headTile * 8 + TilePlace::columnOf(e);
        unsigned column = (i * kTensorPairs + place.pair) * 8 + TilePlace::rowOf(e);
        if (firstHead + head < HEADS && column < KV::kLatent)
          write(head, column, state.sums[i][headTile][e]);
      }
}

/// As attentionSplits: 256 threads, gridX TensorShape::kGroups · SPLITS, a row per CTA, TensorShape::kSharedBytes of
/// dynamic shared memory. SPLIT is a multiple of 32.
template <class KV, unsigned HEADS, unsigned SPLIT, unsigned SPLITS, unsigned PARTS>
__device__ __forceinline__ void tensorAttentionSplits(const float *absorbed, const float *rotated, const Byte *layer,
                                                      const int *blockTable, const int *positions, const int *sequences,
                                                      float *result, float scale) {
  extern __shared__ __align__(16) Byte shared[];
  using Shape = TensorShape<KV, HEADS, PARTS>;
  constexpr unsigned kPartial = KV::kLatent + 2;
  unsigned split = blockIdx.x % SPLITS, firstHead = blockIdx.x / SPLITS * Shape::kHeads;
  unsigned count = static_cast<unsigned>(positions[blockIdx.y]) + 1, begin = split * SPLIT;
  if (begin >= count)
    return;
  unsigned end = begin + SPLIT < count ? begin + SPLIT : count;
  TensorState<KV, HEADS, PARTS> state;
  attendTensor(absorbed, rotated, layer, blockTable, static_cast<unsigned>(sequences[blockIdx.y]), firstHead, begin,
               end, scale, shared, state);
  float *row = result + static_cast<unsigned long long>(blockIdx.y) * HEADS * SPLITS * kPartial;
  auto partOf = [&](unsigned head) {
    return row + (static_cast<unsigned long long>(firstHead + head) * SPLITS + split) * kPartial;
  };
#pragma unroll
  for (unsigned own = 0; own < Shape::kHeadTiles; ++own) {
    unsigned head = own * 8 + warpIndex();
    if (laneIndex() == 0 && firstHead + head < HEADS) {
      partOf(head)[0] = state.largest[own];
      partOf(head)[1] = state.total[own] * (1.0f / kProbabilityScale);
    }
  }
  forEachTensorSum(firstHead, state, [&](unsigned head, unsigned column, float sum) {
    partOf(head)[2 + column] = sum * (1.0f / kProbabilityScale);
  });
}

/// As attention: all positions at once.
template <class KV, unsigned HEADS, unsigned PARTS>
__device__ __forceinline__ void tensorAttention(const float *absorbed, const float *rotated, const Byte *layer,
                                                const int *blockTable, const int *positions, const int *sequences,
                                                float *result, float scale) {
  extern __shared__ __align__(16) Byte shared[];
  using Shape = TensorShape<KV, HEADS, PARTS>;
  unsigned firstHead = blockIdx.x * Shape::kHeads, count = static_cast<unsigned>(positions[blockIdx.y]) + 1;
  TensorState<KV, HEADS, PARTS> state;
  attendTensor(absorbed, rotated, layer, blockTable, static_cast<unsigned>(sequences[blockIdx.y]), firstHead, 0, count,
               scale, shared, state);
  // The totals take the corrections' place.
  auto *totals = reinterpret_cast<float *>(shared + Shape::kCorrections);
  __syncthreads();
#pragma unroll
  for (unsigned own = 0; own < Shape::kHeadTiles; ++own)
    if (laneIndex() == 0)
      totals[own * 8 + warpIndex()] = state.total[own];
  __syncthreads();
  float *row = result + static_cast<unsigned long long>(blockIdx.y) * HEADS * KV::kLatent;
  forEachTensorSum(firstHead, state, [&](unsigned head, unsigned column, float sum) {
    row[static_cast<unsigned long long>(firstHead + head) * KV::kLatent + column] = sum / totals[head];
  });
}

} // namespace strata
