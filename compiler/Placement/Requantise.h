// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The same model in another quantisation: how large it would be.
#pragma once

#include "compiler/Placement/ModelWeights.h"

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace strata {

/// The quantisations that a plan compares, the largest first: Q8_0, Q6_K, Q5_K, Q4_K, Q4_0, Q3_K, Q2_K.
std::span<const Encoding> comparedEncodings();

/// The tensors with `encoding` wherever llama-quantize's pure form puts it: not in tensors that are F32; the output
/// matrix has at least Q6_K; rows that are no whole number of 256-blocks get the next encoding with 32-blocks. Nothing
/// if a row fits neither.
std::optional<std::vector<gguf::TensorInfo>> requantise(std::span<const gguf::TensorInfo> tensors, Encoding encoding);

/// A published perplexity of a sibling in (nearly) this encoding; empty if none is known. Siblings have the shapes of
/// DeepSeek V3: "3.2895 (R1-0528)".
std::string_view publishedPerplexity(const ModelDescription &description, Encoding encoding);

/// The encoding that most bytes of the model are in.
Encoding mainEncoding(std::span<const gguf::TensorInfo> tensors);

} // namespace strata
