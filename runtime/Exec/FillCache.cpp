// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A cache that is full without anything having been computed: what a measurement at a depth begins with.
#include "runtime/Exec/SessionState.h"
#include "runtime/Weights/Dequantise.h"

#include <cmath>
#include <cstring>
#include <random>

namespace strata {

/// Normalised rows have a mean square of 1, and so have these: uniform between -sqrt(3) and sqrt(3).
static void fillRandom(std::mt19937_64 &random, schema::KvEncoding encoding, std::span<std::byte> bytes) {
  const float limit = std::sqrt(3.0F);
  auto number = [&] { return (static_cast<float>(random() >> 40) * 0x1p-23F - 1) * limit; };
  if (encoding == schema::KvEncoding::f16) {
    for (size_t at = 0; at + sizeof(uint16_t) <= bytes.size(); at += sizeof(uint16_t)) {
      uint16_t half = f32ToF16(number());
      std::memcpy(&bytes[at], &half, sizeof(half));
    }
    return;
  }
  for (size_t at = 0; at + sizeof(float) <= bytes.size(); at += sizeof(float)) {
    float single = number();
    std::memcpy(&bytes[at], &single, sizeof(single));
  }
}

Result<void> SessionState::fillPositions(SequenceId sequence, uint32_t positions, uint64_t seed) {
  sequences.reserve(sequence, positions);
  std::mt19937_64 random(seed);
  std::vector<std::byte> rows(layers.empty() ? 0 : layers[0].blockBytes);
  for (const KvView &layer : layers) {
    const int32_t *blocks = &sequences.table()[uint64_t(sequence) * layer.blocksPerSequence];
    for (uint32_t first = 0, block = 0; first < positions; first += layer.blockPositions, ++block) {
      fillRandom(random, layer.encoding, rows);
      std::byte *to = layer.layer + static_cast<uint64_t>(blocks[block]) * layer.blockBytes;
      if (auto copied = device->copyToDevice(to, rows); !copied) {
        sequences.setPositions(sequence, 0); // Takes the blocks back.
        return copied;
      }
    }
  }
  sequences.setPositions(sequence, positions);
  return {};
}

} // namespace strata
