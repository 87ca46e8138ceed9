// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The words of a PTX text.
#pragma once

#include "runtime/Base/Error.h"

#include <string_view>
#include <vector>

namespace strata::sim {

struct Token {
  enum class Kind : uint8_t { word, number, string, punctuation, end };
  Kind kind = Kind::end;
  std::string_view text; ///< Of a string without its quotes.
  uint32_t line = 0;

  bool is(std::string_view other) const { return text == other && kind != Kind::string; }
};

/// A word begins with a letter, '.', '%', '$' or '_' and goes on with these and digits: `ld.global.v4.u32` and `%tid.x`
/// are one word each. Comments are left out; the last token is of kind `end`. Exit code 1 for a character that PTX does
/// not have, and for a comment or string without an end.
Result<std::vector<Token>> tokenise(std::string_view text);

/// "PTX line 12: SENTENCE", with exit code 1.
tl::unexpected<Error> ptxError(uint32_t line, std::string_view sentence);

} // namespace strata::sim
