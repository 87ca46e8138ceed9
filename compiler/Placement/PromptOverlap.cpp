// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Placement/PromptOverlap.h"

#include <algorithm>

namespace strata {

double overlappedSeconds(std::span<const LayerPass> layers, bool readsAhead) {
  double seconds = 0;
  double unhidden = 0; // Of what is computed before the next experts.
  double ahead = 0;    // Of their reads, in seconds.
  for (const LayerPass &layer : layers) {
    unhidden += layer.before;
    if (layer.experts == 0 && layer.reads == 0)
      continue;
    ahead = readsAhead ? std::min({ahead + unhidden, layer.room, layer.reads}) : 0;
    double left = layer.reads - ahead, together = std::max(layer.experts, left);
    seconds += unhidden + together;
    unhidden = 0;
    ahead = together - left; // The disk goes on with the next layer's.
  }
  return seconds + unhidden;
}

} // namespace strata
