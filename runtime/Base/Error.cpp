// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Base/Error.h"

#include "runtime/Base/Utf8.h"

#include <fmt/format.h>

namespace strata {

std::string formatError(std::string_view tool, const Error &error) {
  if (error.id.empty())
    return fmt::format("{}: error: {}", tool, error.message);
  return fmt::format("{}: error: {} [{}]", tool, error.message, error.id);
}

std::string escapeName(std::string_view name) {
  constexpr size_t kLongest = 80;
  std::string escaped;
  size_t characters = 0;
  for (size_t at = 0; at < name.size(); ++characters) {
    if (characters == kLongest)
      return escaped + "...";
    std::string_view character = name.substr(at, utf8CharacterLength(name, at));
    if (!character.empty() && isPrintableUtf8(character) && character != "\"" && character != "\\") {
      escaped.append(character);
      at += character.size();
    } else {
      escaped += fmt::format("\\x{:02x}", static_cast<unsigned char>(name[at]));
      ++at;
    }
  }
  return escaped;
}

} // namespace strata
