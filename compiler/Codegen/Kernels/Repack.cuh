// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Block-quantised weights from the GGUF's layout to the device's (Weights.cuh), once, after upload. Source and
// destination are different memory; both have the same number of bytes.
//
// needs: Weights.cuh

namespace strata {

/// `COUNT` bytes from an even address to one that may be only even, too.
template <unsigned COUNT> __device__ __forceinline__ void copyHalves(const Byte *from, Byte *to) {
#pragma unroll
  for (unsigned i = 0; i < COUNT / 2; ++i)
    reinterpret_cast<Half *>(to)[i] = reinterpret_cast<const Half *>(from)[i];
}

/// The eighth `part` of a super-block of Q6_K at `from`, which in the GGUF has 128 bytes of low bits, 64 of high bits,
/// 16 scales and the f16 scale: in each half of 128 weights, part t (of 4) has its low bits in nibble t / 2 of bytes 32
/// (t % 2) and on, and its high bits at bit 2 t.
__device__ __forceinline__ void repackSuperBlock(const Byte *from, unsigned part, unsigned (&low)[4],
                                                 unsigned (&high)[2]) {
  unsigned t = part % 4;
  const Byte *lows = from + part / 4 * 64 + t % 2 * 32, *highs = from + 128 + part / 4 * 32;
#pragma unroll
  for (unsigned i = 0; i < 4; ++i)
    low[i] = 0;
  high[0] = high[1] = 0;
#pragma unroll
  for (unsigned i = 0; i < 16; ++i) {
    unsigned first = lows[i] >> t / 2 * 4 & 15u, last = lows[16 + i] >> t / 2 * 4 & 15u;
    low[i / 4] |= (first | last << 4) << i % 4 * 8;
    high[0] |= (highs[i] >> 2 * t & 3u) << (i % 4 * 8 + i / 4 * 2);
    high[1] |= (highs[16 + i] >> 2 * t & 3u) << (i % 4 * 8 + i / 4 * 2);
  }
}

/// Matrices [N, K], as many as the kernel's `rows`: 128 threads, gridX ceil(N · K / 32 / 128), a matrix per gridY. The
/// nibbles of Q4_0 and Q4_1 stay in ggml's order (byte i: weight i low, weight 16 + i high).
template <class W, unsigned N, unsigned K>
__device__ __forceinline__ void repack(const Byte *source, Byte *destination) {
  constexpr unsigned long long kBlocks = static_cast<unsigned long long>(N) * (K / kBlock);
  unsigned long long block = static_cast<unsigned long long>(blockIdx.x) * 128 + threadIdx.x;
  if (block >= kBlocks)
    return;
  const Byte *from = source + blockIdx.y * matrixBytes<W, N, K>() + block * kBlock / W::kNumbers * W::kBytes;
  Byte *to = destination + blockIdx.y * matrixBytes<W, N, K>();
  if constexpr (W::kNumbers == 256) {
    unsigned low[4], high[2];
    unsigned part = static_cast<unsigned>(block % 8);
    repackSuperBlock(from, part, low, high);
    copyHalves<16>(reinterpret_cast<const Byte *>(low), to + block * 16);
    copyHalves<8>(reinterpret_cast<const Byte *>(high), to + kBlocks * 16 + block * 8);
    copyHalves<2>(from + 192 + part * 2, to + kBlocks * 24 + block * 2);
    if (part == 0)
      copyHalves<2>(from + 208, to + kBlocks * 26 + block / 8 * 2);
  } else {
    constexpr unsigned kDigits = W::kBytes == 34 ? 32 : 16, kScales = W::kBytes - kDigits;
    copyHalves<kDigits>(from + kScales, to + block * kDigits);
    copyHalves<kScales>(from, to + kBlocks * kDigits + block * kScales);
  }
}

} // namespace strata
