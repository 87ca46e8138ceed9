// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Placement/ArenaEstimate.h"

#include <algorithm>

namespace strata {

static constexpr uint64_t kFloat = 4;
static constexpr uint64_t kBlock = 32; ///< Elements that share a scale in quantised activations.

Checked residualRowBytes(const ModelDescription &description) {
  return Checked(description.embedding) * kFloat;
}

Checked promptRowBytes(const ModelDescription &description) {
  Checked embedding = description.embedding;
  Checked quantised = embedding + embedding.alignUp(kBlock) / kBlock * kFloat;
  Checked choice = Checked(description.expertsUsed) * 2 * kFloat; // An index and a weight each.
  return embedding * kFloat * 2 + quantised + choice;
}

Checked chunkRowBytes(const ModelDescription &description) {
  Checked heads = description.heads;
  Checked keyRow = Checked(description.latent) + description.rope;
  Checked queries = heads * (Checked(description.nope) + description.rope);
  Checked absorbed = heads * keyRow;
  Checked results = heads * (Checked(description.latent) + description.value);
  uint64_t shared = uint64_t{description.sharedExperts} * description.expertWidth;
  Checked feedForward = Checked(std::max<uint64_t>(description.denseWidth, shared)) * 2;
  return (queries + absorbed + results + description.queryLatent + keyRow + feedForward) * kFloat;
}

Checked decodeBytes(const ModelDescription &description, uint64_t sequences) {
  Checked logits = Checked(description.vocabulary) * kFloat;
  return (promptRowBytes(description) + chunkRowBytes(description) + logits) * sequences;
}

Checked ringBytes(const ModelWeights &weights, uint64_t sequences) {
  Checked used = Checked(weights.description.expertsUsed) * sequences;
  uint64_t experts = used.atMost(weights.description.experts) ? used.value() : weights.description.experts;
  return Checked(experts) * 2 * weights.largestExpertBuffers();
}

} // namespace strata
