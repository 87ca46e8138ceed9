// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Base/Utf8.h"

namespace strata {

/// The length that a lead byte announces; 0 if it cannot begin a character.
static size_t announcedLength(unsigned char lead) {
  if (lead < 0x80)
    return 1;
  if (lead < 0xC2 || lead > 0xF4)
    return 0;
  return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/// The range of the second byte excludes overlong forms, surrogates and what is above U+10FFFF.
static bool secondByteFits(unsigned char lead, unsigned char second) {
  unsigned char lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned char highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  return second >= lowest && second <= highest;
}

size_t utf8CharacterLength(std::string_view text, size_t at) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[at + i]); };
  size_t length = announcedLength(byte(0));
  if (length > text.size() - at)
    return 0;
  if (length > 1 && !secondByteFits(byte(0), byte(1)))
    return 0;
  for (size_t i = 2; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80)
      return 0;
  return length;
}

bool isValidUtf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    size_t length = utf8CharacterLength(text, at);
    if (length == 0)
      return false;
    at += length;
  }
  return true;
}

bool isPrintableUtf8(std::string_view text) {
  if (!isValidUtf8(text))
    return false;
  for (size_t at = 0; at < text.size(); ++at) {
    auto byte = static_cast<unsigned char>(text[at]);
    bool c1 = byte == 0xC2 && static_cast<unsigned char>(text[at + 1]) < 0xA0;
    if (byte < 0x20 || byte == 0x7F || c1)
      return false;
  }
  return true;
}

} // namespace strata
