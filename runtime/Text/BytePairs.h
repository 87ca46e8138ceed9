// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Byte-pair encoding of one piece of text.
#pragma once

#include "runtime/Text/Vocabulary.h"

#include <queue>

namespace strata::text {

/// Merges the best-ranked pair of neighbours, the leftmost among equals, until none is left (Sennrich et al. 2016).
/// A piece of n bytes takes O(n log n) steps. Keeps its buffers from piece to piece: one per thread.
class BytePairEncoder {
public:
  /// `vocabulary` must outlive the encoder.
  explicit BytePairEncoder(const Vocabulary &vocabulary) : vocab(vocabulary) {}

  /// Appends the ids of `piece`. Error (exit code 1): a byte that has no token.
  Result<void> encode(std::string_view piece, std::vector<int32_t> &ids);

private:
  static constexpr size_t kNone = SIZE_MAX;

  /// A token of the piece, in a list: merging unlinks the right one.
  struct Node {
    int32_t token;
    size_t previous;
    size_t next;
  };
  /// Two neighbours that may merge. Stale once either has become something else.
  struct Candidate {
    Vocabulary::Merge merge;
    size_t left;
    int32_t leftToken, rightToken;
    /// For a queue whose top is the largest.
    bool operator<(const Candidate &other) const {
      return merge.rank != other.merge.rank ? merge.rank > other.merge.rank : left > other.left;
    }
  };

  Result<void> begin(std::string_view piece);
  void consider(size_t left);
  bool isStale(const Candidate &candidate) const;
  void apply(const Candidate &candidate);

  const Vocabulary &vocab;
  std::vector<Node> nodes;
  std::priority_queue<Candidate> queue;
};

} // namespace strata::text
