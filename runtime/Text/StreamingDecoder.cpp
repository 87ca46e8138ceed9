// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Text/StreamingDecoder.h"

#include "runtime/Text/Utf8.h"

namespace strata::text {

std::string StreamingDecoder::feed(int32_t token) {
  pending += vocab.bytes(token);
  std::string text;
  size_t at = 0;
  while (at < pending.size()) {
    std::string_view rest = std::string_view(pending).substr(at);
    Utf8Step step = utf8Step(rest);
    if (step.kind == Utf8Kind::Incomplete)
      break;
    text += step.kind == Utf8Kind::Character ? rest.substr(0, step.length) : kReplacement;
    at += step.length;
  }
  pending.erase(0, at);
  return text;
}

std::string StreamingDecoder::flush() {
  std::string text(pending.empty() ? std::string_view() : kReplacement);
  pending.clear();
  return text;
}

} // namespace strata::text
