// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Attention for any processor. A product is rounded before it is added, unlike with the fused instructions of AVX2: the
// last bits differ.
#include "runtime/Device/Host/Attention/TileLoops.h"
#include "runtime/Weights/Dequantise.h"

#include <algorithm>
#include <bit>

namespace strata::host {
namespace {

struct VectorPortable {
  static constexpr unsigned kWidth = 8, kVectors = 2, kRows = 4;
  float numbers[kWidth];

  template <class Function> static VectorPortable of(const Function &function) {
    VectorPortable result;
    for (unsigned i = 0; i < kWidth; ++i)
      result.numbers[i] = function(i);
    return result;
  }
  static VectorPortable all(float number) {
    return of([&](unsigned) { return number; });
  }
  static VectorPortable load(const float *from) {
    return of([&](unsigned i) { return from[i]; });
  }
  void store(float *to) const {
    for (unsigned i = 0; i < kWidth; ++i)
      to[i] = numbers[i];
  }
  static VectorPortable multiplyAdd(const VectorPortable &a, const VectorPortable &b, const VectorPortable &c) {
    return of([&](unsigned i) { return a.numbers[i] * b.numbers[i] + c.numbers[i]; });
  }
  /// The second if either is NaN.
  static VectorPortable larger(const VectorPortable &a, const VectorPortable &b) {
    return of([&](unsigned i) { return a.numbers[i] > b.numbers[i] ? a.numbers[i] : b.numbers[i]; });
  }
  static VectorPortable zeroWhereLess(const VectorPortable &x, const VectorPortable &limit,
                                      const VectorPortable &otherwise) {
    return of([&](unsigned i) { return x.numbers[i] < limit.numbers[i] ? 0.0f : otherwise.numbers[i]; });
  }
  /// e · 2^n, where n is in the low bits of `shifted`.
  static VectorPortable scaledByShifted(const VectorPortable &e, const VectorPortable &shifted) {
    return of([&](unsigned i) {
      return std::bit_cast<float>(std::bit_cast<uint32_t>(e.numbers[i]) +
                                  (std::bit_cast<uint32_t>(shifted.numbers[i]) << 23));
    });
  }
  friend VectorPortable operator+(const VectorPortable &a, const VectorPortable &b) {
    return of([&](unsigned i) { return a.numbers[i] + b.numbers[i]; });
  }
  friend VectorPortable operator-(const VectorPortable &a, const VectorPortable &b) {
    return of([&](unsigned i) { return a.numbers[i] - b.numbers[i]; });
  }
  friend VectorPortable operator*(const VectorPortable &a, const VectorPortable &b) {
    return of([&](unsigned i) { return a.numbers[i] * b.numbers[i]; });
  }

  static void convert(const uint16_t *halves, uint64_t count, float *to) {
    for (uint64_t i = 0; i < count; ++i)
      to[i] = f16ToF32(halves[i]);
  }
  float first() const { return numbers[0]; }
  float largest() const { return *std::max_element(numbers, numbers + kWidth); }
  /// Lane j + 4 is added to lane j, then j + 2 and j + 1.
  float sumOfHalves() const {
    float sums[kWidth];
    store(sums);
    for (unsigned half = kWidth / 2; half > 0; half /= 2)
      for (unsigned i = 0; i < half; ++i)
        sums[i] += sums[i + half];
    return sums[0];
  }
  static void transpose(const float *from, uint64_t fromStride, float *to, uint64_t toStride) {
    for (uint64_t i = 0; i < kWidth; ++i)
      for (uint64_t j = 0; j < kWidth; ++j)
        to[j * toStride + i] = from[i * fromStride + j];
  }
};

} // namespace

const AttentionKernels kPortableAttention = {AttentionLoops<VectorPortable>::read,
                                             AttentionLoops<VectorPortable>::attend};

} // namespace strata::host
