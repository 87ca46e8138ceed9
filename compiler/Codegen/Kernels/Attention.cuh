// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Absorbed attention over the paged cache, on CUDA cores: 8 heads of one row share each tile of 16 cached rows in
// shared memory. Tiles begin at position 0 (or the split's first), whatever else runs, so that a row's bits depend on
// its own position alone.
//
// needs: Kv.cuh

namespace strata {

constexpr unsigned kAttentionHeads = 8;      ///< Heads per CTA.
constexpr unsigned kAttentionPositions = 16; ///< Cached rows per tile: heads times positions is the number of threads.

/// How a CTA's shared memory is laid out: queries, probabilities, corrections, cached rows.
template <class KV> struct AttentionShape {
  /// Numbers in 16 bytes of a cached row, and in a row padded to a multiple of it.
  static constexpr unsigned kVector = 16 / KV::Encoding::kBytes;
  static constexpr unsigned kVectors = ceilDivide(KV::kWidth, kVector);
  static constexpr unsigned kPadded = kVectors * kVector;
  /// An odd number of 16-byte units: eight lanes that read eight rows then touch all banks once.
  static constexpr unsigned kStride = (kPadded * KV::Encoding::kBytes / 16 | 1) * 16;
  static constexpr unsigned kQueries = 0;
  static constexpr unsigned kProbabilities = kQueries + kAttentionHeads * kPadded * 4;
  static constexpr unsigned kCorrections = kProbabilities + kAttentionHeads * kAttentionPositions * 4;
  static constexpr unsigned kRows = kCorrections + kAttentionHeads * 4;
  static constexpr unsigned kSharedBytes = kRows + kAttentionPositions * kStride;
  /// Pairs of latent numbers that a thread sums.
  static constexpr unsigned kPairs = ceilDivide(KV::kLatent / 2, 128);
  static_assert(KV::kLatent % 2 == 0 && KV::kRope % 2 == 0, "latent and rope are even");
};

/// What a thread has of its CTA's heads: the score's state for one head, the weighted sums of its columns for all.
template <class KV> struct AttentionState {
  float largest;
  float total;
  float sums[kAttentionHeads][AttentionShape<KV>::kPairs][2];
};

/// Which score a thread keeps: a warp has two heads, whose 16 positions are lanes that differ in bits 0, 1, 3 and 4.
struct AttentionPlace {
  unsigned head, position;
  __device__ __forceinline__ AttentionPlace() {
    head = warpIndex() * 2 + laneIndex() / 4 % 2;
    position = laneIndex() / 8 * 4 + laneIndex() % 4;
  }
};

/// The largest, or the sum, over the 16 lanes of a head.
__device__ __forceinline__ float largestOfHead(float value) {
#pragma unroll
  for (unsigned distance = 1; distance < kWarp; distance *= 2)
    if (distance != 4)
      value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, distance));
  return value;
}
__device__ __forceinline__ float sumOfHead(float value) {
#pragma unroll
  for (unsigned distance = 1; distance < kWarp; distance *= 2)
    if (distance != 4)
      value += __shfl_xor_sync(kAllLanes, value, distance);
  return value;
}

/// Copies the queries of 8 heads, absorbed part first; heads past the last repeat it. Numbers that meet one 16-byte
/// vector of a cached row are stored as planes of four, so that neighbouring lanes read neighbouring 16 bytes.
template <class KV, unsigned HEADS>
__device__ __forceinline__ void loadQueries(const float *absorbed, const float *rotated, unsigned firstHead,
                                            Byte *shared) {
  using Shape = AttentionShape<KV>;
  auto *queries = reinterpret_cast<float *>(shared + Shape::kQueries);
  for (unsigned i = threadIdx.x; i < kAttentionHeads * Shape::kPadded; i += 128) {
    unsigned head = firstHead + i / Shape::kPadded, column = i % Shape::kPadded;
    unsigned long long row = static_cast<unsigned long long>(blockIdx.y) * HEADS + (head < HEADS ? head : HEADS - 1);
    unsigned vector = column / Shape::kVector, plane = column % Shape::kVector / 4;
    queries[i - column + (plane * Shape::kVectors + vector) * 4 + column % 4] =
        column < KV::kLatent  ? absorbed[row * KV::kLatent + column]
        : column < KV::kWidth ? rotated[row * KV::kRope + column - KV::kLatent]
                              : 0.0f;
  }
}

