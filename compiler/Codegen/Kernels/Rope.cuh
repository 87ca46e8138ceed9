// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Rotation by position: query_rope, and kv_append, which normalises, rotates and stores a row of the cache.
// `frequencies` are constants of the generated entry point, one for each pair.
//
// needs: Kv.cuh Rows.cuh

namespace strata {

/// Pair (x, y) turned by position · frequency, times magnitude.
__device__ __forceinline__ float2 rotatePair(float x, float y, int position, float frequency, float magnitude) {
  float cosine, sine;
  cosineAndSine(static_cast<float>(position) * frequency, cosine, sine);
  cosine *= magnitude;
  sine *= magnitude;
  return make_float2(x * cosine - y * sine, x * sine + y * cosine);
}

/// Splits each head's query into NOPE and ROPE numbers and rotates the latter: 128 threads, gridX
/// ceil(HEADS (NOPE + ROPE / 2) / 128), a row per CTA.
template <unsigned HEADS, unsigned NOPE, unsigned ROPE>
__device__ __forceinline__ void queryRope(const float *input, const int *positions, float *nope, float *rope,
                                          const float *frequencies, float magnitude) {
  constexpr unsigned kItems = NOPE + ROPE / 2;
  unsigned item = blockIdx.x * 128 + threadIdx.x, head = item / kItems, index = item % kItems;
  if (head >= HEADS)
    return;
  unsigned long long row = static_cast<unsigned long long>(blockIdx.y) * HEADS + head;
  const float *query = input + row * (NOPE + ROPE);
  if (index < NOPE) {
    nope[row * NOPE + index] = query[index];
    return;
  }
  unsigned pair = index - NOPE;
  const float *numbers = query + NOPE + 2 * pair;
  float2 rotated = rotatePair(numbers[0], numbers[1], positions[blockIdx.y], frequencies[pair], magnitude);
  rope[row * ROPE + 2 * pair] = rotated.x;
  rope[row * ROPE + 2 * pair + 1] = rotated.y;
}

/// Normalises the first LATENT numbers of each row, rotates the last ROPE and stores both at the row's sequence and
/// position: normThreads(LATENT) threads, gridX 1, a row per CTA.
template <class KV>
__device__ __forceinline__ void kvAppend(const float *input, const float *weight, const int *positions,
                                         const int *sequences, Byte *layer, const int *blockTable,
                                         const float *frequencies, float magnitude, float epsilon) {
  constexpr unsigned kThreads = normThreads(KV::kLatent), kCount = ceilDivide(KV::kLatent, kThreads);
  const float *row = input + static_cast<unsigned long long>(blockIdx.y) * KV::kWidth;
  int position = positions[blockIdx.y];
  Byte *to = KV::row(layer, blockTable, static_cast<unsigned>(sequences[blockIdx.y]), static_cast<unsigned>(position));
  float numbers[kCount];
#pragma unroll
  for (unsigned i = 0; i < kCount; ++i) {
    unsigned column = i * kThreads + threadIdx.x;
    numbers[i] = column < KV::kLatent ? row[column] : 0.0f;
  }
  float scale = normScale<kCount, kThreads>(numbers, KV::kLatent, epsilon);
#pragma unroll
  for (unsigned i = 0; i < kCount; ++i) {
    unsigned column = i * kThreads + threadIdx.x;
    if (column < KV::kLatent)
      KV::Encoding::store(to, column, numbers[i] * scale * weight[column]);
  }
  for (unsigned pair = threadIdx.x; pair < KV::kRope / 2; pair += kThreads) {
    const float *from = row + KV::kLatent + 2 * pair;
    float2 rotated = rotatePair(from[0], from[1], position, frequencies[pair], magnitude);
    KV::Encoding::store(to, KV::kLatent + 2 * pair, rotated.x);
    KV::Encoding::store(to, KV::kLatent + 2 * pair + 1, rotated.y);
  }
}

} // namespace strata
