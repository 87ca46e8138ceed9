// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Text/ByteSpelling.h"

#include "runtime/Text/Utf8.h"

#include <array>

namespace strata::text {

static constexpr bool isPrintable(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

static constexpr std::array<char32_t, 256> makeSpelling() {
  std::array<char32_t, 256> spelling{};
  char32_t next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte)
    spelling[byte] = isPrintable(byte) ? byte : next++;
  return spelling;
}

static constexpr std::array<char32_t, 256> kSpelling = makeSpelling();
/// 68 bytes are not printable.
static constexpr char32_t kSpellingEnd = 0x100 + 68;

/// -1 where a character spells no byte.
static constexpr std::array<int16_t, kSpellingEnd> makeUnspelling() {
  std::array<int16_t, kSpellingEnd> bytes{};
  bytes.fill(-1);
  for (unsigned byte = 0; byte < 256; ++byte)
    bytes[kSpelling[byte]] = static_cast<int16_t>(byte);
  return bytes;
}

static constexpr std::array<int16_t, kSpellingEnd> kUnspelling = makeUnspelling();

char32_t spellByte(uint8_t byte) {
  return kSpelling[byte];
}

std::optional<uint8_t> unspellByte(char32_t character) {
  if (character >= kSpellingEnd || kUnspelling[character] < 0)
    return std::nullopt;
  return static_cast<uint8_t>(kUnspelling[character]);
}

void appendUnspelled(std::string &bytes, std::string_view name) {
  while (!name.empty()) {
    Utf8Step step = utf8Step(name);
    std::string_view character = name.substr(0, step.length);
    name.remove_prefix(step.length);
    std::optional<uint8_t> byte;
    if (step.kind == Utf8Kind::Character)
      byte = unspellByte(decodeUtf8(character));
    if (byte)
      bytes.push_back(static_cast<char>(*byte));
    else
      bytes += character;
  }
}

} // namespace strata::text