/// Copies the cached rows of positions [first, first + 16), those from `end` on and the padding as zeros.
template <class KV>
__device__ __forceinline__ void loadCachedRows(const Byte *layer, const int *blockTable, unsigned sequence,
                                               unsigned first, unsigned end, Byte *shared) {
  using Shape = AttentionShape<KV>;
  // The widest unit that both a row and its padded form consist of, at least a number.
  constexpr unsigned kUnit = alignmentOf(KV::kRowBytes), kUnits = Shape::kPadded * KV::Encoding::kBytes / kUnit;
  for (unsigned i = threadIdx.x; i < kAttentionPositions * kUnits; i += 128) {
    unsigned position = first + i / kUnits, unit = i % kUnits;
    Byte *to = shared + Shape::kRows + i / kUnits * Shape::kStride + unit * kUnit;
    bool present = position < end && unit * kUnit < KV::kRowBytes;
    const Byte *from = present ? KV::row(layer, blockTable, sequence, position) + unit * kUnit : nullptr;
    if constexpr (kUnit == 2) {
      *reinterpret_cast<Half *>(to) = present ? *reinterpret_cast<const Half *>(from) : Half(0);
    } else {
      unsigned words[kUnit / 4];
#pragma unroll
      for (unsigned j = 0; j < kUnit / 4; ++j)
        words[j] = 0;
      if (present)
        loadWords<kUnit / 4, kUnit>(from, words);
#pragma unroll
      for (unsigned j = 0; j < kUnit / 4; ++j)
        reinterpret_cast<unsigned *>(to)[j] = words[j];
    }
  }
}

/// This thread's score. Eight neighbouring lanes share two heads and four positions: each takes every eighth vector of
/// all eight products, so that a vector that was read is used twice and a query four times; then each gets one of the
/// sums.
template <class KV> __device__ __forceinline__ float tileScore(const Byte *shared, float scale) {
  using Shape = AttentionShape<KV>;
  unsigned slice = laneIndex() % 8;
  const float *queries = reinterpret_cast<const float *>(shared + Shape::kQueries) + warpIndex() * 2 * Shape::kPadded;
  const Byte *rows = shared + Shape::kRows + laneIndex() / 8 * 4 * Shape::kStride;
  float sums[8];
#pragma unroll
  for (unsigned i = 0; i < 8; ++i)
    sums[i] = 0.0f;
#pragma unroll 1
  for (unsigned vector = slice; vector < Shape::kVectors; vector += 8) {
    float query[2][Shape::kVector];
#pragma unroll
    for (unsigned head = 0; head < 2; ++head)
#pragma unroll
      for (unsigned plane = 0; plane < Shape::kVector / 4; ++plane) {
        unsigned at = head * Shape::kPadded + (plane * Shape::kVectors + vector) * 4;
        float4 numbers = *reinterpret_cast<const float4 *>(queries + at);
        query[head][4 * plane] = numbers.x;
        query[head][4 * plane + 1] = numbers.y;
        query[head][4 * plane + 2] = numbers.z;
        query[head][4 * plane + 3] = numbers.w;
      }
#pragma unroll
    for (unsigned position = 0; position < 4; ++position) {
      unsigned words[4];
      loadWords<4, 16>(rows + position * Shape::kStride + vector * 16, words);
#pragma unroll
      for (unsigned i = 0; i < Shape::kVector; ++i) {
        float number = KV::Encoding::number(words, i);
        sums[position] = fmaf(query[0][i], number, sums[position]);
        sums[4 + position] = fmaf(query[1][i], number, sums[4 + position]);
      }
    }
  }
  // In each round a lane keeps half of its sums and gives the other half away; lane `slice` ends with sum `slice`.
#pragma unroll
  for (unsigned count = 4; count > 0; count /= 2) {
    bool upper = slice & count;
#pragma unroll
    for (unsigned i = 0; i < count; ++i) {
      float given = upper ? sums[i] : sums[i + count], kept = upper ? sums[i + count] : sums[i];
      sums[i] = kept + __shfl_xor_sync(kAllLanes, given, count);
    }
  }
  return sums[0] * scale;
}

