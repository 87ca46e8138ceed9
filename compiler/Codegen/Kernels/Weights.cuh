// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Weights as they lie on the device: F32, F16 and BF16 row-major as in the GGUF, block-quantised ones in planes. This
// file is the only one that knows the layouts (compiler/Codegen/Kernels/README.md has the picture).
//
// needs:

namespace strata {

/// 32 weights as signed bytes that are 2^SHIFT times the digits of docs/numbers.md. Word j holds weights 4j to 4j+3.
struct UnpackedBlock {
  unsigned words[8];
  float scale;
  float second;   ///< Q4_1: the minimum. Q6_K: unused.
  int factors[2]; ///< Q6_K: the scales of the first and the last 16.
};

/// What has to be read of a block; apart from unpacking, so that several blocks are under way at once.
struct PackedBlock {
  unsigned words[8];
  unsigned extra[2];
  unsigned scales;
  unsigned factors;
};

/// Bits 4 to 7 of each byte of `word`, which are digits v, as the signed bytes 16 (v - 8).
__device__ __forceinline__ unsigned centred(unsigned word) {
  return (word & 0xF0F0F0F0u) ^ 0x80808080u;
}

struct Q4_0 {
  static constexpr bool kBlocked = true, kHalves = false, kMinimum = false;
  static constexpr unsigned kShift = 4;
  static constexpr unsigned kNumbers = 32, kBytes = 18, kWidest = 32;

  template <unsigned N, unsigned K>
  static __device__ __forceinline__ void load(const Byte *matrix, unsigned row, unsigned block, PackedBlock &to) {
    constexpr unsigned kBlocks = K / kBlock;
    unsigned long long at = static_cast<unsigned long long>(row) * kBlocks + block;
    constexpr unsigned long long kScales = static_cast<unsigned long long>(N) * kBlocks * 16;
    loadWords<4, alignmentOf(kScales / 16 * kBytes)>(matrix + at * 16, to.words);
    to.scales = reinterpret_cast<const Half *>(matrix + kScales)[at];
  }
  static __device__ __forceinline__ void unpack(const PackedBlock &from, UnpackedBlock &to) {
#pragma unroll
    for (unsigned i = 0; i < 4; ++i) {
      to.words[i] = centred(from.words[i] << 4);
      to.words[4 + i] = centred(from.words[i]);
    }
    to.scale = halfToFloat(static_cast<Half>(from.scales));
  }
  static __device__ __forceinline__ float dequantised(const UnpackedBlock &block, unsigned index) {
    return static_cast<float>(signedByte(block.words[index / 4], index % 4) >> kShift) * block.scale;
  }
};

struct Q4_1 {
  static constexpr bool kBlocked = true, kHalves = false, kMinimum = true;
  static constexpr unsigned kShift = 0;
  static constexpr unsigned kNumbers = 32, kBytes = 20, kWidest = 32;

  template <unsigned N, unsigned K>
  static __device__ __forceinline__ void load(const Byte *matrix, unsigned row, unsigned block, PackedBlock &to) {
    constexpr unsigned kBlocks = K / kBlock;
    unsigned long long at = static_cast<unsigned long long>(row) * kBlocks + block;
    constexpr unsigned long long kScales = static_cast<unsigned long long>(N) * kBlocks * 16;
    constexpr unsigned kAlignment = alignmentOf(kScales / 16 * kBytes);
    loadWords<4, kAlignment>(matrix + at * 16, to.words);
    loadWords<1, smaller(kAlignment, 4)>(matrix + kScales + at * 4, &to.scales);
  }
  static __device__ __forceinline__ void unpack(const PackedBlock &from, UnpackedBlock &to) {
#pragma unroll
    for (unsigned i = 0; i < 4; ++i) {
      to.words[i] = from.words[i] & 0x0F0F0F0Fu;
      to.words[4 + i] = from.words[i] >> 4 & 0x0F0F0F0Fu;
    }
    to.scale = halfToFloat(static_cast<Half>(from.scales));
    to.second = halfToFloat(static_cast<Half>(from.scales >> 16));
  }
  static __device__ __forceinline__ float dequantised(const UnpackedBlock &block, unsigned index) {
    return static_cast<float>(signedByte(block.words[index / 4], index % 4)) * block.scale + block.second;
  }
};

struct Q8_0 {
  static constexpr bool kBlocked = true, kHalves = false, kMinimum = false;
  static constexpr unsigned kShift = 0;
  static constexpr unsigned kNumbers = 32, kBytes = 34, kWidest = 32;

