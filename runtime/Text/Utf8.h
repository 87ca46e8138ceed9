// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Where UTF-8 characters begin and end, and where a text is not UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace strata::text {

enum class Utf8Kind {
  Character,  ///< One whole character.
  Invalid,    ///< Bytes that no continuation can make a character.
  Incomplete, ///< The beginning of a character that the text's end cuts off.
};

struct Utf8Step {
  Utf8Kind kind;
  size_t length; ///< In bytes, at least 1.
};

/// What stands at the beginning of `text`, which must not be empty. Invalid bytes are taken in maximal subparts
/// (Unicode 15, section 3.9, "U+FFFD Substitution of Maximal Subparts").
Utf8Step utf8Step(std::string_view text);

/// The length of the longest prefix of `text` that is UTF-8 throughout.
size_t validUtf8Prefix(std::string_view text);

inline bool isUtf8(std::string_view text) {
  return validUtf8Prefix(text) == text.size();
}

/// U+FFFD, the replacement character.
inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// Appends a code point (below U+110000) as UTF-8.
void appendUtf8(std::string &text, char32_t codePoint);

/// The code point of the character that is the whole of `character`, one utf8Step of kind Character.
char32_t decodeUtf8(std::string_view character);

} // namespace strata::text
