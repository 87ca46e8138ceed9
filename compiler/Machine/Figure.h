// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The values of a machine file: quantities with units, each marked measured or assumed.
#pragma once

#include "compiler/Machine/Machine.h"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace strata {

/// What a figure is a number of; its units are in the error that names them.
enum class FigureKind : uint8_t { BytesPerSecond, OperationsPerSecond, Seconds };

/// The sentence of what is wrong with a value, without the file's name.
template <typename T> using Parsed = tl::expected<T, std::string>;

/// "12.5GB/s", "40TOPS", "80us". Never zero, negative or beyond 10^18.
Parsed<double> parseQuantity(std::string_view text, FigureKind kind);

/// {"measured": "12.5GB/s"} or {"assumed": "12.5GB/s"}: exactly one of the two. `where` is the key's path, "gpu.pcie".
Parsed<Figure> parseFigure(const nlohmann::json &value, FigureKind kind, std::string_view where);

struct SizeFigure {
  uint64_t bytes = 0;
  bool measured = false;
};

/// A size, "40GiB", or one that is marked: {"measured": "40GiB"}. One without a mark is assumed.
Parsed<SizeFigure> parseSizeFigure(const nlohmann::json &value, std::string_view where);

/// A whole number of 1 to `most`.
Parsed<uint32_t> parseCount(const nlohmann::json &value, uint32_t most, std::string_view where);

/// The text of a quantity, with all digits that it takes to read the same number back.
nlohmann::json formatFigure(const Figure &figure, FigureKind kind);
nlohmann::json formatSizeFigure(uint64_t bytes, bool measured);

} // namespace strata