/// Adds the tile's rows, weighted, to all sums.
template <class KV> __device__ __forceinline__ void addTile(const Byte *shared, AttentionState<KV> &state) {
  using Shape = AttentionShape<KV>;
  const float *probabilities = reinterpret_cast<const float *>(shared + Shape::kProbabilities);
  const float *corrections = reinterpret_cast<const float *>(shared + Shape::kCorrections);
#pragma unroll
  for (unsigned head = 0; head < kAttentionHeads; ++head) {
    float correction = corrections[head];
#pragma unroll
    for (unsigned i = 0; i < Shape::kPairs; ++i) {
      state.sums[head][i][0] *= correction;
      state.sums[head][i][1] *= correction;
    }
  }
#pragma unroll 2
  for (unsigned position = 0; position < kAttentionPositions; ++position) {
    const Byte *row = shared + Shape::kRows + position * Shape::kStride;
#pragma unroll
    for (unsigned i = 0; i < Shape::kPairs; ++i) {
      unsigned column = (i * 128 + threadIdx.x) * 2;
      if (column >= KV::kLatent)
        continue;
      unsigned words[KV::Encoding::kBytes / 2];
      loadWords<KV::Encoding::kBytes / 2, KV::Encoding::kBytes * 2>(row + column * KV::Encoding::kBytes, words);
      float x = KV::Encoding::number(words, 0), y = KV::Encoding::number(words, 1);
#pragma unroll
      for (unsigned head = 0; head < kAttentionHeads; ++head) {
        float probability = probabilities[head * kAttentionPositions + position];
        state.sums[head][i][0] = fmaf(probability, x, state.sums[head][i][0]);
        state.sums[head][i][1] = fmaf(probability, y, state.sums[head][i][1]);
      }
    }
  }
}

/// Attends to positions [begin, end), of which there is at least one. `begin` is a multiple of 16.
template <class KV, unsigned HEADS>
__device__ __forceinline__ void attend(const float *absorbed, const float *rotated, const Byte *layer,
                                       const int *blockTable, unsigned sequence, unsigned firstHead, unsigned begin,
                                       unsigned end, float scale, Byte *shared, AttentionState<KV> &state) {
  using Shape = AttentionShape<KV>;
  AttentionPlace place;
  loadQueries<KV, HEADS>(absorbed, rotated, firstHead, shared);
  state.largest = -infinity();
  state.total = 0.0f;
#pragma unroll
  for (unsigned head = 0; head < kAttentionHeads; ++head)
#pragma unroll
    for (unsigned i = 0; i < Shape::kPairs; ++i)
      state.sums[head][i][0] = state.sums[head][i][1] = 0.0f;
  for (unsigned first = begin; first < end; first += kAttentionPositions) {
    __syncthreads(); // The last tile has been used.
    loadCachedRows<KV>(layer, blockTable, sequence, first, end, shared);
    __syncthreads();
    float score = tileScore<KV>(shared, scale);
    bool present = first + place.position < end;
    float largest = fmaxf(largestOfHead(present ? score : -infinity()), state.largest);
    float probability = present ? exponential(score - largest) : 0.0f;
    float correction = exponential(state.largest - largest);
    state.total = fmaf(state.total, correction, sumOfHead(probability));
    state.largest = largest;
    auto *probabilities = reinterpret_cast<float *>(shared + Shape::kProbabilities);
    probabilities[place.head * kAttentionPositions + place.position] = probability;
    if (place.position == 0)
      reinterpret_cast<float *>(shared + Shape::kCorrections)[place.head] = correction;
    __syncthreads();
    addTile(shared, state);
  }
}

/// Calls write(head, column, value) for this thread's sums.
template <class KV, unsigned HEADS, class Write>
__device__ __forceinline__ void forEachSum(unsigned firstHead, const AttentionState<KV> &state, const Write &write) {
#pragma unroll
  for (unsigned head = 0; head < kAttentionHeads; ++head)
#pragma unroll
    for (unsigned i = 0; i < AttentionShape<KV>::kPairs; ++i) {
      unsigned column = (i * 128 + threadIdx.x) * 2;
      if (firstHead + head < HEADS && column < KV::kLatent) {
        write(head, column, state.sums[head][i][0]);
        write(head, column + 1, state.sums[head][i][1]);
      }
    }
}

