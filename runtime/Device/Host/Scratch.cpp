// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Device/Host/Scratch.h"

namespace strata {

Checked hostWorkerScratchBytes(const HostScratchShape &shape) {
  constexpr uint64_t kNumber = sizeof(float);
  Checked bytes = 0;
  switch (shape.operation) {
  case schema::Operation::attention:
  case schema::Operation::attention_splits:
    // A block of cached rows as f32, in two orders, and the scores of query rows against it (Attention/Tile.h).
    bytes = Checked(kAttentionBlockPositions) * kNumber *
            ((Checked(shape.latent) + shape.rope).alignUp(64) * 2 + kAttentionQueryRows);
    break;
  case schema::Operation::kv_append:
    // The row as it will be cached, and the cosines and sines of its position.
    bytes = (Checked(shape.latent) + Checked(shape.rope) * 2) * kNumber;
    break;
  case schema::Operation::query_rope:
    bytes = Checked(shape.rope) * kNumber;
    break;
  case schema::Operation::route:
    // Scores, choice scores and group scores, then a taken mark for every expert and group.
    bytes = (Checked(shape.experts) * 2 + shape.groups) * kNumber + shape.experts + shape.groups;
    break;
  default:
    break;
  }
  return bytes.alignUp(64);
}

} // namespace strata
