// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The key-values of a GGUF file.
#pragma once

#include "runtime/Base/Error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace strata::gguf {

/// Value types with the ids that GGUF gives them.
enum class ValueType : uint32_t {
  UInt8 = 0,
  Int8 = 1,
  UInt16 = 2,
  Int16 = 3,
  UInt32 = 4,
  Int32 = 5,
  Float32 = 6,
  Bool = 7,
  String = 8,
  Array = 9,
  UInt64 = 10,
  Int64 = 11,
  Float64 = 12
};

/// An array of strings in one block of bytes: a vocabulary has 129,280 of them, and as many allocations would be slow.
class StringArray {
public:
  void reserve(uint64_t count) { ends.reserve(count); }
  void append(std::string_view text);
  /// Appends `count` bytes that the caller fills in.
  char *appendUninitialised(uint64_t count);

  uint64_t size() const { return ends.size(); }
  bool empty() const { return ends.empty(); }
  /// The string at `index`, which must be below size().
  std::string_view at(uint64_t index) const;
  bool operator==(const StringArray &) const = default;

private:
  std::string bytes;
  std::vector<uint64_t> ends; ///< Where each string ends in `bytes`.
};

using Value =
    std::variant<uint8_t, int8_t, uint16_t, int16_t, uint32_t, int32_t, float, bool, std::string, uint64_t, int64_t,
                 double, StringArray, std::vector<uint8_t>, std::vector<int8_t>, std::vector<uint16_t>,
                 std::vector<int16_t>, std::vector<uint32_t>, std::vector<int32_t>, std::vector<float>,
                 std::vector<bool>, std::vector<uint64_t>, std::vector<int64_t>, std::vector<double>>;

/// "u32", "string", "array of i32".
std::string_view typeName(const Value &value);

struct KeyValue {
  std::string key;
  Value value;
};

/// All key-values of a model, in file order, found by key in constant time.
/// The getters fail with G44, exit code 1, and name the key, when it is missing or of another type than asked for.
class Metadata {
public:
  Metadata() = default;
  /// `source` is the file's name, for errors; keys are distinct.
  Metadata(std::string source, std::vector<KeyValue> keyValues);
  Metadata(const Metadata &) = delete;
  Metadata &operator=(const Metadata &) = delete;
  Metadata(Metadata &&) = default;
  Metadata &operator=(Metadata &&) = default;

  const std::vector<KeyValue> &keyValues() const { return entries; }
  /// Nothing if there is no such key.
  const Value *find(std::string_view key) const;

  Result<std::string_view> getString(std::string_view key) const;
  /// Any integer type, if the number is not negative: writers differ in which one they use.
  Result<uint64_t> getUnsigned(std::string_view key) const;
  /// f32 or f64.
  Result<double> getFloat(std::string_view key) const;
  Result<bool> getBool(std::string_view key) const;
  Result<const StringArray *> getStrings(std::string_view key) const;
  /// An array of any integer type.
  Result<std::vector<int64_t>> getIntegers(std::string_view key) const;

private:
  Result<const Value *> require(std::string_view key) const;
  tl::unexpected<Error> wrongType(std::string_view key, const Value &value, std::string_view expected) const;

  std::string source;
  std::vector<KeyValue> entries;
  std::unordered_map<std::string_view, size_t> index; ///< Views of the entries' keys, which never move.
};

} // namespace strata::gguf
