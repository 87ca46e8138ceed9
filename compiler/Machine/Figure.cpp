// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Machine/Figure.h"

#include "runtime/Base/Size.h"

#include <array>
#include <charconv>
#include <fmt/format.h>
#include <span>

namespace strata {
using nlohmann::json;

namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array<Unit, 7> kByteRates = {{{"B/s", 1},
                                             {"MB/s", 1e6},
                                             {"GB/s", 1e9},
                                             {"TB/s", 1e12},
                                             {"KiB/s", 1024},
                                             {"MiB/s", 1048576},
                                             {"GiB/s", 1073741824}}};
constexpr std::array<Unit, 3> kOperationRates = {{{"OPS", 1}, {"GOPS", 1e9}, {"TOPS", 1e12}}};
constexpr std::array<Unit, 4> kTimes = {{{"s", 1}, {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}}};
constexpr double kLargest = 1e18;

struct KindInfo {
  std::span<const Unit> units;
  std::string_view example;
};

KindInfo kindInfo(FigureKind kind) {
  switch (kind) {
  case FigureKind::BytesPerSecond:
    return {kByteRates, "12.5GB/s"};
  case FigureKind::OperationsPerSecond:
    return {kOperationRates, "40TOPS"};
  case FigureKind::Seconds:
    break;
  }
  return {kTimes, "80us"};
}

tl::unexpected<std::string> wrong(std::string sentence) {
  return tl::unexpected<std::string>(std::move(sentence));
}

/// The one value of {"measured": …} or {"assumed": …}, and which it was.
struct Marked {
  std::string text;
  bool measured;
};

Parsed<Marked> parseMark(const json &value, std::string_view where, std::string_view example) {
  bool measured = value.is_object() && value.contains("measured");
  if (!value.is_object() || value.size() != 1 || (!measured && !value.contains("assumed")))
    return wrong(
        fmt::format(R"("{}" must say one of measured and assumed; write {{"assumed": "{}"}})", where, example));
  const json &text = value.begin().value();
  if (!text.is_string())
    return wrong(fmt::format(R"("{}" is no text with a unit; write {{"assumed": "{}"}})", where, example));
  return Marked{text.get<std::string>(), measured};
}

} // namespace

Parsed<double> parseQuantity(std::string_view text, FigureKind kind) {
  KindInfo info = kindInfo(kind);
  auto refuse = [&](std::string_view what) {
    return wrong(fmt::format("\"{}\" {}; write it as {}", escapeName(text), what, info.example));
  };
  // from_chars would take a sign, "inf" and "nan".
  if (text.empty() || text.front() < '0' || text.front() > '9')
    return refuse("is no positive number with a unit");
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc())
    return refuse("is a number out of range");
  std::string_view name = text.substr(static_cast<size_t>(end - text.data()));
  for (const Unit &unit : info.units) {
    if (unit.name != name)
      continue;
    double value = number * unit.factor;
    if (!(value > 0) || value > kLargest)
      return refuse(value > 0 ? "is too large" : "is zero");
    return value;
  }
  return refuse(name.empty() ? "has no unit" : "has an unknown unit");
}

Parsed<Figure> parseFigure(const json &value, FigureKind kind, std::string_view where) {
  Parsed<Marked> marked = parseMark(value, where, kindInfo(kind).example);
  if (!marked)
    return wrong(marked.error());
  Parsed<double> number = parseQuantity(marked->text, kind);
  if (!number)
    return wrong(fmt::format("\"{}\": {}", where, number.error()));
  return Figure{*number, marked->measured};
}

Parsed<SizeFigure> parseSizeFigure(const json &value, std::string_view where) {
  Marked marked = {value.is_string() ? value.get<std::string>() : value.dump(), false};
  if (value.is_object()) {
    Parsed<Marked> parsed = parseMark(value, where, "40GiB");
    if (!parsed)
      return wrong(parsed.error());
    marked = *std::move(parsed);
  }
  Result<uint64_t> bytes = parseSize(marked.text);
  if (!bytes)
    return wrong(fmt::format("\"{}\": {}", where, bytes.error().message));
  return SizeFigure{*bytes, marked.measured};
}

Parsed<uint32_t> parseCount(const json &value, uint32_t most, std::string_view where) {
  // A number above int64's range reads as unsigned and would wrap.
  bool positive = value.is_number_unsigned() && value.get<uint64_t>() >= 1 && value.get<uint64_t>() <= most;
  if (!positive)
    return wrong(fmt::format("\"{}\" is no whole number between 1 and {}", where, most));
  return value.get<uint32_t>();
}

json formatFigure(const Figure &figure, FigureKind kind) {
  std::string text = fmt::format("{}{}", figure.value, kindInfo(kind).units.front().name);
  return json{{figure.measured ? "measured" : "assumed", text}};
}

json formatSizeFigure(uint64_t bytes, bool measured) {
  return json{{measured ? "measured" : "assumed", fmt::format("{}B", bytes)}};
}

} // namespace strata
