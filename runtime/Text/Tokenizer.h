// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Text to token ids and back.
#pragma once

#include "runtime/Text/PreTokenizer.h"
#include "runtime/Text/Vocabulary.h"

#include <span>

namespace strata::text {

/// A byte-level BPE tokenizer. Immutable, so that threads may share it.
class Tokenizer {
public:
  /// A vocabulary whose `tokenizer.ggml.model` or `.pre` is unsupported makes a tokenizer that decodes and refuses to
  /// encode.
  explicit Tokenizer(Vocabulary vocabulary);

  const Vocabulary &vocabulary() const { return vocab; }

  /// The ids of `text`; no BOS or EOS is added. With `parseSpecial` the names of special tokens in the text become
  /// those tokens (the longest where several fit), without it they are text like any other. Bytes that are not UTF-8
  /// are encoded byte by byte, so decode(encode(x)) is x for any bytes.
  /// Errors, exit code 1: an unsupported tokenizer; a byte that has no token; a limit of the split expressions.
  Result<std::vector<int32_t>> encode(std::string_view text, bool parseSpecial) const;

  /// The bytes of all tokens, special ones by name; ids that name no token add nothing. Not necessarily UTF-8: see
  /// StreamingDecoder.
  std::string decode(std::span<const int32_t> ids) const;

private:
  Result<void> encodeText(std::string_view text, std::vector<int32_t> &ids) const;

  Vocabulary vocab;
  Result<PreTokenizer> preTokenizer; ///< Or why text is refused.
};

} // namespace strata::text
