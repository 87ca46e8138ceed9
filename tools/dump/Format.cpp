// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How strata-dump writes numbers, names and shapes.
#include "tools/dump/Dump.h"

#include "runtime/Weights/Encoding.h"

#include <array>

namespace strata::dump {

std::string banner(std::string_view title) {
  constexpr std::size_t kWidth = 100;
  std::string line = fmt::format("== {} ", title);
  line.append(line.size() < kWidth ? kWidth - line.size() : 2, '=');
  return line + "\n";
}

std::string bytes(uint64_t number) {
  constexpr std::array<std::string_view, 5> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (number < 10240)
    return fmt::format("{} B", number);
  double scaled = static_cast<double>(number) / 1024;
  std::size_t unit = 0;
  for (; scaled >= 1024 && unit + 1 < kUnits.size(); ++unit)
    scaled /= 1024;
  return fmt::format("{:.1f} {}", scaled, kUnits[unit]);
}

std::string thousands(uint64_t number) {
  std::string digits = fmt::format("{}", number);
  std::string grouped;
  for (std::size_t place = 0; place < digits.size(); ++place) {
    if (place != 0 && (digits.size() - place) % 3 == 0)
      grouped += ',';
    grouped += digits[place];
  }
  return grouped;
}

std::string name(const flatbuffers::String *text) {
  return text ? escapeName(std::string_view(text->c_str(), text->size())) : "";
}

std::string encoding(uint32_t id) {
  std::optional<EncodingInfo> known = encodingInfo(id);
  return known ? std::string(known->name) : fmt::format("type {}", id);
}

std::string shape(const flatbuffers::Vector<uint64_t> &dimensions) {
  return fmt::format("{}", fmt::join(dimensions.begin(), dimensions.end(), "x"));
}

} // namespace strata::dump
