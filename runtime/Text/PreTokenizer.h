// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Splitting a text into the pieces that BPE does not merge across.
#pragma once

#include "runtime/Base/Error.h"

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace strata::text {

/// How many steps a match may take: a base and a share for every byte of the text.
struct MatchLimit {
  uint64_t base = 10'000'000;
  uint64_t perByte = 16;
};

/// The split expressions of one `tokenizer.ggml.pre`. Immutable, so that threads may share it.
class PreTokenizer {
public:
  /// Known: "deepseek-v3". Any other name is an error, exit code 1.
  static Result<PreTokenizer> create(std::string_view name, MatchLimit limit = {});

  PreTokenizer(PreTokenizer &&);
  PreTokenizer &operator=(PreTokenizer &&);
  ~PreTokenizer();

  /// Appends the pieces of `text`, which must be UTF-8, to `pieces`; together they are `text`. Error (exit code 1):
  /// the matcher ran past its limit, which its expressions, linear in the text, do not reach by themselves.
  Result<void> split(std::string_view text, std::vector<std::string_view> &pieces) const;

private:
  struct Expressions;
  explicit PreTokenizer(std::unique_ptr<Expressions> compiled);
  std::unique_ptr<Expressions> expressions;
};

} // namespace strata::text
