// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Weights/Dequantise.h"

namespace strata {

static float loadF16(const std::byte *from) {
  return f16ToF32(loadU16(from));
}

static void dequantiseQ4_0(const std::byte *block, float *to) {
  float d = loadF16(block);
  const auto *nibbles = reinterpret_cast<const uint8_t *>(block + 2);
  for (int j = 0; j < 16; ++j) {
    to[j] = static_cast<float>((nibbles[j] & 15) - 8) * d;
    to[j + 16] = static_cast<float>((nibbles[j] >> 4) - 8) * d;
  }
}

static void dequantiseQ4_1(const std::byte *block, float *to) {
  float d = loadF16(block), m = loadF16(block + 2);
  const auto *nibbles = reinterpret_cast<const uint8_t *>(block + 4);
  for (int j = 0; j < 16; ++j) {
    to[j] = static_cast<float>(nibbles[j] & 15) * d + m;
    to[j + 16] = static_cast<float>(nibbles[j] >> 4) * d + m;
  }
}

static void dequantiseQ8_0(const std::byte *block, float *to) {
  float d = loadF16(block);
  const auto *quants = reinterpret_cast<const int8_t *>(block + 2);
  for (int j = 0; j < 32; ++j)
    to[j] = static_cast<float>(quants[j]) * d;
}

/// A block of 256: the low four bits of each number, then the high two, then 16 scales, then d. Each half of the block
/// has four quarters of 32 numbers: quarters 0 and 1 are in low nibbles, 2 and 3 in high ones.
static void dequantiseQ6_K(const std::byte *block, float *to) {
  float d = loadF16(block + 208);
  for (int i = 0; i < 256; ++i) {
    int half = i / 128, quarter = i % 128 / 32, lane = i % 32;
    auto low = std::to_integer<int>(block[64 * half + 32 * (quarter % 2) + lane]) >> (4 * (quarter / 2)) & 15;
    auto high = std::to_integer<int>(block[128 + 32 * half + lane]) >> (2 * quarter) & 3;
    auto scale = static_cast<int8_t>(std::to_integer<uint8_t>(block[192 + i / 16]));
    to[i] = (d * static_cast<float>(scale)) * static_cast<float>((high << 4 | low) - 32);
  }
}

template <typename Function>
static void forEachBlock(Encoding encoding, const std::byte *from, uint64_t elements, float *to,
                         Function dequantiseOne) {
  const EncodingInfo &info = encodingInfo(encoding);
  for (uint64_t i = 0; i < elements; i += info.elements, from += info.bytes)
    dequantiseOne(from, to + i);
}

void dequantise(Encoding encoding, const std::byte *from, uint64_t elements, float *to) {
  switch (encoding) {
  case Encoding::F32:
    std::memcpy(to, from, elements * sizeof(float));
    return;
  case Encoding::F16:
    return forEachBlock(encoding, from, elements, to, [](const std::byte *one, float *out) { *out = loadF16(one); });
  case Encoding::BF16:
    return forEachBlock(encoding, from, elements, to,
                        [](const std::byte *one, float *out) { *out = bf16ToF32(loadU16(one)); });
  case Encoding::Q4_0:
    return forEachBlock(encoding, from, elements, to, dequantiseQ4_0);
  case Encoding::Q4_1:
    return forEachBlock(encoding, from, elements, to, dequantiseQ4_1);
  case Encoding::Q8_0:
    return forEachBlock(encoding, from, elements, to, dequantiseQ8_0);
  case Encoding::Q6_K:
    return forEachBlock(encoding, from, elements, to, dequantiseQ6_K);
  default: // No model is opened with another encoding (G31).
    return;
  }
}

} // namespace strata
