// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Memory that a run needs beside weights and cache, as the planner estimates it before any program exists.
#pragma once

#include "compiler/Placement/ModelWeights.h"
#include "compiler/Placement/PlanSummary.h"

namespace strata {

/// A token's residual.
Checked residualRowBytes(const ModelDescription &description);

/// Bytes that a token of a prompt's pass keeps from layer to layer: residual and routed sum in f32, the normalised row
/// in int8 with a scale for every 32, and the router's choice. 65,472 for V3.1.
Checked promptRowBytes(const ModelDescription &description);

/// Bytes that a token of a chunk needs inside one layer: queries, absorbed queries, attention's result before and after
/// its up-projection, the latent rows, and the widest feed-forward pair, all in f32.
Checked chunkRowBytes(const ModelDescription &description);

/// What decoding needs for all sequences together: the rows of both kinds and the logits.
Checked decodeBytes(const ModelDescription &description, uint64_t sequences);

/// Room for two rounds of one layer's experts that the sequences may miss together: one is computed while the other is
/// read.
Checked ringBytes(const ModelWeights &weights, uint64_t sequences);

/// The process itself: code, vocabulary, thread stacks; with a GPU also what its driver maps.
inline constexpr uint64_t kHostProcessBytes = uint64_t{256} << 20;
inline constexpr uint64_t kGpuProcessBytes = uint64_t{1} << 30;
/// Pinned memory through which a prompt's experts go to the GPU, at most.
inline constexpr uint64_t kPinnedRingBytes = uint64_t{2} << 30;

} // namespace strata
