// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Operations on rows: rms_norm, quantise, both in one, add, embed.
//
// needs: Activations.cuh Weights.cuh

namespace strata {

/// Threads of a CTA that normalises a row, and how many numbers each holds in registers: not more than 32.
constexpr unsigned normThreads(unsigned columns) {
  return columns <= 32 * 128 ? 128 : columns <= 32 * 256 ? 256 : 1024;
}

/// The scale of a row, whose numbers the threads of the CTA hold: number i · threads + thread in numbers[i].
template <unsigned COUNT, unsigned THREADS>
__device__ __forceinline__ float normScale(const float (&numbers)[COUNT], unsigned columns, float epsilon) {
  double sum = 0.0;
#pragma unroll
  for (unsigned i = 0; i < COUNT; ++i)
    sum = fma(static_cast<double>(numbers[i]), static_cast<double>(numbers[i]), sum);
  __shared__ double parts[THREADS / kWarp];
  sum = sumWarp(sum);
  if (laneIndex() == 0)
    parts[warpIndex()] = sum;
  __syncthreads();
  double total = 0.0;
#pragma unroll
  for (unsigned i = 0; i < THREADS / kWarp; ++i)
    total += parts[i];
  return static_cast<float>(1.0 / sqrt(total / columns + static_cast<double>(epsilon)));
}

/// One CTA of normThreads(K) threads per row: gridX 1, a row per CTA. Writes the normalised row where FLOATS, and its
/// quantised form where QUANTISED; K must be a multiple of 32 there.
template <class A, unsigned K, bool FLOATS, bool QUANTISED>
__device__ __forceinline__ void normaliseRow(const float *input, const float *weight, float *result, Byte *quantised,
                                             float epsilon) {
  constexpr unsigned kThreads = normThreads(K), kCount = ceilDivide(K, kThreads);
  const float *row = input + static_cast<unsigned long long>(blockIdx.y) * K;
  float numbers[kCount];
#pragma unroll
  for (unsigned i = 0; i < kCount; ++i) {
    unsigned column = i * kThreads + threadIdx.x;
    numbers[i] = column < K ? row[column] : 0.0f;
  }
  float scale = normScale<kCount, kThreads>(numbers, K, epsilon);
#pragma unroll
  for (unsigned i = 0; i < kCount; ++i) {
    // A warp holds 32 neighbouring numbers: one block of the quantised row, or none where K is a multiple of 32.
    unsigned column = i * kThreads + threadIdx.x;
    if (column >= K)
      continue;
    float number = numbers[i] * scale * weight[column];
    if constexpr (FLOATS)
      result[static_cast<unsigned long long>(blockIdx.y) * K + column] = number;
    if constexpr (QUANTISED)
      A::template store<K>(quantised + static_cast<unsigned long long>(blockIdx.y) * A::rowBytes(K), column / kBlock,
                           number);
  }
}

template <unsigned K>
__device__ __forceinline__ void rmsNorm(const float *input, const float *weight, float *result, float epsilon) {
  normaliseRow<F32Rows, K, true, false>(input, weight, result, nullptr, epsilon);
}

/// rms_norm and quantise in one: the quantised row alone.
template <class A, unsigned K>
__device__ __forceinline__ void rmsNormQuantise(const float *input, const float *weight, Byte *quantised,
                                                float epsilon) {
  normaliseRow<A, K, false, true>(input, weight, nullptr, quantised, epsilon);
}

/// The same, and the normalised row too, for a reader that wants f32.
template <class A, unsigned K>
__device__ __forceinline__ void rmsNormBoth(const float *input, const float *weight, float *result, Byte *quantised,
                                            float epsilon) {
  normaliseRow<A, K, true, true>(input, weight, result, quantised, epsilon);
}

/// A warp per block: 128 threads, gridX ceil(K / 128), a row per CTA.
template <class A, unsigned K> __device__ __forceinline__ void quantise(const float *input, Byte *quantised) {
  unsigned block = blockIdx.x * 4 + warpIndex();
  if (block >= K / kBlock)
    return;
  float number = input[static_cast<unsigned long long>(blockIdx.y) * K + block * kBlock + laneIndex()];
  A::template store<K>(quantised + static_cast<unsigned long long>(blockIdx.y) * A::rowBytes(K), block, number);
}

/// 128 threads, gridX ceil(K / 512), a row per CTA. Either operand may be the result.
template <unsigned K> __device__ __forceinline__ void add(const float *left, const float *right, float *result) {
  unsigned long long row = static_cast<unsigned long long>(blockIdx.y) * K;
  unsigned first = blockIdx.x * 512 + threadIdx.x * 4;
  if constexpr (K % 4 == 0) {
    if (first >= K)
      return;
    float4 a = *reinterpret_cast<const float4 *>(left + row + first);
    float4 b = *reinterpret_cast<const float4 *>(right + row + first);
    *reinterpret_cast<float4 *>(result + row + first) = make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w);
  } else {
    for (unsigned i = first; i < first + 4 && i < K; ++i)
      result[row + i] = left[row + i] + right[row + i];
  }
}

/// result[t] = row tokens[t] of the weight [N, K], dequantised. 128 threads, gridX ceil(ceil(K / 32) / 128), a row per
/// CTA.
template <class W, unsigned N, unsigned K>
__device__ __forceinline__ void embed(const int *tokens, const Byte *weight, float *result) {
  unsigned row = static_cast<unsigned>(tokens[blockIdx.y]);
  unsigned block = blockIdx.x * 128 + threadIdx.x;
  if (block >= ceilDivide(K, kBlock))
    return;
  float *to = result + static_cast<unsigned long long>(blockIdx.y) * K + block * kBlock;
  if constexpr (W::kBlocked) {
    PackedBlock packed;
    UnpackedBlock unpacked;
    W::template load<N, K>(weight, row, block, packed);
    W::unpack(packed, unpacked);
#pragma unroll
    for (unsigned j = 0; j < 8; ++j)
      reinterpret_cast<float4 *>(to)[j] =
          make_float4(W::dequantised(unpacked, 4 * j), W::dequantised(unpacked, 4 * j + 1),
                      W::dequantised(unpacked, 4 * j + 2), W::dequantised(unpacked, 4 * j + 3));
  } else {
    const Byte *from = weight + (static_cast<unsigned long long>(row) * K + block * kBlock) * W::kBytes;
    for (unsigned i = 0; i < kBlock && block * kBlock + i < K; ++i) {
      unsigned word =
          W::kBytes == 4 ? reinterpret_cast<const unsigned *>(from)[i] : reinterpret_cast<const Half *>(from)[i];
      to[i] = W::number(&word, 0);
    }
  }
}

} // namespace strata
