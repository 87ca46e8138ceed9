// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// GGUF files for tests, right or wrong on purpose.
#pragma once

#include "runtime/Weights/Gguf.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace strata::gguf {

/// Makes the bytes of one GGUF file. Nothing is checked: whatever is set is written.
///
///   std::string file = GgufBuilder().set("general.architecture", "deepseek2").tensor("x", {2, 32},
///   Encoding::Q4_0).bytes(); std::string bad = GgufBuilder::like(tiny).remove("deepseek2.block_count").bytes();
class GgufBuilder {
public:
  /// What is written of a tensor. Its data are `bytes` bytes: those of `data`, then zeros.
  struct Tensor {
    std::string name;
    std::vector<uint64_t> dimensions; ///< Row-major, as in TensorInfo.
    uint32_t type = 0;
    uint64_t bytes = 0;
    std::string data;
    std::optional<uint64_t> offset;         ///< In the tensor data; by default after the tensor before.
    std::optional<uint32_t> dimensionCount; ///< Written in place of dimensions.size().
  };

  /// All keys and tensors of a model, as one file, with zeros for data.
  static GgufBuilder like(const Model &model) {
    GgufBuilder builder;
    for (const KeyValue &keyValue : model.metadata().keyValues())
      if (!keyValue.key.starts_with("split."))
        builder.keyValues.push_back(keyValue);
    for (const TensorInfo &info : model.tensors())
      builder.tensor(info.name, info.dimensions, info.encoding);
    return builder;
  }

  /// Adds a key or replaces its value. The type of `value` is the type written: 5u is u32, uint16_t(5) u16,
  /// 1.0f f32, "text" string, std::vector<int32_t>{1} an array of i32.
  template <typename T> GgufBuilder &set(std::string_view key, T value) {
    return setValue(key, Value(std::move(value)));
  }
  GgufBuilder &set(std::string_view key, const std::vector<std::string> &strings) {
    StringArray array;
    for (const std::string &text : strings)
      array.append(text);
    return setValue(key, Value(std::move(array)));
  }
  GgufBuilder &remove(std::string_view key) {
    std::erase_if(keyValues, [&](const KeyValue &keyValue) { return keyValue.key == key; });
    return *this;
  }
  /// Adds a key even if it is there.
  GgufBuilder &addAgain(std::string_view key, Value value) {
    keyValues.push_back({std::string(key), std::move(value)});
    return *this;
  }
  /// Bytes in place of a key-value, after all others; counted as one.
  GgufBuilder &rawKeyValue(std::string raw) {
    rawKeyValues.push_back(std::move(raw));
    return *this;
  }

  GgufBuilder &tensor(std::string_view name, std::vector<uint64_t> dimensions, Encoding encoding,
                      std::string data = {}) {
    uint64_t rows = 1;
    for (size_t i = 0; i + 1 < dimensions.size(); ++i)
      rows *= dimensions[i];
    uint64_t bytes = encodedBytes(encoding, dimensions.back(), rows).value();
    return tensor(Tensor{std::string(name), std::move(dimensions), static_cast<uint32_t>(encoding), bytes,
                         std::move(data), std::nullopt, std::nullopt});
  }
  GgufBuilder &tensor(Tensor added) {
    tensors.push_back(std::move(added));
    return *this;
  }
  GgufBuilder &removeTensor(std::string_view name) {
    std::erase_if(tensors, [&](const Tensor &one) { return one.name == name; });
    return *this;
  }
  /// Gives a tensor that exists other dimensions or another encoding.
  GgufBuilder &reshape(std::string_view name, std::vector<uint64_t> dimensions, Encoding encoding) {
    Tensor &old = find(name);
    GgufBuilder other;
    old = other.tensor(name, std::move(dimensions), encoding).tensors.front();
    return *this;
  }
  /// A tensor that exists, to be changed.
  Tensor &find(std::string_view name) {
    for (Tensor &one : tensors)
      if (one.name == name)
        return one;
    throw std::out_of_range("no such tensor: " + std::string(name));
  }

  GgufBuilder &magic(std::string_view text) { return magicText = text, *this; }
  GgufBuilder &version(uint32_t number) { return versionNumber = number, *this; }
  GgufBuilder &keyValueCount(uint64_t count) { return keyValueTotal = count, *this; }
  GgufBuilder &tensorCount(uint64_t count) { return tensorTotal = count, *this; }

