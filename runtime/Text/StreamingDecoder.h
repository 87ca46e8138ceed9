// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Tokens to text while they are made, never cutting a character in two.
#pragma once

#include "runtime/Text/Vocabulary.h"

namespace strata::text {

/// Turns token ids into valid UTF-8. A character whose bytes are spread over tokens is held back until its last byte
/// came; bytes that cannot be a character become U+FFFD.
class StreamingDecoder {
public:
  /// `vocabulary` must outlive the decoder.
  explicit StreamingDecoder(const Vocabulary &vocabulary) : vocab(vocabulary) {}

  /// The text that is complete with this token; often empty, never ending inside a character.
  std::string feed(int32_t token);

  /// The end of the stream: U+FFFD for a character that was never completed, otherwise nothing.
  std::string flush();

private:
  const Vocabulary &vocab;
  std::string pending; ///< The beginning of a character, at most 3 bytes.
};

} // namespace strata::text
