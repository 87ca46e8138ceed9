// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The experts of a prompt, part one: which tokens go to which expert. Pairs (token, slot) are numbered token · USED +
// slot and sorted by expert, those of one expert in ascending order; the sorted pairs are worked on in segments of
// SEGMENT.
//
// needs:

namespace strata {

/// Writes offsets[X + 1] (where each expert's pairs begin), the sorted pairs, and where each pair went. Expert
/// blockIdx.x: 128 threads, gridX X, one CTA each whatever the rows.
template <unsigned X, unsigned USED>
__device__ __forceinline__ void expertsSort(const int *ids, int *sorted, int *inverse, int *offsets, unsigned rows) {
  __shared__ unsigned counts[4];
  unsigned pairs = rows * USED, expert = blockIdx.x;
  // All pairs of the experts before come first.
  unsigned before = 0;
  for (unsigned pair = threadIdx.x; pair < pairs; pair += 128)
    before += static_cast<unsigned>(ids[pair]) < expert;
#pragma unroll
  for (unsigned distance = kWarp / 2; distance > 0; distance /= 2)
    before += __shfl_xor_sync(kAllLanes, before, distance);
  if (laneIndex() == 0)
    counts[warpIndex()] = before;
  __syncthreads();
  unsigned next = counts[0] + counts[1] + counts[2] + counts[3];
  if (threadIdx.x == 0) {
    offsets[expert] = static_cast<int>(next);
    if (expert == X - 1)
      offsets[X] = static_cast<int>(pairs);
  }
  // Then its own, 128 at a time in their order.
  for (unsigned first = 0; first < pairs; first += 128) {
    unsigned pair = first + threadIdx.x;
    bool mine = pair < pairs && static_cast<unsigned>(ids[pair]) == expert;
    unsigned votes = __ballot_sync(kAllLanes, mine);
    __syncthreads(); // The counts have been read.
    if (laneIndex() == 0)
      counts[warpIndex()] = static_cast<unsigned>(__popc(votes));
    __syncthreads();
    unsigned place = next + static_cast<unsigned>(__popc(votes & ((1u << laneIndex()) - 1)));
#pragma unroll
    for (unsigned warp = 0; warp < 4; ++warp) {
      place += warp < warpIndex() ? counts[warp] : 0;
      next += counts[warp];
    }
    if (mine) {
      sorted[place] = static_cast<int>(pair);
      inverse[pair] = static_cast<int>(place);
    }
  }
}

/// The pairs of one segment: positions [begin, end) of the sorted ones.
struct Segment {
  unsigned begin, end;
};
template <unsigned SEGMENT> __device__ __forceinline__ Segment segmentOf(unsigned count, unsigned segment) {
  unsigned begin = segment * SEGMENT;
  return {begin, begin + SEGMENT < count ? begin + SEGMENT : count};
}

/// At most TILE pairs of one expert, from position `first` on.
struct PairTile {
  unsigned expert, first, count;
};

/// Tile number `tile` of the segment, its experts in ascending order; a count of 0 if there are not as many. All lanes
/// of the warp must take part.
template <unsigned X, unsigned TILE>
__device__ __forceinline__ PairTile findTile(const int *offsets, Segment segment, unsigned tile) {
  unsigned lane = laneIndex(), before = 0;
#pragma unroll 1
  for (unsigned base = 0; base < X; base += kWarp) {
    unsigned expert = base + lane, first = 0, last = 0;
    if (expert < X) {
      first = static_cast<unsigned>(offsets[expert]);
      last = static_cast<unsigned>(offsets[expert + 1]);
      first = first > segment.begin ? first : segment.begin;
      last = last < segment.end ? last : segment.end;
    }
    unsigned tiles = first < last ? (last - first + TILE - 1) / TILE : 0, through = tiles;
#pragma unroll
    for (unsigned distance = 1; distance < kWarp; distance *= 2) {
      unsigned lower = __shfl_up_sync(kAllLanes, through, distance);
      through += lane >= distance ? lower : 0;
    }
    unsigned votes = __ballot_sync(kAllLanes, before + through > tile);
    if (votes != 0) {
      unsigned source = static_cast<unsigned>(__ffs(static_cast<int>(votes))) - 1;
      unsigned skipped = tile - (before + through - tiles);
      skipped = __shfl_sync(kAllLanes, skipped, source);
      first = __shfl_sync(kAllLanes, first, source) + skipped * TILE;
      last = __shfl_sync(kAllLanes, last, source);
      return {base + source, first, last - first < TILE ? last - first : TILE};
    }
    before += __shfl_sync(kAllLanes, through, kWarp - 1);
  }
  return {0, 0, 0};
}

} // namespace strata