  template <unsigned N, unsigned K>
  static __device__ __forceinline__ void load(const Byte *matrix, unsigned row, unsigned block, PackedBlock &to) {
    constexpr unsigned kBlocks = K / kBlock;
    unsigned long long at = static_cast<unsigned long long>(row) * kBlocks + block;
    constexpr unsigned long long kScales = static_cast<unsigned long long>(N) * kBlocks * 32;
    loadWords<8, alignmentOf(kScales / 32 * kBytes)>(matrix + at * 32, to.words);
    to.scales = reinterpret_cast<const Half *>(matrix + kScales)[at];
  }
  static __device__ __forceinline__ void unpack(const PackedBlock &from, UnpackedBlock &to) {
#pragma unroll
    for (unsigned i = 0; i < 8; ++i)
      to.words[i] = from.words[i];
    to.scale = halfToFloat(static_cast<Half>(from.scales));
  }
  static __device__ __forceinline__ float dequantised(const UnpackedBlock &block, unsigned index) {
    return static_cast<float>(signedByte(block.words[index / 4], index % 4)) * block.scale;
  }
};

/// A super-block of 256 as eight blocks of 32: the low four bits as those of Q4_0, the high two bits in two words
/// (weights 4j to 4j+3 of each half at bits 2j and 2j+1 of the bytes), two int8 scales; one f16 scale for all eight.
struct Q6_K {
  static constexpr bool kBlocked = true, kHalves = true, kMinimum = false;
  static constexpr unsigned kShift = 2;
  static constexpr unsigned kNumbers = 256, kBytes = 210, kWidest = 32;

  template <unsigned N, unsigned K>
  static __device__ __forceinline__ void load(const Byte *matrix, unsigned row, unsigned block, PackedBlock &to) {
    constexpr unsigned kBlocks = K / kBlock;
    unsigned long long at = static_cast<unsigned long long>(row) * kBlocks + block;
    constexpr unsigned long long kAll = static_cast<unsigned long long>(N) * kBlocks;
    constexpr unsigned kAlignment = alignmentOf(kAll / 8 * kBytes);
    loadWords<4, kAlignment>(matrix + at * 16, to.words);
    loadWords<2, smaller(kAlignment, 8)>(matrix + kAll * 16 + at * 8, to.extra);
    to.factors = reinterpret_cast<const Half *>(matrix + kAll * 24)[at];
    to.scales = reinterpret_cast<const Half *>(matrix + kAll * 26)[at / 8];
  }
  static __device__ __forceinline__ void unpack(const PackedBlock &from, UnpackedBlock &to) {
#pragma unroll
    for (unsigned i = 0; i < 4; ++i) {
      unsigned first = (from.words[i] << 2 & 0x3C3C3C3Cu) ^ 0x80808080u;
      unsigned last = (from.words[i] >> 2 & 0x3C3C3C3Cu) ^ 0x80808080u;
      to.words[i] = first ^ (from.extra[0] << (6 - 2 * i) & 0xC0C0C0C0u);
      to.words[4 + i] = last ^ (from.extra[1] << (6 - 2 * i) & 0xC0C0C0C0u);
    }
    to.scale = halfToFloat(static_cast<Half>(from.scales));
    to.factors[0] = signedByte(from.factors, 0);
    to.factors[1] = signedByte(from.factors, 1);
  }
  static __device__ __forceinline__ float dequantised(const UnpackedBlock &block, unsigned index) {
    float factor = block.scale * static_cast<float>(block.factors[index / 16]);
    return factor * static_cast<float>(signedByte(block.words[index / 4], index % 4) >> kShift);
  }
};

/// Bytes of one matrix [N, K] of a block-quantised weight, as many as in the GGUF. The matrices of a weight of three
/// dimensions lie back to back, each with planes of its own, so that one expert can be moved alone.
template <class W, unsigned N, unsigned K> constexpr unsigned long long matrixBytes() {
  return static_cast<unsigned long long>(N) * K / W::kNumbers * W::kBytes;
}

// ---- Row-major ---------------------------------------------------------------------------------------------------

struct F32 {
  static constexpr bool kBlocked = false, kHalves = false;
  static constexpr unsigned kNumbers = 1, kBytes = 4, kWidest = 4;
  static __device__ __forceinline__ float number(const unsigned *words, unsigned index) {
    return __uint_as_float(words[index]);
  }
};

struct F16 {
  static constexpr bool kBlocked = false, kHalves = false;
  static constexpr unsigned kNumbers = 1, kBytes = 2, kWidest = 8;
  static __device__ __forceinline__ float number(const unsigned *words, unsigned index) {
    return halfToFloat(static_cast<Half>(words[index / 2] >> (index % 2 * 16)));
  }
};

struct BF16 {
  static constexpr bool kBlocked = false, kHalves = false;
  static constexpr unsigned kNumbers = 1, kBytes = 2, kWidest = 8;
  static __device__ __forceinline__ float number(const unsigned *words, unsigned index) {
    return __uint_as_float(index % 2 ? words[index / 2] & 0xFFFF0000u : words[index / 2] << 16);
  }
};

} // namespace strata
