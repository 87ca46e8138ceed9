// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Text/BytePairs.h"

#include <fmt/format.h>

namespace strata::text {

Result<void> BytePairEncoder::encode(std::string_view piece, std::vector<int32_t> &ids) {
  if (piece.empty())
    return {};
  STRATA_TRY(begin(piece));
  for (size_t left = 0; left + 1 < nodes.size(); ++left)
    consider(left);
  while (!queue.empty()) {
    Candidate best = queue.top();
    queue.pop();
    if (!isStale(best))
      apply(best);
  }
  // The first node is never the right one of a merge.
  for (size_t at = 0; at != kNone; at = nodes[at].next)
    ids.push_back(nodes[at].token);
  return {};
}

Result<void> BytePairEncoder::begin(std::string_view piece) {
  nodes.clear();
  for (size_t at = 0; at < piece.size(); ++at) {
    auto byte = static_cast<unsigned char>(piece[at]);
    std::optional<int32_t> token = vocab.byteToken(byte);
    if (!token)
      return fail(ExitCode::Input, "",
                  fmt::format("the vocabulary has no token for the byte 0x{:02x} of the text; leave it out", byte));
    nodes.push_back({*token, at == 0 ? kNone : at - 1, at + 1 == piece.size() ? kNone : at + 1});
  }
  return {};
}

void BytePairEncoder::consider(size_t left) {
  size_t right = nodes[left].next;
  if (std::optional<Vocabulary::Merge> merge = vocab.findMerge(nodes[left].token, nodes[right].token))
    queue.push({*merge, left, nodes[left].token, nodes[right].token});
}

bool BytePairEncoder::isStale(const Candidate &candidate) const {
  const Node &left = nodes[candidate.left];
  return left.token != candidate.leftToken || left.next == kNone || nodes[left.next].token != candidate.rightToken;
}

void BytePairEncoder::apply(const Candidate &candidate) {
  constexpr int32_t kUnlinked = -1;
  Node &left = nodes[candidate.left];
  Node &right = nodes[left.next];
  left.token = candidate.merge.token;
  left.next = right.next;
  right.token = kUnlinked;
  if (left.next != kNone) {
    nodes[left.next].previous = candidate.left;
    consider(candidate.left);
  }
  if (left.previous != kNone)
    consider(left.previous);
}

} // namespace strata::text
