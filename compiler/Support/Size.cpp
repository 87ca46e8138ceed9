// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Support/Size.h"

#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace strata {

struct Unit {
  std::string_view name;
  double bytes;
};

// Binary units in ascending order first: formatSize walks them.
static constexpr std::array<Unit, 9> kUnits = {{{"B", 1},
                                                {"KiB", 1024.0},
                                                {"MiB", 1048576.0},
                                                {"GiB", 1073741824.0},
                                                {"TiB", 1099511627776.0},
                                                {"KB", 1e3},
                                                {"MB", 1e6},
                                                {"GB", 1e9},
                                                {"TB", 1e12}}};
static constexpr size_t kBinaryUnits = 5;

Result<uint64_t> parseSize(std::string_view text) {
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  std::string_view suffix = text.substr(static_cast<size_t>(end - text.data()));
  if (suffix.starts_with(' '))
    suffix.remove_prefix(1);
  for (const Unit &unit : kUnits) {
    if (error != std::errc() || suffix != unit.name)
      continue;
    double bytes = number * unit.bytes;
    // 2^63 keeps every later sum of a few sizes inside 64 bits.
    if (!(bytes >= 0) || bytes >= 9223372036854775808.0)
      return fail(ExitCode::CommandLine, "", fmt::format("the size '{}' is out of range", escapeName(text)));
    return static_cast<uint64_t>(bytes);
  }
  return fail(ExitCode::CommandLine, "",
              fmt::format("'{}' is no size: write a number with its unit, as 8GiB or 8GB", escapeName(text)));
}

std::string formatSize(uint64_t bytes) {
  size_t unit = 0;
  while (unit + 1 < kBinaryUnits && static_cast<double>(bytes) >= kUnits[unit + 1].bytes)
    ++unit;
  if (unit == 0)
    return fmt::format("{} B", bytes);
  return fmt::format("{:.3f} {}", static_cast<double>(bytes) / kUnits[unit].bytes, kUnits[unit].name);
}

std::string formatCount(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t at = digits.size(); at > 3; at -= 3)
    digits.insert(at - 3, 1, ',');
  return digits;
}

} // namespace strata
