// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Base/Size.h"

#include "runtime/Base/Checked.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>

namespace strata {

namespace {
struct Unit {
  std::string_view name;
  uint64_t bytes;
};
} // namespace

static constexpr std::array<Unit, 9> kUnits = {{{"B", 1},
                                                {"KB", 1'000},
                                                {"MB", 1'000'000},
                                                {"GB", 1'000'000'000},
                                                {"TB", 1'000'000'000'000},
                                                {"KiB", 1ull << 10},
                                                {"MiB", 1ull << 20},
                                                {"GiB", 1ull << 30},
                                                {"TiB", 1ull << 40}}};

static bool isDigit(char character) {
  return character >= '0' && character <= '9';
}

/// Takes the digits at the beginning of `text`, at least one and not too many for 64 bits; invalid otherwise.
static Checked takeDigits(std::string_view &text) {
  uint64_t number = 0;
  if (text.empty() || !isDigit(text.front()))
    return Checked(-1);
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return error == std::errc() ? Checked(number) : Checked(-1);
}

/// `digits` after a decimal point, in units of `unit` bytes, rounded down.
static Checked fraction(std::string_view digits, uint64_t unit) {
  Checked scale = 1;
  for (size_t i = 0; i < digits.size(); ++i)
    scale *= 10;
  return takeDigits(digits) * unit / scale;
}

Result<uint64_t> parseSize(std::string_view text) {
  auto refuse = [&](std::string_view what) {
    return fail(ExitCode::CommandLine, "",
                fmt::format("the size \"{}\" {}; write it as 8GiB or 8GB", escapeName(text), what));
  };
  std::string_view rest = text;
  Checked whole = takeDigits(rest);
  std::string_view decimals;
  if (rest.starts_with(".")) {
    decimals = rest.substr(1, rest.find_first_not_of("0123456789", 1) - 1);
    rest.remove_prefix(1 + decimals.size());
    if (decimals.empty())
      return refuse("has no digit after its point");
  }
  if (rest.empty())
    return refuse("has no unit");
  const auto *unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit &one) { return one.name == rest; });
  if (unit == kUnits.end())
    return refuse("is not a number followed by B, KB, MB, GB, TB, KiB, MiB, GiB or TiB");
  Checked bytes = whole * unit->bytes;
  if (!decimals.empty())
    bytes += fraction(decimals, unit->bytes);
  if (!bytes.valid())
    return refuse("has no number, or one that is too large");
  return bytes.value();
}

std::string formatBytes(uint64_t bytes) {
  static constexpr std::array<std::string_view, 7> kNames = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024)
    return fmt::format("{} B", bytes);
  size_t unit = 0;
  auto number = static_cast<double>(bytes);
  // 1023.95 and more would be printed as 1024.0.
  for (; number >= 1023.95; ++unit)
    number /= 1024;
  return fmt::format("{:.1f} {}", number, kNames[unit]);
}

} // namespace strata
