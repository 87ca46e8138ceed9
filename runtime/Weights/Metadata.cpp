// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Weights/Metadata.h"

#include <array>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <type_traits>

namespace strata::gguf {

void StringArray::append(std::string_view text) {
  bytes.append(text);
  ends.push_back(bytes.size());
}

char *StringArray::appendUninitialised(uint64_t count) {
  size_t start = bytes.size();
  bytes.resize(start + count);
  ends.push_back(bytes.size());
  return bytes.data() + start;
}

std::string_view StringArray::at(uint64_t index) const {
  uint64_t start = index == 0 ? 0 : ends[index - 1];
  return std::string_view(bytes).substr(start, ends[index] - start);
}

std::string_view typeName(const Value &value) {
  // In the order of Value's alternatives.
  static constexpr std::array<std::string_view, std::variant_size_v<Value>> kNames = {"u8",
                                                                                      "i8",
                                                                                      "u16",
                                                                                      "i16",
                                                                                      "u32",
                                                                                      "i32",
                                                                                      "f32",
                                                                                      "bool",
                                                                                      "string",
                                                                                      "u64",
                                                                                      "i64",
                                                                                      "f64",
                                                                                      "array of string",
                                                                                      "array of u8",
                                                                                      "array of i8",
                                                                                      "array of u16",
                                                                                      "array of i16",
                                                                                      "array of u32",
                                                                                      "array of i32",
                                                                                      "array of f32",
                                                                                      "array of bool",
                                                                                      "array of u64",
                                                                                      "array of i64",
                                                                                      "array of f64"};
  return kNames[value.index()];
}

Metadata::Metadata(std::string sourceName, std::vector<KeyValue> keyValues)
    : source(std::move(sourceName)), entries(std::move(keyValues)) {
  index.reserve(entries.size());
  for (size_t i = 0; i < entries.size(); ++i)
    index.emplace(entries[i].key, i);
}

const Value *Metadata::find(std::string_view key) const {
  auto found = index.find(key);
  return found == index.end() ? nullptr : &entries[found->second].value;
}

Result<const Value *> Metadata::require(std::string_view key) const {
  const Value *value = find(key);
  if (!value)
    return fail(ExitCode::Input, "G44",
                fmt::format("{}: the key \"{}\" is missing; convert the model again with a current converter",
                            escapeName(source), escapeName(key)));
  return value;
}

tl::unexpected<Error> Metadata::wrongType(std::string_view key, const Value &value, std::string_view expected) const {
  return fail(ExitCode::Input, "G44",
              fmt::format("{}: the key \"{}\" is of type {}, not {}; convert the model again with a current converter",
                          escapeName(source), escapeName(key), typeName(value), expected));
}

Result<std::string_view> Metadata::getString(std::string_view key) const {
  STRATA_ASSIGN(const Value *value, require(key));
  if (const auto *text = std::get_if<std::string>(value))
    return *text;
  return wrongType(key, *value, "string");
}

template <typename T> static constexpr bool isInteger = std::is_integral_v<T> && !std::is_same_v<T, bool>;

Result<uint64_t> Metadata::getUnsigned(std::string_view key) const {
  STRATA_ASSIGN(const Value *value, require(key));
  return std::visit(
      [&](const auto &held) -> Result<uint64_t> {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (isInteger<Held>) {
          if (std::cmp_greater_equal(held, 0))
            return static_cast<uint64_t>(held);
          return fail(ExitCode::Input, "G44",
                      fmt::format("{}: the key \"{}\" is {}, which must not be negative; convert the model again with "
                                  "a current converter",
                                  escapeName(source), escapeName(key), held));
        } else {
          return wrongType(key, *value, "an integer");
        }
      },
      *value);
}

Result<double> Metadata::getFloat(std::string_view key) const {
  STRATA_ASSIGN(const Value *value, require(key));
  if (const auto *single = std::get_if<float>(value))
    return static_cast<double>(*single);
  if (const auto *wide = std::get_if<double>(value))
    return *wide;
  return wrongType(key, *value, "f32 or f64");
}

Result<bool> Metadata::getBool(std::string_view key) const {
  STRATA_ASSIGN(const Value *value, require(key));
  if (const auto *truth = std::get_if<bool>(value))
    return *truth;
  return wrongType(key, *value, "bool");
}

Result<const StringArray *> Metadata::getStrings(std::string_view key) const {
  STRATA_ASSIGN(const Value *value, require(key));
  if (const auto *strings = std::get_if<StringArray>(value))
    return strings;
  return wrongType(key, *value, "array of string");
}

/// Nothing if an element does not fit.
template <typename T> static std::optional<std::vector<int64_t>> widen(const std::vector<T> &elements) {
  if constexpr (std::is_same_v<T, uint64_t>)
    for (uint64_t element : elements)
      if (element > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
        return std::nullopt;
  std::vector<int64_t> wide;
  wide.reserve(elements.size());
  for (T element : elements)
    wide.push_back(static_cast<int64_t>(element));
  return wide;
}

template <typename T> struct ElementOf {
  using Type = void;
};
template <typename T> struct ElementOf<std::vector<T>> {
  using Type = T;
};

Result<std::vector<int64_t>> Metadata::getIntegers(std::string_view key) const {
  STRATA_ASSIGN(const Value *value, require(key));
  return std::visit(
      [&](const auto &held) -> Result<std::vector<int64_t>> {
        if constexpr (isInteger<typename ElementOf<std::decay_t<decltype(held)>>::Type>)
          if (auto wide = widen(held))
            return *std::move(wide);
        return wrongType(key, *value, "array of integers below 2^63");
      },
      *value);
}

} // namespace strata::gguf
