// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Weights/HeaderReader.h"

#include "runtime/Base/Checked.h"
#include "runtime/Weights/Limits.h"
#include "runtime/Weights/TensorInfoReader.h"
#include "runtime/Weights/TensorLayout.h"
#include "runtime/Weights/ValueReader.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>
#include <unordered_set>

namespace strata::gguf {

/// What people have in place of a model when a download went wrong.
static std::string_view guessFromStart(std::string_view start) {
  if (start.starts_with("version https://git-l"))
    return "it is a Git LFS pointer, not the model: run `git lfs pull`";
  if (start.starts_with("<"))
    return "it looks like a web page: download the model's file itself";
  return "it is not a GGUF model: check the path, or download it again";
}

namespace {
class HeaderReader {
public:
  HeaderReader(Cursor &reader, OpenOptions openOptions) : cursor(reader), options(openOptions) {}
  Result<Header> read();

private:
  Result<void> readPreamble();
  Result<void> checkVersion(uint32_t version);
  Result<void> checkCount(std::string_view id, std::string_view what, uint64_t count, uint64_t most, uint64_t smallest);
  Result<void> readKeyValues();
  Result<void> readAlignment();
  Result<void> readTensorInfos();
  Result<void> finish();

  Cursor &cursor;
  OpenOptions options;
  uint64_t tensorCount = 0;
  uint64_t keyValueCount = 0;
  Header header;
};
} // namespace

Result<void> HeaderReader::checkVersion(uint32_t version) {
  if (version == 2 || version == 3)
    return {};
  if (version != 0 && (version & 0xFFFF) == 0)
    return cursor.fail("G05", 4, "is a big-endian file; convert it again for little-endian machines");
  return cursor.fail("G04", 4,
                     fmt::format("has GGUF version {}, and 2 and 3 are supported; convert the model again", version));
}

Result<void> HeaderReader::checkCount(std::string_view id, std::string_view what, uint64_t count, uint64_t most,
                                      uint64_t smallest) {
  if (count > most)
    return cursor.fail(id, id == "G07" ? 8 : 16,
                       fmt::format("announces {} {}, and {} is the most; {}", count, what, most, kDamaged));
  if (count > cursor.remaining() / smallest)
    return cursor.fail(id, id == "G07" ? 8 : 16,
                       fmt::format("announces {} {}, more than the {} bytes that follow can hold; {}", count, what,
                                   cursor.remaining(), kDamaged));
  return {};
}

Result<void> HeaderReader::readPreamble() {
  std::string start(std::min<size_t>(limits::kPreambleBytes, cursor.size()), '\0');
  STRATA_TRY(cursor.read(std::as_writable_bytes(std::span(start))));
  if (start.size() < limits::kPreambleBytes)
    return cursor.place().fail(
        "G02", fmt::format("has {} bytes, too few for a model; {}", start.size(), guessFromStart(start)));
  auto field = [&]<typename T>(size_t at, T number) {
    std::copy_n(start.data() + at, sizeof(T), reinterpret_cast<char *>(&number));
    return number;
  };
  std::string_view magic = std::string_view(start).substr(0, 4);
  if (magic == "FUGG")
    return cursor.fail("G05", 0, "is a big-endian file; convert it again for little-endian machines");
  if (magic != kMagic)
    return cursor.fail("G03", 0,
                       fmt::format("begins with the bytes {:08x}, not 47475546 (\"GGUF\"); {}",
                                   __builtin_bswap32(field(0, uint32_t())), guessFromStart(start)));
  STRATA_TRY(checkVersion(field(4, uint32_t())));
  tensorCount = field(8, uint64_t());
  keyValueCount = field(16, uint64_t());
  STRATA_TRY(checkCount("G06", "key-values", keyValueCount, limits::kKeyValues, limits::kSmallestKeyValue));
  return checkCount("G07", "tensors", tensorCount, limits::kTensors, limits::kSmallestTensorInfo);
}

Result<void> HeaderReader::readKeyValues() {
  std::vector<KeyValue> keyValues;
  std::unordered_set<std::string> keys;
  for (uint64_t i = 0; i < keyValueCount; ++i) {
    uint64_t start = cursor.position();
    STRATA_ASSIGN(KeyValue keyValue, readKeyValue(cursor));
    if (!keys.insert(keyValue.key).second)
      return cursor.fail("G11", start,
                         fmt::format("the key \"{}\" occurs twice; {}", escapeName(keyValue.key), kDamaged));
    keyValues.push_back(std::move(keyValue));
  }
  header.metadata = Metadata(std::string(baseName(cursor.place().path)), std::move(keyValues));
  return {};
}

Result<void> HeaderReader::readAlignment() {
  static constexpr std::string_view kKey = "general.alignment";
  const Value *value = header.metadata.find(kKey);
  if (!value)
    return {};
  auto refuse = [&](std::string_view id, std::string_view what) {
    return cursor.place().fail(id, fmt::format("the key \"{}\" {}; convert the model again", kKey, what));
  };
  const auto *alignment = std::get_if<uint32_t>(value);
  if (!alignment)
    return refuse("G19", fmt::format("is of type {}, not u32", typeName(*value)));
  if (*alignment == 0)
    return refuse("G20", "is 0, and an alignment is at least 1");
  if (!std::has_single_bit(*alignment))
    return refuse("G21", fmt::format("is {}, which is not a power of two", *alignment));
  if (*alignment > limits::kAlignment)
    return refuse("G22", fmt::format("is {}, and {} is the most", *alignment, limits::kAlignment));
  header.alignment = *alignment;
  header.alignmentStated = true;
  return {};
}

Result<void> HeaderReader::readTensorInfos() {
  std::unordered_set<std::string> names;
  for (uint64_t i = 0; i < tensorCount; ++i) {
    uint64_t start = cursor.position();
    STRATA_ASSIGN(TensorInfo info, readTensorInfo(cursor));
    if (!names.insert(info.name).second)
      return cursor.fail("G25", start,
                         fmt::format("the tensor \"{}\" occurs twice; {}", escapeName(info.name), kDamaged));
    info.file = cursor.place().number - 1;
    header.tensors.push_back(std::move(info));
  }
  return {};
}

Result<void> HeaderReader::finish() {
  Checked headerBytes = Checked(cursor.position()).alignUp(header.alignment);
  header.file = {cursor.place().path, headerBytes.value(), 0, cursor.size()};
  STRATA_TRY(layOutTensors(header, options));
  return cursor.finish(header.file.headerBytes, header.file.impliedBytes);
}

Result<Header> HeaderReader::read() {
  header.place = cursor.place();
  header.modified = cursor.modified();
  STRATA_TRY(readPreamble());
  STRATA_TRY(readKeyValues());
  STRATA_TRY(readAlignment());
  STRATA_TRY(readTensorInfos());
  STRATA_TRY(finish());
  return std::move(header);
}

Result<Header> readHeader(const Place &place, OpenOptions options, Sha256 &fingerprint) {
  STRATA_ASSIGN(Cursor cursor, Cursor::open(place, fingerprint));
  return HeaderReader(cursor, options).read();
}

} // namespace strata::gguf
