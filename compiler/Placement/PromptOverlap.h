// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How long a pass of a prompt takes when the disk reads experts while the host computes (docs/store.md).
#pragma once

#include <span>

namespace strata {

/// A layer's part of a pass, in seconds.
struct LayerPass {
  double before = 0;  ///< Computing until its experts are needed: attention, and all else that is no routed expert.
  double experts = 0; ///< Computing its routed experts.
  double reads = 0;   ///< The disk's, of those that are not in memory.
  double room = 0;    ///< The disk's too, of what buffers have room for before the experts are needed.
};

/// Experts are computed one after the other, each when it has been read. With `readsAhead` the disk goes on while the
/// rest is computed, as far as there is room.
double overlappedSeconds(std::span<const LayerPass> layers, bool readsAhead);

} // namespace strata
