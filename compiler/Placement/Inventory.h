// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a model weighs: bytes by class, per expert, per decoded token, per cached position.
#pragma once

#include "compiler/Support/TensorTable.h"

#include <array>
#include <cstdint>
#include <span>

namespace strata {

struct ClassTotals {
  uint32_t tensors = 0;
  uint64_t parameters = 0;
  uint64_t bytes = 0;
};

struct Inventory {
  std::array<ClassTotals, kTensorClasses> classes; ///< By TensorClass.
  ClassTotals total;
  uint64_t routedExperts = 0;       ///< Of all layers: 14,848 in V3.1.
  uint64_t expertBytes = 0;         ///< Gate, up and down of one routed expert, as most layers have it.
  uint64_t routedBytesPerToken = 0; ///< Of the experts that one token uses, in all layers.
  uint64_t bytesPerToken = 0;       ///< All weight bytes that decoding one token touches; of the embedding, one row.

  const ClassTotals &of(TensorClass tensorClass) const { return classes[static_cast<size_t>(tensorClass)]; }
};

/// Counts the tensors that the model uses; others are passed over. Fails with G33 if a sum overflows, which no file
/// that exists can make it do.
Result<Inventory> takeInventory(std::span<const gguf::TensorInfo> tensors, const ModelDescription &description);

/// Positions of one block of the cache, which is the unit that sequences own.
inline constexpr uint64_t kPositionsPerBlock = 64;

/// Bytes that one position takes in the caches of all layers: (latent + rope) numbers of `numberBytes` each.
uint64_t kvBytesPerPosition(const ModelDescription &description, uint64_t numberBytes);

/// Bytes of the caches of `sequences` sequences of `context` positions, in whole blocks.
Checked kvBytes(const ModelDescription &description, uint64_t numberBytes, uint64_t context, uint64_t sequences);

} // namespace strata
