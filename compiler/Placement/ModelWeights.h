// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A model's weights as the planner moves them: by layer, expert and tensor.
#pragma once

#include "compiler/Support/TensorTable.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace strata {

struct LayerWeights {
  uint64_t dense = 0; ///< Bytes of all that is not a routed expert.
  uint64_t denseParameters = 0;
  uint64_t expert = 0; ///< Gate, up and down of one routed expert; 0 in dense layers.
  uint64_t expertParameters = 0;
  /// What a routed expert takes in RAM where it is read by itself (runtime/Schema/SlotBytes.h).
  uint64_t expertBuffers = 0;
};

struct WeightTensor {
  std::string name;
  TensorClass tensorClass;
  TensorScope scope;
  uint32_t layer;
  uint64_t bytes;
};

struct ModelWeights {
  ModelDescription description;
  std::vector<LayerWeights> layers;
  uint64_t output = 0; ///< The last norm and the output matrix.
  uint64_t outputParameters = 0;
  uint64_t embedding = 0;
  uint64_t total = 0;     ///< All of the above.
  uint64_t fileBytes = 0; ///< Of all files, headers included; the total where there is only a list of tensors.
  std::vector<WeightTensor> tensors;

  uint32_t expertLayers() const { return description.layers - description.denseLayers; }
  uint64_t routedExperts() const { return uint64_t{expertLayers()} * description.experts; }
  uint64_t routedBytes() const;
  uint64_t routedBuffers() const;
  uint64_t largestExpert() const;
  uint64_t largestExpertBuffers() const;
  /// Expected bytes of routed experts that one token uses.
  double routedBytesPerToken() const;
};

/// Weighs the tensors that the model uses; others are passed over. G33 if a sum overflows.
Result<ModelWeights> weighModel(std::span<const gguf::TensorInfo> tensors, const ModelDescription &description);
/// The same for a file's, with its size.
Result<ModelWeights> weighModel(const gguf::Model &model, const ModelDescription &description);

} // namespace strata
