// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Device/Host/Quantise.h"

#include "runtime/Device/Host/Kernels.h"
#include "runtime/Device/Host/WeightBlocks.h"

#include <bit>
#include <cmath>
#include <limits>

namespace strata::host {

using schema::ActivationEncoding;

static constexpr float kLargestI8 = 127, kLargestI16 = 32639;

/// The block's scale, and its digits rounded to whole numbers but still floating-point.
static float roundToScale(const float *numbers, float largest, float *digits) {
  // Magnitudes order as their bits do, with infinity and then NaN above all numbers.
  int32_t magnitude = 0;
  for (uint64_t i = 0; i < kBlock; ++i)
    magnitude = std::max(magnitude, std::bit_cast<int32_t>(numbers[i]) & 0x7FFFFFFF);
  float scale = std::bit_cast<float>(magnitude) / largest;
  if (!std::isfinite(scale) || scale == 0) {
    std::fill_n(digits, kBlock, 0.0f);
    return std::isfinite(scale) ? 0 : std::numeric_limits<float>::quiet_NaN();
  }
  // Adding and subtracting 1.5·2^23 rounds numbers below 2^22 to whole ones, ties to even.
  constexpr float kRound = 12582912.0f;
  for (uint64_t i = 0; i < kBlock; ++i) {
    float clamped = std::min(std::max(numbers[i] / scale, -largest), largest);
    digits[i] = (clamped + kRound) - kRound;
  }
  return scale;
}

void quantiseBlock(ActivationEncoding activations, const float *numbers, uint64_t width, uint64_t block,
                   std::byte *out) {
  const float *from = numbers + block * kBlock;
  if (activations == ActivationEncoding::f32) {
    std::copy_n(from, kBlock, reinterpret_cast<float *>(out) + block * kBlock);
    return;
  }
  bool two = activations == ActivationEncoding::i16;
  float digits[kBlock];
  reinterpret_cast<float *>(out)[block] = roundToScale(from, two ? kLargestI16 : kLargestI8, digits);
  auto *high = reinterpret_cast<int8_t *>(out + width / kBlock * sizeof(float)) + block * kBlock;
  for (uint64_t i = 0; i < kBlock; ++i) {
    auto whole = static_cast<int32_t>(digits[i]);
    int32_t upper = two ? (whole + 128) >> 8 : whole;
    high[i] = static_cast<int8_t>(upper);
    if (two)
      high[width + i] = static_cast<int8_t>(whole - upper * 256);
  }
}

void quantise(const Context &context, const KernelCall &call) {
  const BoundOperand &input = call.reads[0], &result = call.writes[0];
  ActivationEncoding activations = call.activations;
  uint64_t blocks = input.columns / kBlock;
  context.pool.parallelFor(call.rows * blocks, grainFor(kBlock * 4), [&](uint64_t begin, uint64_t end, unsigned) {
    for (uint64_t task = begin; task < end; ++task)
      quantiseBlock(activations, rowOf<const float>(input, task / blocks), input.columns, task % blocks,
                    rowOf<std::byte>(result, task / blocks));
  });
}

} // namespace strata::host
