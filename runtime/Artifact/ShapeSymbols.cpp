// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Artifact/ShapeSymbols.h"

#include <algorithm>

namespace strata::artifact {

std::string_view takePart(std::string_view &text, char separator) {
  size_t end = std::min(text.find(separator), text.size());
  std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

ShapeSymbols::ShapeSymbols(const schema::Artifact &artifact, const schema::Dispatch &dispatch) {
  of('V') = artifact.model()->vocabulary();
  of('L') = artifact.kv()->latent();
  of('R') = artifact.kv()->rope();
  if (const auto *rope = dispatch.parameters_as_RopeParameters()) {
    of('H') = rope->heads();
    of('P') = rope->nope();
  }
  if (const auto *attention = dispatch.parameters_as_AttentionParameters()) {
    of('H') = attention->heads();
    uint64_t context = artifact.settings()->context();
    if (uint64_t split = attention->split_positions(); split != 0)
      of('s') = (context + split - 1) / split;
  }
  if (const auto *head = dispatch.parameters_as_HeadParameters())
    of('H') = head->heads();
  if (const auto *route = dispatch.parameters_as_RouteParameters())
    of('k') = route->experts_used();
  if (const auto *experts = dispatch.parameters_as_ExpertParameters()) {
    of('X') = experts->experts();
    of('k') = experts->experts_used();
    of('F') = experts->width();
    of('S') = experts->shared_width();
    of('M') = std::max(experts->width(), experts->shared_width());
  }
}

void ShapeSymbols::bind(std::string_view shape, uint64_t actual) {
  if (shape.size() == 1 && (shape[0] < '0' || shape[0] > '9') && !of(shape[0]))
    of(shape[0]) = actual;
}

Checked ShapeSymbols::factor(std::string_view text) const {
  if (text.size() != 1)
    return Checked(-1);
  if (text[0] >= '0' && text[0] <= '9')
    return Checked(text[0] - '0');
  const std::optional<uint64_t> &number = letters[static_cast<unsigned char>(text[0]) % letters.size()];
  return number ? Checked(*number) : Checked(-1);
}

Checked ShapeSymbols::product(std::string_view text) const {
  Checked result = 1;
  while (!text.empty())
    result *= factor(takePart(text, '*'));
  return result;
}

Checked ShapeSymbols::evaluate(std::string_view shape) const {
  Checked result;
  while (!shape.empty())
    result += product(takePart(shape, '+'));
  return result;
}

} // namespace strata::artifact
