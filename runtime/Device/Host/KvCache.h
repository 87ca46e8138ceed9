// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Rows of the KV cache.
#pragma once

#include "runtime/Device/Device.h"
#include "runtime/Weights/Dequantise.h"

#include <cstddef>
#include <cstdint>

namespace strata::host {

/// Where the row of a sequence's position is: latent + rope numbers, latent first.
inline std::byte *cachedRow(const KvView &kv, uint64_t sequence, uint64_t position) {
  uint64_t number = kv.encoding == schema::KvEncoding::f16 ? sizeof(uint16_t) : sizeof(float);
  auto block = static_cast<uint64_t>(kv.blockTable[sequence * kv.blocksPerSequence + position / kv.blockPositions]);
  uint64_t rowBytes = (static_cast<uint64_t>(kv.latent) + kv.rope) * number;
  return kv.layer + block * kv.blockBytes + position % kv.blockPositions * rowBytes;
}

} // namespace strata::host
