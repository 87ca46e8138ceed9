// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How much memory of its own each worker thread of the host device needs: the compiler writes the largest over all
// dispatches into the artifact (worker_scratch_bytes), the device is created with it.
#pragma once

#include "runtime/Base/Checked.h"
#include "runtime/Schema/artifact_generated.h"

#include <cstdint>

namespace strata {

/// Positions that attention takes at a time; the order of its sums depends on it (docs/numbers.md, "Attention").
inline constexpr uint64_t kAttentionBlockPositions = 64;
/// Heads that a worker takes at a time, at most.
inline constexpr uint64_t kAttentionQueryRows = 128;

/// What the scratch of one operation depends on. Numbers that an operation does not have stay 0.
struct HostScratchShape {
  schema::Operation operation = schema::Operation::embed;
  uint64_t latent = 0;  ///< Of the KV cache: attention, attention_splits, kv_append.
  uint64_t rope = 0;    ///< Of the KV cache, or twice the number of frequencies: as above, and query_rope.
  uint64_t experts = 0; ///< Of the router: route.
  uint64_t groups = 0;  ///< Of the router: route.
};

/// Bytes of scratch each worker needs to run the operation, a multiple of 64; 0 for most. Invalid if it overflows.
Checked hostWorkerScratchBytes(const HostScratchShape &shape);

} // namespace strata