/// Partial results of the splits that have positions: 128 threads, gridX ceil(HEADS / 8) · SPLITS, a row per CTA,
/// AttentionShape::kSharedBytes of dynamic shared memory. SPLIT is a multiple of 16.
template <class KV, unsigned HEADS, unsigned SPLIT, unsigned SPLITS>
__device__ __forceinline__ void attentionSplits(const float *absorbed, const float *rotated, const Byte *layer,
                                                const int *blockTable, const int *positions, const int *sequences,
                                                float *result, float scale) {
  extern __shared__ __align__(16) Byte shared[];
  constexpr unsigned kPartial = KV::kLatent + 2;
  unsigned split = blockIdx.x % SPLITS, firstHead = blockIdx.x / SPLITS * kAttentionHeads;
  unsigned count = static_cast<unsigned>(positions[blockIdx.y]) + 1, begin = split * SPLIT;
  if (begin >= count)
    return;
  unsigned end = begin + SPLIT < count ? begin + SPLIT : count;
  AttentionState<KV> state;
  attend<KV, HEADS>(absorbed, rotated, layer, blockTable, static_cast<unsigned>(sequences[blockIdx.y]), firstHead,
                    begin, end, scale, shared, state);
  float *row = result + static_cast<unsigned long long>(blockIdx.y) * HEADS * SPLITS * kPartial;
  AttentionPlace place;
  unsigned head = firstHead + place.head;
  if (place.position == 0 && head < HEADS) {
    float *part = row + (static_cast<unsigned long long>(head) * SPLITS + split) * kPartial;
    part[0] = state.largest;
    part[1] = state.total;
  }
  forEachSum<KV, HEADS>(firstHead, state, [&](unsigned index, unsigned column, float sum) {
    row[(static_cast<unsigned long long>(firstHead + index) * SPLITS + split) * kPartial + 2 + column] = sum;
  });
}

/// Joins the splits of a head: 128 threads, gridX HEADS, a row per CTA.
template <unsigned HEADS, unsigned LATENT, unsigned SPLIT, unsigned SPLITS>
__device__ __forceinline__ void attentionCombine(const float *partial, const int *positions, float *result) {
  constexpr unsigned kPartial = LATENT + 2;
  unsigned used = static_cast<unsigned>(positions[blockIdx.y]) / SPLIT + 1;
  unsigned long long row = static_cast<unsigned long long>(blockIdx.y) * HEADS + blockIdx.x;
  const float *parts = partial + row * SPLITS * kPartial;
  float largest = parts[0], total = 0.0f;
  for (unsigned split = 1; split < used; ++split)
    largest = fmaxf(largest, parts[split * kPartial]);
  for (unsigned split = 0; split < used; ++split)
    total = fmaf(parts[split * kPartial + 1], exponential(parts[split * kPartial] - largest), total);
  for (unsigned column = threadIdx.x; column < LATENT; column += 128) {
    float sum = 0.0f;
    for (unsigned split = 0; split < used; ++split)
      sum = fmaf(exponential(parts[split * kPartial] - largest), parts[split * kPartial + 2 + column], sum);
    result[row * LATENT + column] = sum / total;
  }
}

/// All positions at once: 128 threads, gridX ceil(HEADS / 8), a row per CTA, dynamic shared memory as attentionSplits.
template <class KV, unsigned HEADS>
__device__ __forceinline__ void attention(const float *absorbed, const float *rotated, const Byte *layer,
                                          const int *blockTable, const int *positions, const int *sequences,
                                          float *result, float scale) {
  extern __shared__ __align__(16) Byte shared[];
  unsigned firstHead = blockIdx.x * kAttentionHeads, count = static_cast<unsigned>(positions[blockIdx.y]) + 1;
  AttentionState<KV> state;
  attend<KV, HEADS>(absorbed, rotated, layer, blockTable, static_cast<unsigned>(sequences[blockIdx.y]), firstHead, 0,
                    count, scale, shared, state);
  // The totals take the corrections' place.
  auto *totals = reinterpret_cast<float *>(shared + AttentionShape<KV>::kCorrections);
  AttentionPlace place;
  __syncthreads();
  if (place.position == 0)
    totals[place.head] = state.total;
  __syncthreads();
  float *row = result + static_cast<unsigned long long>(blockIdx.y) * HEADS * KV::kLatent;
  forEachSum<KV, HEADS>(firstHead, state, [&](unsigned index, unsigned column, float sum) {
    row[static_cast<unsigned long long>(firstHead + index) * KV::kLatent + column] = sum / totals[index];
  });
}

} // namespace strata
