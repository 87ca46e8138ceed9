// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Where every routed expert of a model is in its files.
#pragma once

#include "runtime/Base/Checked.h"
#include "runtime/Base/Error.h"
#include "runtime/Weights/Checksums.h"
#include "runtime/Weights/Gguf.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace strata {

/// The matrices of an expert, one slab each.
enum class ExpertMatrix : uint32_t { Gate = 0, Up = 1, Down = 2 };
inline constexpr uint32_t kExpertMatrices = 3;

/// The slabs of one matrix of one layer: consecutive in their file.
struct SlabTable {
  std::string tensor;
  uint32_t file = 0;
  uint64_t offset = 0; ///< Of expert 0's slab.
  uint64_t slabBytes = 0;
  std::vector<uint64_t> checksums; ///< Of every expert; empty: not known, so not checked.
};

struct ExpertLayer {
  uint32_t layer = 0; ///< In the model.
  uint32_t experts = 0;
  uint32_t firstKey = 0; ///< The number of its first expert among all experts.
  std::array<SlabTable, kExpertMatrices> matrices;
};

/// The buffers of one of the layer's experts.
Checked slotBytes(const ExpertLayer &layer);

class ExpertCatalogue {
public:
  /// Exit code 1 if a layer lacks one of its three matrices.
  static Result<ExpertCatalogue> of(const gguf::Model &model, const Checksums *checksums);

  const std::vector<ExpertLayer> &layers() const { return table; }
  /// Experts of all layers.
  uint32_t experts() const { return total; }
  /// Nothing if the model's layer has no experts.
  const ExpertLayer *find(uint32_t layer) const;

  std::vector<ExpertLayer> table; ///< For tests that make one by hand; finish() completes it.
  void finish();

private:
  uint32_t total = 0;
};

} // namespace strata
