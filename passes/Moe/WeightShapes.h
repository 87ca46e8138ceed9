// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Which weights a model has, and their shapes by its hyper-parameters.
#pragma once

#include "dialects/Moe/MoeAttributes.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

namespace strata::moe {

/// A size that hyper-parameters do not give: the rank of queries, the width of a feed-forward network.
inline constexpr uint64_t kAnySize = 0;

/// The row-major shape of a weight of a layer ("attn_norm.weight", without "blk.3.") or of the model ("output.weight").
/// Empty if the name is none that the model can have.
llvm::SmallVector<uint64_t> expectedShape(HyperParametersAttr hyperParameters, llvm::StringRef name);

/// The weights that a layer cannot be without, by their names in the layer.
llvm::SmallVector<llvm::StringRef> requiredWeights(HyperParametersAttr hyperParameters, uint32_t layer);

} // namespace strata::moe
