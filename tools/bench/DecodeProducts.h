// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The few-column products of a model's decode step, by their shapes alone: what the model weighs does not matter.
#pragma once

#include "compiler/Kernels/Geometry.h"
#include "compiler/Support/ModelDescription.h"

#include <string>
#include <vector>

namespace strata::bench {

/// A product, and how often a decode step launches it.
struct DecodeProduct {
  std::string name; ///< Of its weights, without the layer: "attn_q_a".
  kernels::Request request;
  uint64_t launches = 0;

  /// Multiplications of a weight with an activation, in all rows.
  uint64_t macs() const;
};

/// In the order of the model's layers. A decode step has `sequences` rows. Equal products with weights of the same name
/// are one.
std::vector<DecodeProduct> decodeProducts(const gguf::Model &model, const ModelDescription &description,
                                          uint32_t sequences);

} // namespace strata::bench
