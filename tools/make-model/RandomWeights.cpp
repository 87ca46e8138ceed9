// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/make-model/RandomWeights.h"

#include "tools/make-model/Random.h"

#include <array>
#include <cmath>
#include <cstring>

namespace strata::making {

namespace {

/// The nearest f16 of a number whose size is below 65504.
uint16_t toHalf(float value) {
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  float size = std::fabs(value);
  if (size < 0x1p-14F)
    return static_cast<uint16_t>(sign | std::lrint(size * 0x1p24F));
  int exponent = 0;
  float fraction = std::frexp(size, &exponent); // In [0.5, 1).
  // Rounding up to the next power of two carries into the exponent, as it should.
  return static_cast<uint16_t>(sign + ((exponent + 13) << 10) + std::lrint(fraction * 0x1p11F));
}

/// Values from -7 to 7 without a mean: 0 stands for -8 in the encoding, and becomes 8, which stands for 0. A mean would
/// give all outputs a common part, and all tokens the same experts.
uint64_t withoutMean(uint64_t nibbles) {
  constexpr uint64_t kLowBits = 0x1111111111111111;
  uint64_t nonzero = (nibbles | nibbles >> 1 | nibbles >> 2 | nibbles >> 3) & kLowBits;
  return nibbles | (~nonzero & kLowBits) << 3;
}

void fillQ4_0(Random &random, float deviation, std::span<uint8_t> bytes) {
  // Of those values: the squares of -7 to 7, each a sixteenth.
  const float step = deviation / std::sqrt(17.5F);
  std::array<uint16_t, 8> scales;
  for (size_t i = 0; i < scales.size(); ++i)
    scales[i] = toHalf((i % 2 == 0 ? step : -step) * (0.7F + 0.2F * static_cast<float>(i / 2)));
  uint64_t choice = 0;
  for (size_t at = 0, block = 0; at + 18 <= bytes.size(); at += 18, ++block) {
    choice = block % 16 == 0 ? random.next() : choice >> 4;
    uint64_t low = withoutMean(random.next()), high = withoutMean(random.next());
    std::memcpy(&bytes[at], &scales[choice & 7], 2);
    std::memcpy(&bytes[at + 2], &low, 8);
    std::memcpy(&bytes[at + 10], &high, 8);
  }
}

void fillQ6_K(Random &random, float deviation, std::span<uint8_t> bytes) {
  // Values are uniform in -32 to 31, scales of either sign from 64 to 127 in size.
  const uint16_t scale = toHalf(deviation / (18.48F * 97.3F));
  for (size_t at = 0; at + 210 <= bytes.size(); at += 210) {
    for (size_t word = 0; word < 208; word += 8) {
      uint64_t value = random.next();
      std::memcpy(&bytes[at + word], &value, 8);
    }
    for (size_t i = 192; i < 208; ++i) {
      uint8_t size = 64 + (bytes[at + i] & 63);
      bytes[at + i] = (bytes[at + i] & 64) != 0 ? static_cast<uint8_t>(-size) : size;
    }
    std::memcpy(&bytes[at + 208], &scale, 2);
  }
}

/// The sum of four uniform numbers: near enough to a normal one. BF16 numbers, as a published router has.
void fillF32(Random &random, float mean, float deviation, std::span<uint8_t> bytes) {
  for (size_t at = 0; at + 4 <= bytes.size(); at += 4) {
    uint64_t bits = random.next();
    float sum = 0;
    for (int i = 0; i < 4; ++i)
      sum += static_cast<float>(bits >> (16 * i) & 0xFFFF) / 65536.0F - 0.5F;
    float value = mean + deviation * std::sqrt(3.0F) * sum;
    std::memcpy(&bytes[at], &value, 4);
    bytes[at] = bytes[at + 1] = 0;
  }
}

} // namespace

void fillPart(const Tensor &tensor, uint64_t seed, uint64_t stream, uint64_t part, std::span<uint8_t> bytes) {
  if (!tensor.values.empty()) {
    std::memcpy(bytes.data(), reinterpret_cast<const uint8_t *>(tensor.values.data()) + part * kPartBytes,
                bytes.size());
    return;
  }
  Random random = randomOf(seed, stream, part);
  switch (tensor.type) {
  case TensorType::Q4_0:
    return fillQ4_0(random, tensor.deviation, bytes);
  case TensorType::Q6_K:
    return fillQ6_K(random, tensor.deviation, bytes);
  case TensorType::F32:
    return fillF32(random, tensor.mean, tensor.deviation, bytes);
  }
}

} // namespace strata::making
