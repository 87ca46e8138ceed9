// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The KV cache as kernels see it: position blocks of 64, each LATENT + ROPE numbers a position, found through a block
// table.
//
// needs:

namespace strata {

constexpr unsigned kBlockPositions = 64;

/// How the cache stores a number.
struct KvF16 {
  static constexpr unsigned kBytes = 2;
  static __device__ __forceinline__ void store(Byte *row, unsigned column, float number) {
    reinterpret_cast<Half *>(row)[column] = floatToHalf(number);
  }
  /// Number `index` of words that were read.
  static __device__ __forceinline__ float number(const unsigned *words, unsigned index) {
    return halfToFloat(static_cast<Half>(words[index / 2] >> (index % 2 * 16)));
  }
};

struct KvF32 {
  static constexpr unsigned kBytes = 4;
  static __device__ __forceinline__ void store(Byte *row, unsigned column, float number) {
    reinterpret_cast<float *>(row)[column] = number;
  }
  static __device__ __forceinline__ float number(const unsigned *words, unsigned index) {
    return __uint_as_float(words[index]);
  }
};

/// The geometry of a cache, as a type. BLOCKS is the number of blocks that a sequence owns.
template <class ENCODING, unsigned LATENT, unsigned ROPE, unsigned BLOCKS> struct Kv {
  using Encoding = ENCODING;
  static constexpr unsigned kLatent = LATENT, kRope = ROPE, kWidth = LATENT + ROPE;
  static constexpr unsigned kRowBytes = kWidth * ENCODING::kBytes;

  /// Where the cached row of a position is, in the running layer. T is Byte or const Byte.
  template <class T>
  static __device__ __forceinline__ T *row(T *layer, const int *blockTable, unsigned sequence, unsigned position) {
    auto block = static_cast<unsigned>(blockTable[sequence * BLOCKS + position / kBlockPositions]);
    return layer + (static_cast<unsigned long long>(block) * kBlockPositions + position % kBlockPositions) * kRowBytes;
  }
};

} // namespace strata
