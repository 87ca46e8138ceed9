// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The kernels of a model's decode step, by their shapes alone: products, attention and routing.
#pragma once

#include "compiler/Kernels/Geometry.h"
#include "compiler/Support/ModelDescription.h"

#include <string>
#include <vector>

namespace strata::bench {

/// A kernel, and how often a decode step launches it.
struct DecodeKernel {
  std::string name; ///< Of a product the name of its weights, without the layer: "attn_q_a".
  kernels::Request request;
  uint64_t launches = 0;
  uint32_t context = 0; ///< Positions that rows attend to.

  /// Multiplications of a weight with an activation, in all rows; 0 for what is no product.
  uint64_t macs() const;
};

struct DecodeStep {
  uint32_t sequences = 1;  ///< Its rows.
  uint32_t context = 4096; ///< Positions that each of them attends to, the step's own included.
};

/// In the order of the model's layers. Equal products with weights of the same name are one. Norms, quantisation, sums
/// and the embedding are left out: how they are fused is a plan's choice.
std::vector<DecodeKernel> decodeKernels(const gguf::Model &model, const ModelDescription &description,
                                        const DecodeStep &step);

} // namespace strata::bench
