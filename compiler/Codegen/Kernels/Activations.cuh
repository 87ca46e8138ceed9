// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Activations in memory: a row of K numbers as docs/operations.md lays it out, in three settings. A class says how many
// bytes a row has, reads one block of 32, and writes one (docs/numbers.md, "Quantised activations").
//
// needs:

namespace strata {

/// One block of 32 numbers: `high` are the only digits under i8. `low` is not used there.
struct DigitBlock {
  unsigned high[8];
  unsigned low[8];
  float scale;
};

/// The scale of a block from its largest magnitude as bits: 0 where all digits are 0, NaN where a number is not finite.
__device__ __forceinline__ float scaleOf(unsigned magnitude, float largest) {
  if (magnitude >= 0x7F800000u)
    return notANumber();
  return __uint_as_float(magnitude) / largest;
}

/// The digit of one number, 0 where there is no finite scale.
__device__ __forceinline__ int digitOf(float number, float scale, float largest) {
  if (!(scale > 0.0f))
    return 0;
  float quotient = number / scale;
  quotient = quotient < -largest ? -largest : quotient;
  quotient = quotient > largest ? largest : quotient;
  return __float2int_rn(quotient);
}

/// One int8 digit and an f32 scale per block, or two digits.
template <bool TWO> struct Digits {
  static constexpr bool kQuantised = true;
  static constexpr bool kTwoDigits = TWO;
  static constexpr float kLargest = TWO ? 32639.0f : 127.0f;

  static constexpr unsigned scaleBytes(unsigned columns) { return columns / kBlock * 4; }
  static constexpr unsigned rowBytes(unsigned columns) { return scaleBytes(columns) + columns * (TWO ? 2 : 1); }
  /// Of a block's digits, where values are aligned to 16.
  static constexpr unsigned alignment(unsigned columns) {
    return smaller(alignmentOf(scaleBytes(columns)), alignmentOf(rowBytes(columns)));
  }

  template <unsigned COLUMNS> static __device__ __forceinline__ float scale(const Byte *row, unsigned block) {
    return reinterpret_cast<const float *>(row)[block];
  }
  template <unsigned COLUMNS>
  static __device__ __forceinline__ void load(const Byte *row, unsigned block, DigitBlock &to) {
    const Byte *digits = row + scaleBytes(COLUMNS) + block * kBlock;
    loadWords<8, alignment(COLUMNS)>(digits, to.high);
    if constexpr (TWO)
      loadWords<8, alignment(COLUMNS)>(digits + COLUMNS, to.low);
    to.scale = scale<COLUMNS>(row, block);
  }

  /// The lanes of a warp hold the 32 numbers of `block`.
  template <unsigned COLUMNS> static __device__ __forceinline__ void store(Byte *row, unsigned block, float number) {
    unsigned magnitude = largestInWarp(__float_as_uint(number) & 0x7FFFFFFFu);
    float scale = scaleOf(magnitude, kLargest);
    int digit = digitOf(number, scale, kLargest);
    unsigned lane = laneIndex();
    Byte *digits = row + scaleBytes(COLUMNS) + block * kBlock + lane;
    if constexpr (TWO) {
      int high = (digit + 128) >> 8;
      digits[0] = static_cast<Byte>(high);
      digits[COLUMNS] = static_cast<Byte>(digit - high * 256);
    } else {
      digits[0] = static_cast<Byte>(digit);
    }
    if (lane == 0)
      reinterpret_cast<float *>(row)[block] = scale;
  }
};

using I8 = Digits<false>;
using I16 = Digits<true>;

/// The numbers themselves.
struct F32Rows {
  static constexpr bool kQuantised = false;
  static constexpr unsigned rowBytes(unsigned columns) { return columns * 4; }
  static constexpr unsigned alignment(unsigned columns) { return alignmentOf(rowBytes(columns)); }

  template <unsigned COLUMNS> static __device__ __forceinline__ void store(Byte *row, unsigned block, float number) {
    reinterpret_cast<float *>(row)[block * kBlock + laneIndex()] = number;
  }
};

} // namespace strata
