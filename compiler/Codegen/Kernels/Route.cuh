// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// route: which experts a token uses and how much each counts. A warp per row.
//
// needs:

namespace strata {

/// A number to choose by: one that is not a number comes before all others, so that it shows in the result.
__device__ __forceinline__ float comparable(float score) {
  return score == score ? score : infinity();
}

/// The shape of a router as a type. Expert 32 i + l is lane l's number i.
template <unsigned EXPERTS, unsigned GROUPS, unsigned GROUPS_USED, unsigned USED> struct Router {
  static constexpr unsigned kExperts = EXPERTS, kGroups = GROUPS, kGroupsUsed = GROUPS_USED, kUsed = USED;
  static constexpr unsigned kPerLane = ceilDivide(EXPERTS, kWarp);
  static_assert(kPerLane <= 32, "at most 1024 experts: a lane marks the chosen of its own in one word");
};

template <class R, bool SIGMOID>
__device__ __forceinline__ void routerScores(const float *logits, float (&scores)[R::kPerLane]) {
  unsigned lane = laneIndex();
  float largest = -infinity(), sum = 0.0f;
#pragma unroll
  for (unsigned i = 0; i < R::kPerLane; ++i) {
    unsigned expert = i * kWarp + lane;
    scores[i] = expert < R::kExperts ? logits[expert] : -infinity();
    largest = fmaxf(largest, scores[i]);
  }
  if constexpr (SIGMOID) {
#pragma unroll
    for (unsigned i = 0; i < R::kPerLane; ++i)
      scores[i] = sigmoid(scores[i]);
    return;
  }
#pragma unroll
  for (unsigned distance = kWarp / 2; distance > 0; distance /= 2)
    largest = fmaxf(largest, __shfl_xor_sync(kAllLanes, largest, distance));
#pragma unroll
  for (unsigned i = 0; i < R::kPerLane; ++i) {
    scores[i] = i * kWarp + lane < R::kExperts ? exponential(scores[i] - largest) : 0.0f;
    sum += scores[i];
  }
  sum = sumLanes<kWarp>(sum);
#pragma unroll
  for (unsigned i = 0; i < R::kPerLane; ++i)
    scores[i] /= sum;
}

/// Sets the choice scores of all experts outside the best groups to -infinity. `choice` and `groups` are the warp's
/// own.
template <class R> __device__ __forceinline__ void maskGroups(float *choice, float *groups) {
  constexpr unsigned kSize = R::kExperts / R::kGroups;
  unsigned lane = laneIndex();
  for (unsigned group = lane; group < R::kGroups; group += kWarp) {
    float first = choice[group * kSize], second = -infinity();
    for (unsigned i = 1; i < kSize; ++i) {
      float number = choice[group * kSize + i];
      second = fmaxf(second, fminf(first, number));
      first = fmaxf(first, number);
    }
    groups[group] = kSize == 1 ? first : comparable(first + second);
  }
  __syncwarp();
  for (unsigned group = lane; group < R::kGroups; group += kWarp) {
    unsigned better = 0;
    for (unsigned other = 0; other < R::kGroups; ++other)
      better += groups[other] > groups[group] || (groups[other] == groups[group] && other < group);
    if (better >= R::kGroupsUsed)
      for (unsigned i = 0; i < kSize; ++i)
        choice[group * kSize + i] = -infinity();
  }
  __syncwarp();
}

/// The lane's chosen experts as bits: USED rounds of the largest choice score, the lower index first among equals.
template <class R> __device__ __forceinline__ unsigned takeBest(const float (&choice)[R::kPerLane]) {
  constexpr unsigned kNone = 0xFFFFFFFFu;
  unsigned lane = laneIndex(), taken = 0;
#pragma unroll 1
  for (unsigned round = 0; round < R::kUsed; ++round) {
    float best = -infinity();
    unsigned index = kNone;
#pragma unroll
    for (unsigned i = 0; i < R::kPerLane; ++i) {
      unsigned expert = i * kWarp + lane;
      if (expert < R::kExperts && !(taken >> i & 1) && (index == kNone || choice[i] > best)) {
        best = choice[i];
        index = expert;
      }
    }
#pragma unroll
    for (unsigned distance = kWarp / 2; distance > 0; distance /= 2) {
      float otherBest = __shfl_xor_sync(kAllLanes, best, distance);
      unsigned other = __shfl_xor_sync(kAllLanes, index, distance);
      if (other != kNone && (index == kNone || otherBest > best || (otherBest == best && other < index))) {
        best = otherBest;
        index = other;
      }
    }
    if (index % kWarp == lane)
      taken |= 1u << index / kWarp;
  }
  return taken;
}

/// 128 threads, gridX 1, 4 rows per CTA. `bias` is null if there is none.
template <class R, bool SIGMOID, bool NORMALISE>
__device__ __forceinline__ void route(const float *logits, const float *bias, int *ids, float *weights, unsigned rows,
                                      float scale) {
  __shared__ float choices[4][R::kExperts];
  __shared__ float groups[4][R::kGroups];
  __shared__ float chosen[4][R::kUsed];
  unsigned row = blockIdx.y * 4 + warpIndex(), lane = laneIndex();
  if (row >= rows)
    return;
  float scores[R::kPerLane], choice[R::kPerLane];
  routerScores<R, SIGMOID>(logits + static_cast<unsigned long long>(row) * R::kExperts, scores);
#pragma unroll
  for (unsigned i = 0; i < R::kPerLane; ++i) {
    unsigned expert = i * kWarp + lane;
    choice[i] = expert < R::kExperts ? comparable(bias ? scores[i] + bias[expert] : scores[i]) : -infinity();
    if (R::kGroups > 1 && expert < R::kExperts)
      choices[warpIndex()][expert] = choice[i];
  }
  if constexpr (R::kGroups > 1) {
    __syncwarp();
    maskGroups<R>(choices[warpIndex()], groups[warpIndex()]);
#pragma unroll
    for (unsigned i = 0; i < R::kPerLane; ++i)
      if (i * kWarp + lane < R::kExperts)
        choice[i] = choices[warpIndex()][i * kWarp + lane];
  }
  unsigned taken = takeBest<R>(choice), before = 0;
#pragma unroll
  for (unsigned i = 0; i < R::kPerLane; ++i) {
    unsigned votes = __ballot_sync(kAllLanes, taken >> i & 1);
    unsigned slot = before + __popc(votes & ((1u << lane) - 1));
    if (taken >> i & 1) {
      ids[static_cast<unsigned long long>(row) * R::kUsed + slot] = static_cast<int>(i * kWarp + lane);
      chosen[warpIndex()][slot] = scores[i];
    }
    before += __popc(votes);
  }
  __syncwarp();
  float sum = 0.0f;
  for (unsigned slot = 0; slot < R::kUsed; ++slot)
    sum += chosen[warpIndex()][slot];
  float divisor = NORMALISE ? sum + 1e-20f : 1.0f;
  for (unsigned slot = lane; slot < R::kUsed; slot += kWarp)
    weights[static_cast<unsigned long long>(row) * R::kUsed + slot] = chosen[warpIndex()][slot] / divisor * scale;
}

} // namespace strata
