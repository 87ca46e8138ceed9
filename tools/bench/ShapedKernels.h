// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Kernels of a model by their shapes alone: of a decode step products, attention and routing, of a prompt products.
#pragma once

#include "compiler/Kernels/Geometry.h"
#include "compiler/Support/ModelDescription.h"

#include <string>
#include <vector>

namespace strata::bench {

/// A kernel, and how often a decode step, or a chunk of a prompt, launches it.
struct ShapedKernel {
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
std::vector<ShapedKernel> decodeKernels(const gguf::Model &model, const ModelDescription &description,
                                        const DecodeStep &step);

/// The products of `tokens` rows of a prompt, in the many-column form; those of routed experts, which are several
/// kernels, are left out.
std::vector<ShapedKernel> promptProducts(const gguf::Model &model, const ModelDescription &description,
                                         uint32_t tokens);

} // namespace strata::bench
