// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Base/Error.h"

#include <fmt/format.h>

namespace strata {

std::string formatError(std::string_view tool, const Error &error) {
  if (error.id.empty())
    return fmt::format("{}: error: {}", tool, error.message);
  return fmt::format("{}: error: {} [{}]", tool, error.message, error.id);
}

/// The length of the valid UTF-8 character at `text[at]`, or 0.
static size_t characterLength(std::string_view text, size_t at) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char lead = byte(at);
  size_t length = lead < 0x80                   ? 1
                  : lead >= 0xC2 && lead < 0xE0 ? 2
                  : lead >= 0xE0 && lead < 0xF0 ? 3
                  : lead >= 0xF0 && lead < 0xF5 ? 4
                                                : 0;
  if (length == 0 || at + length > text.size())
    return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(at + i) & 0xC0) != 0x80)
      return 0;
  if ((lead == 0xE0 && byte(at + 1) < 0xA0) || (lead == 0xED && byte(at + 1) >= 0xA0) ||
      (lead == 0xF0 && byte(at + 1) < 0x90) || (lead == 0xF4 && byte(at + 1) >= 0x90))
    return 0;
  return length;
}

std::string escapeName(std::string_view name) {
  constexpr size_t kLongest = 80;
  std::string escaped;
  size_t characters = 0;
  for (size_t at = 0; at < name.size(); ++characters) {
    if (characters == kLongest)
      return escaped + "...";
    size_t length = characterLength(name, at);
    auto byte = static_cast<unsigned char>(name[at]);
    bool plain = length > 1 || (length == 1 && byte >= 0x20 && byte != 0x7F && byte != '"' && byte != '\\');
    // C1 control characters (U+0080..U+009F) move a terminal's cursor as much as C0 ones do.
    if (length == 2 && byte == 0xC2 && static_cast<unsigned char>(name[at + 1]) < 0xA0)
      plain = false;
    if (plain) {
      escaped.append(name.substr(at, length));
      at += length;
    } else {
      escaped += fmt::format("\\x{:02x}", byte);
      ++at;
    }
  }
  return escaped;
}

} // namespace strata