  /// Everything up to the tensor data, its padding included.
  std::string header() const {
    std::string out = infos();
    out.resize(alignUp(out.size()));
    return out;
  }
  /// Everything up to the last tensor info, without padding.
  std::string infos() const {
    std::string out = magicText;
    put(out, versionNumber);
    put(out, tensorTotal.value_or(tensors.size()));
    put(out, keyValueTotal.value_or(keyValues.size() + rawKeyValues.size()));
    for (const KeyValue &keyValue : keyValues)
      out += encode(keyValue.key, keyValue.value);
    for (const std::string &raw : rawKeyValues)
      out += raw;
    uint64_t next = 0;
    for (const Tensor &one : tensors) {
      uint64_t offset = one.offset.value_or(next);
      putString(out, one.name);
      put(out, one.dimensionCount.value_or(static_cast<uint32_t>(one.dimensions.size())));
      for (size_t i = one.dimensions.size(); i-- > 0;)
        put(out, one.dimensions[i]);
      put(out, one.type);
      put(out, offset);
      next = alignUp(offset + one.bytes);
    }
    return out;
  }
  /// The whole file.
  std::string bytes() const {
    std::string out = header();
    uint64_t start = out.size(), next = 0;
    for (const Tensor &one : tensors) {
      uint64_t offset = one.offset.value_or(next);
      out.resize(std::max<uint64_t>(out.size(), start + alignUp(offset + one.bytes)));
      out.replace(start + offset, one.data.size(), one.data);
      next = alignUp(offset + one.bytes);
    }
    return out;
  }

  /// One key-value as a file has it.
  static std::string encode(std::string_view key, const Value &value) {
    std::string out;
    putString(out, key);
    std::visit([&](const auto &held) { putValue(out, held); }, value);
    return out;
  }

private:
  GgufBuilder &setValue(std::string_view key, Value value) {
    for (KeyValue &keyValue : keyValues)
      if (keyValue.key == key) {
        keyValue.value = std::move(value);
        return *this;
      }
    return addAgain(key, std::move(value));
  }
  uint64_t alignUp(uint64_t size) const {
    uint64_t alignment = 32;
    for (const KeyValue &keyValue : keyValues)
      if (keyValue.key == "general.alignment")
        if (const auto *stated = std::get_if<uint32_t>(&keyValue.value); stated && *stated != 0)
          alignment = *stated;
    return (size + alignment - 1) / alignment * alignment;
  }

  template <typename T> static void put(std::string &out, T number) {
    out.append(reinterpret_cast<const char *>(&number), sizeof number);
  }
  static void putString(std::string &out, std::string_view text) {
    put<uint64_t>(out, text.size());
    out += text;
  }
  static void putType(std::string &out, ValueType type) { put(out, static_cast<uint32_t>(type)); }
  template <typename T> static constexpr ValueType typeOf() {
    if constexpr (std::is_same_v<T, bool>)
      return ValueType::Bool;
    else if constexpr (std::is_floating_point_v<T>)
      return sizeof(T) == 4 ? ValueType::Float32 : ValueType::Float64;
    else if constexpr (sizeof(T) == 8)
      return std::is_signed_v<T> ? ValueType::Int64 : ValueType::UInt64;
    else // UInt8, Int8, UInt16, Int16, UInt32, Int32
      return static_cast<ValueType>((sizeof(T) / 2) * 2 + (std::is_signed_v<T> ? 1 : 0));
  }
  template <typename T> static void putValue(std::string &out, const T &number) {
    putType(out, typeOf<T>());
    put(out, number);
  }
  static void putValue(std::string &out, const std::string &text) {
    putType(out, ValueType::String);
    putString(out, text);
  }
  static void putValue(std::string &out, const StringArray &strings) {
    putType(out, ValueType::Array);
    putType(out, ValueType::String);
    put<uint64_t>(out, strings.size());
    for (uint64_t i = 0; i < strings.size(); ++i)
      putString(out, strings.at(i));
  }
  template <typename T> static void putValue(std::string &out, const std::vector<T> &numbers) {
    putType(out, ValueType::Array);
    putType(out, typeOf<T>());
    put<uint64_t>(out, numbers.size());
    for (T number : numbers)
      put(out, number);
  }

  std::string magicText = "GGUF";
  uint32_t versionNumber = 3;
  std::optional<uint64_t> keyValueTotal, tensorTotal;
  std::vector<KeyValue> keyValues;
  std::vector<std::string> rawKeyValues;
  std::vector<Tensor> tensors;
};

} // namespace strata::gguf
