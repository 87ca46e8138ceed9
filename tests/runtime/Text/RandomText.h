// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Random texts for round-trip tests, from fixed seeds.
#pragma once

#include "runtime/Text/Utf8.h"

#include <random>

namespace strata::text {

class RandomText {
public:
  explicit RandomText(uint32_t seed) : engine(seed) {}

  /// Up to `characters` characters: mostly letters, spaces and what special tokens are made of, but also anything else.
  std::string utf8(size_t characters) {
    static constexpr std::string_view kUsual = "aab  \n\t.,<>09<bos><eos>";
    std::string text;
    for (size_t count = below(characters + 1); count > 0; --count) {
      if (below(3) != 0)
        text += kUsual[below(kUsual.size())];
      else
        appendUtf8(text, codePoint());
    }
    return text;
  }

  std::string bytes(size_t length) {
    std::string text;
    for (size_t count = below(length + 1); count > 0; --count)
      text += below(2) ? static_cast<char>(below(256)) : static_cast<char>('a' + below(3));
    return text;
  }

  size_t below(size_t end) { return engine() % end; }

private:
  /// Planes and blocks of very different sizes get their share.
  char32_t codePoint() {
    static constexpr char32_t kEnds[] = {0x80, 0x800, 0x3100, 0xD800, 0x10000, 0x20000, 0x110000};
    char32_t codePoint = static_cast<char32_t>(below(kEnds[below(std::size(kEnds))]));
    return codePoint >= 0xD800 && codePoint < 0xE000 ? U'\u3042' : codePoint;
  }

  std::mt19937 engine;
};

} // namespace strata::text
