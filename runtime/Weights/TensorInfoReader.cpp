// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Weights/TensorInfoReader.h"

#include "runtime/Base/Checked.h"
#include "runtime/Base/Utf8.h"
#include "runtime/Weights/Limits.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>

namespace strata::gguf {

static Result<std::string> readName(Cursor &cursor) {
  uint64_t start = cursor.position();
  auto refuse = [&](std::string_view what) { return cursor.fail("G24", start, fmt::format("{}; {}", what, kDamaged)); };
  STRATA_ASSIGN(auto length, cursor.number<uint64_t>());
  if (length == 0)
    return refuse("a tensor has an empty name");
  if (length > limits::kTensorNameBytes)
    return refuse(fmt::format("a tensor's name has {} bytes, and {} is the most", length, limits::kTensorNameBytes));
  std::string name(static_cast<size_t>(length), '\0');
  STRATA_TRY(cursor.read(std::as_writable_bytes(std::span(name))));
  if (!isPrintableUtf8(name))
    return refuse(fmt::format("the tensor name \"{}\" has control characters or is not UTF-8", escapeName(name)));
  return name;
}

namespace {
/// Reads what follows the name; the tensor is named in every error.
class TensorInfoReader {
public:
  TensorInfoReader(Cursor &reader, std::string name, uint64_t infoStart) : cursor(reader), start(infoStart) {
    info.name = std::move(name);
  }
  Result<TensorInfo> read();

private:
  Result<void> readDimensions();
  Result<void> readEncoding();
  Result<void> computeBytes();
  tl::unexpected<Error> fail(std::string_view id, std::string_view what) const {
    return cursor.fail(id, start, fmt::format("the tensor \"{}\" {}; {}", escapeName(info.name), what, kDamaged));
  }

  Cursor &cursor;
  uint64_t start;
  TensorInfo info;
};
} // namespace

Result<void> TensorInfoReader::readDimensions() {
  STRATA_ASSIGN(auto count, cursor.number<uint32_t>());
  if (count == 0 || count > limits::kDimensions)
    return fail("G27", fmt::format("has {} dimensions, and 1 to {} are allowed", count, limits::kDimensions));
  info.dimensions.resize(count);
  for (uint64_t &dimension : info.dimensions) {
    STRATA_ASSIGN(dimension, cursor.number<uint64_t>());
    auto asSigned = static_cast<int64_t>(dimension);
    if (asSigned <= 0)
      return fail("G28", fmt::format("has a dimension of {}, which must be at least 1", asSigned));
  }
  std::reverse(info.dimensions.begin(), info.dimensions.end());
  return {};
}

Result<void> TensorInfoReader::readEncoding() {
  STRATA_ASSIGN(auto type, cursor.number<uint32_t>());
  auto known = encodingInfo(type);
  if (!known)
    return cursor.fail("G30", start,
                       fmt::format("the tensor \"{}\" has the type {}, which is unknown or was removed from GGUF; "
                                   "convert the model again with a current converter to one of {}",
                                   escapeName(info.name), type, supportedEncodings()));
  info.encoding = known->encoding;
  return {};
}

Result<void> TensorInfoReader::computeBytes() {
  Checked elements = 1;
  for (uint64_t dimension : info.dimensions)
    elements *= dimension;
  if (!elements.valid())
    return fail("G29",
                fmt::format("has dimensions {} whose product overflows 64 bits", fmt::join(info.dimensions, "x")));
  uint64_t columns = info.dimensions.back();
  const EncodingInfo &blocks = encodingInfo(info.encoding);
  if (columns % blocks.elements != 0)
    return fail("G32", fmt::format("has rows of {} elements, which is not a multiple of {}'s blocks of {}", columns,
                                   blocks.name, blocks.elements));
  Checked bytes = encodedBytes(info.encoding, columns, elements / columns);
  // A file's offsets are signed 64-bit numbers.
  if (!bytes.atMost(std::numeric_limits<int64_t>::max()))
    return fail("G33", fmt::format("has dimensions {} in {}, more bytes than any file holds",
                                   fmt::join(info.dimensions, "x"), blocks.name));
  info.bytes = bytes.value();
  return {};
}

Result<TensorInfo> TensorInfoReader::read() {
  STRATA_TRY(readDimensions());
  STRATA_TRY(readEncoding());
  STRATA_TRY(computeBytes());
  STRATA_ASSIGN(info.offset, cursor.number<uint64_t>());
  return std::move(info);
}

Result<TensorInfo> readTensorInfo(Cursor &cursor) {
  uint64_t start = cursor.position();
  STRATA_ASSIGN(std::string name, readName(cursor));
  cursor.setLastGood(fmt::format("the beginning of the tensor info \"{}\"", escapeName(name)));
  STRATA_ASSIGN(TensorInfo info, TensorInfoReader(cursor, std::move(name), start).read());
  cursor.setLastGood(fmt::format("the tensor info \"{}\"", escapeName(info.name)));
  return info;
}

} // namespace strata::gguf
