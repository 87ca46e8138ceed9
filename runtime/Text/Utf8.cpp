// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Text/Utf8.h"

namespace strata::text {

namespace {

/// A lead byte's length in bytes and the range of the byte after it (Unicode 15, table 3-7).
struct Lead {
  size_t length;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
};

Lead leadOf(unsigned char byte) {
  if (byte < 0x80)
    return {1};
  if (byte < 0xC2)
    return {0};
  if (byte < 0xE0)
    return {2};
  if (byte == 0xE0)
    return {3, 0xA0, 0xBF};
  if (byte == 0xED)
    return {3, 0x80, 0x9F};
  if (byte < 0xF0)
    return {3};
  if (byte == 0xF0)
    return {4, 0x90, 0xBF};
  if (byte < 0xF4)
    return {4};
  if (byte == 0xF4)
    return {4, 0x80, 0x8F};
  return {0};
}

} // namespace

Utf8Step utf8Step(std::string_view text) {
  Lead lead = leadOf(static_cast<unsigned char>(text[0]));
  if (lead.length == 0)
    return {Utf8Kind::Invalid, 1};
  unsigned char low = lead.low, high = lead.high;
  for (size_t at = 1; at < lead.length; ++at) {
    if (at == text.size())
      return {Utf8Kind::Incomplete, at};
    auto byte = static_cast<unsigned char>(text[at]);
    if (byte < low || byte > high)
      return {Utf8Kind::Invalid, at};
    low = 0x80;
    high = 0xBF;
  }
  return {Utf8Kind::Character, lead.length};
}

size_t validUtf8Prefix(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    Utf8Step step = utf8Step(text.substr(at));
    if (step.kind != Utf8Kind::Character)
      break;
    at += step.length;
  }
  return at;
}

void appendUtf8(std::string &text, char32_t codePoint) {
  auto append = [&](char32_t byte) { text.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
  if (codePoint < 0x80)
    return append(codePoint);
  if (codePoint < 0x800) {
    append(0xC0 | (codePoint >> 6));
  } else {
    if (codePoint < 0x10000) {
      append(0xE0 | (codePoint >> 12));
    } else {
      append(0xF0 | (codePoint >> 18));
      append(0x80 | ((codePoint >> 12) & 0x3F));
    }
    append(0x80 | ((codePoint >> 6) & 0x3F));
  }
  append(0x80 | (codePoint & 0x3F));
}

char32_t decodeUtf8(std::string_view character) {
  auto byte = [&](size_t at) { return static_cast<char32_t>(static_cast<unsigned char>(character[at])); };
  if (character.size() == 1)
    return byte(0);
  // A lead byte of a character of n bytes carries 7 - n bits.
  char32_t codePoint = byte(0) & ((1U << (7 - character.size())) - 1);
  for (size_t at = 1; at < character.size(); ++at)
    codePoint = (codePoint << 6) | (byte(at) & 0x3F);
  return codePoint;
}

} // namespace strata::text
