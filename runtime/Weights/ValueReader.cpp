// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Weights/ValueReader.h"

#include "runtime/Base/Checked.h"
#include "runtime/Base/Utf8.h"
#include "runtime/Weights/Limits.h"

#include <algorithm>
#include <fmt/format.h>

namespace strata::gguf {

namespace {
/// Reads the value of one key; the key is named in every error.
class ValueReader {
public:
  ValueReader(Cursor &reader, std::string_view keyName) : cursor(reader), key(keyName) {}
  Result<Value> read(uint32_t type);

private:
  template <typename T> Result<Value> readNumber();
  template <typename T> Result<Value> readNumbers(uint64_t count);
  Result<Value> readString();
  Result<Value> readStrings(uint64_t count);
  Result<Value> readArray();
  Result<Value> readElements(uint32_t type, uint64_t count);
  Result<uint64_t> readLength(uint64_t most);
  Result<void> checkCount(uint64_t count, uint64_t elementBytes);
  Result<bool> toBool(uint8_t byte) const;
  uint64_t longestElement() const;
  tl::unexpected<Error> fail(std::string_view id, std::string_view what) const {
    return cursor.fail(id, itemStart, fmt::format("the key \"{}\" {}; {}", escapeName(key), what, kDamaged));
  }

  Cursor &cursor;
  std::string_view key;
  uint64_t itemStart = 0; ///< Where what is being read begins.
};
} // namespace

Result<bool> ValueReader::toBool(uint8_t byte) const {
  if (byte > 1)
    return fail("G16", fmt::format("has a bool that is {}, neither 0 nor 1", byte));
  return byte == 1;
}

template <typename T> Result<Value> ValueReader::readNumber() {
  if constexpr (std::is_same_v<T, bool>) {
    STRATA_ASSIGN(auto byte, cursor.number<uint8_t>());
    STRATA_ASSIGN(bool truth, toBool(byte));
    return Value(std::in_place_type<bool>, truth);
  } else {
    STRATA_ASSIGN(T number, cursor.number<T>());
    return Value(std::in_place_type<T>, number);
  }
}

Result<uint64_t> ValueReader::readLength(uint64_t most) {
  itemStart = cursor.position();
  STRATA_ASSIGN(uint64_t length, cursor.number<uint64_t>());
  if (length > most)
    return fail("G15", fmt::format("has a string of {} bytes, and {} is the most", length, most));
  if (length > cursor.remaining())
    return fail("G15", fmt::format("has a string of {} bytes, and the file ends after {}", length, cursor.remaining()));
  return length;
}

Result<Value> ValueReader::readString() {
  STRATA_ASSIGN(uint64_t length, readLength(limits::kStringBytes));
  std::string text(static_cast<size_t>(length), '\0');
  STRATA_TRY(cursor.read(std::as_writable_bytes(std::span(text))));
  return Value(std::move(text));
}

uint64_t ValueReader::longestElement() const {
  if (key == "tokenizer.ggml.tokens")
    return limits::kTokenBytes;
  if (key == "tokenizer.ggml.merges")
    return 2 * limits::kTokenBytes + 1;
  return limits::kStringBytes;
}

Result<void> ValueReader::checkCount(uint64_t count, uint64_t elementBytes) {
  if (count > limits::kArrayElements)
    return fail("G14", fmt::format("has an array of {} elements, and {} is the most", count, limits::kArrayElements));
  if (!(Checked(count) * elementBytes).atMost(cursor.remaining()))
    return fail("G14", fmt::format("has an array of {} elements of at least {} bytes, and the file ends after {}",
                                   count, elementBytes, cursor.remaining()));
  return {};
}

Result<Value> ValueReader::readStrings(uint64_t count) {
  STRATA_TRY(checkCount(count, sizeof(uint64_t)));
  StringArray strings;
  strings.reserve(count);
  uint64_t most = longestElement();
  for (uint64_t i = 0; i < count; ++i) {
    STRATA_ASSIGN(uint64_t length, readLength(most));
    char *to = strings.appendUninitialised(length);
    STRATA_TRY(cursor.read(std::as_writable_bytes(std::span(to, static_cast<size_t>(length)))));
  }
  return Value(std::move(strings));
}

template <typename T> Result<Value> ValueReader::readNumbers(uint64_t count) {
  STRATA_TRY(checkCount(count, sizeof(T)));
  std::vector<T> numbers(static_cast<size_t>(count));
  if constexpr (std::is_same_v<T, bool>) {
    for (size_t i = 0; i < numbers.size(); ++i) {
      itemStart = cursor.position();
      STRATA_ASSIGN(auto byte, cursor.number<uint8_t>());
      STRATA_ASSIGN(bool truth, toBool(byte));
      numbers[i] = truth;
    }
  } else {
    STRATA_TRY(cursor.read(std::as_writable_bytes(std::span(numbers))));
  }
  return Value(std::move(numbers));
}

Result<Value> ValueReader::readArray() {
  STRATA_ASSIGN(auto type, cursor.number<uint32_t>());
  STRATA_ASSIGN(auto count, cursor.number<uint64_t>());
  return readElements(type, count);
}

Result<Value> ValueReader::readElements(uint32_t type, uint64_t count) {
  switch (static_cast<ValueType>(type)) {
  case ValueType::UInt8:
    return readNumbers<uint8_t>(count);
  case ValueType::Int8:
    return readNumbers<int8_t>(count);
  case ValueType::UInt16:
    return readNumbers<uint16_t>(count);
  case ValueType::Int16:
    return readNumbers<int16_t>(count);
  case ValueType::UInt32:
    return readNumbers<uint32_t>(count);
  case ValueType::Int32:
    return readNumbers<int32_t>(count);
  case ValueType::Float32:
    return readNumbers<float>(count);
  case ValueType::Bool:
    return readNumbers<bool>(count);
  case ValueType::UInt64:
    return readNumbers<uint64_t>(count);
  case ValueType::Int64:
    return readNumbers<int64_t>(count);
  case ValueType::Float64:
    return readNumbers<double>(count);
  case ValueType::String:
    return readStrings(count);
  case ValueType::Array:
    return fail("G13", "is an array of arrays, which no key of a language model is");
  }
  return fail("G12", fmt::format("is an array of the unknown value type {}; 0 to 12 are known", type));
}

Result<Value> ValueReader::read(uint32_t type) {
  itemStart = cursor.position();
  switch (static_cast<ValueType>(type)) {
  case ValueType::UInt8:
    return readNumber<uint8_t>();
  case ValueType::Int8:
    return readNumber<int8_t>();
  case ValueType::UInt16:
    return readNumber<uint16_t>();
  case ValueType::Int16:
    return readNumber<int16_t>();
  case ValueType::UInt32:
    return readNumber<uint32_t>();
  case ValueType::Int32:
    return readNumber<int32_t>();
  case ValueType::Float32:
    return readNumber<float>();
  case ValueType::Bool:
    return readNumber<bool>();
  case ValueType::UInt64:
    return readNumber<uint64_t>();
  case ValueType::Int64:
    return readNumber<int64_t>();
  case ValueType::Float64:
    return readNumber<double>();
  case ValueType::String:
    return readString();
  case ValueType::Array:
    return readArray();
  }
  return fail("G12", fmt::format("has the unknown value type {}; 0 to 12 are known", type));
}

static Result<std::string> readKey(Cursor &cursor) {
  uint64_t start = cursor.position();
  auto refuse = [&](std::string_view id, std::string_view what) {
    return cursor.fail(id, start, fmt::format("{}; {}", what, kDamaged));
  };
  STRATA_ASSIGN(auto length, cursor.number<uint64_t>());
  if (length == 0)
    return refuse("G08", "a key is empty");
  if (length > limits::kKeyBytes)
    return refuse("G09", fmt::format("a key has {} bytes, and {} is the most", length, limits::kKeyBytes));
  if (length > cursor.remaining())
    return refuse("G09", fmt::format("a key has {} bytes, and the file ends after {}", length, cursor.remaining()));
  std::string key(static_cast<size_t>(length), '\0');
  STRATA_TRY(cursor.read(std::as_writable_bytes(std::span(key))));
  if (!isPrintableUtf8(key))
    return refuse("G10", fmt::format("the key \"{}\" has control characters or is not UTF-8", escapeName(key)));
  return key;
}

Result<KeyValue> readKeyValue(Cursor &cursor) {
  STRATA_ASSIGN(std::string key, readKey(cursor));
  STRATA_ASSIGN(auto type, cursor.number<uint32_t>());
  STRATA_ASSIGN(Value value, ValueReader(cursor, key).read(type));
  cursor.setLastGood(fmt::format("the key \"{}\"", escapeName(key)));
  return KeyValue{std::move(key), std::move(value)};
}

} // namespace strata::gguf
