// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Weights/TensorLayout.h"

#include "runtime/Base/Checked.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace strata::gguf {

static Result<void> makeAbsolute(const Header &header, TensorInfo &info) {
  if (info.offset % header.alignment != 0)
    return header.place.fail("G34",
                             fmt::format("the tensor \"{}\" begins {} bytes into the tensor data, which is not a "
                                         "multiple of the alignment {}; {}",
                                         escapeName(info.name), info.offset, header.alignment, kDamaged));
  Checked offset = Checked(header.file.headerBytes) + info.offset;
  // A file's offsets are signed 64-bit numbers.
  if (!(offset + info.bytes).atMost(std::numeric_limits<int64_t>::max()))
    return header.place.fail("G33", fmt::format("the tensor \"{}\" of {} bytes begins {} bytes into the tensor data, "
                                                "beyond the end of any file; {}",
                                                escapeName(info.name), info.bytes, info.offset, kDamaged));
  info.offset = offset.value();
  return {};
}

/// G36: tensors in the order of their offsets must not overlap. Every tensor has at least one byte.
static Result<void> checkOverlap(const Header &header, const std::vector<const TensorInfo *> &sorted) {
  for (size_t i = 1; i < sorted.size(); ++i) {
    const TensorInfo &before = *sorted[i - 1], &after = *sorted[i];
    if (before.offset + before.bytes > after.offset)
      return header.place.failAt("G36", after.offset,
                                 fmt::format("the tensors \"{}\" and \"{}\" overlap by {} bytes; {}",
                                             escapeName(before.name), escapeName(after.name),
                                             before.offset + before.bytes - after.offset, kDamaged));
  }
  return {};
}

static constexpr std::string_view kCutRemedy = "download it again, or compile from its header with --header-only";

/// G35: the first tensor that the file does not hold to its end says how much is missing.
static Result<void> checkLength(const Header &header, const std::vector<const TensorInfo *> &sorted) {
  const FileInfo &file = header.file;
  if (file.actualBytes >= file.impliedBytes)
    return {};
  std::string cut = fmt::format("the file is cut by {} bytes: it has {} of {}", file.impliedBytes - file.actualBytes,
                                file.actualBytes, file.impliedBytes);
  auto first = std::find_if(sorted.begin(), sorted.end(),
                            [&](const TensorInfo *info) { return info->offset + info->bytes > file.actualBytes; });
  if (first == sorted.end())
    return header.place.fail("G35", fmt::format("{}; {}", cut, kCutRemedy));
  return header.place.failAt("G35", (*first)->offset,
                             fmt::format("the tensor \"{}\" of {} bytes goes past the end, {}; {}",
                                         escapeName((*first)->name), (*first)->bytes, cut, kCutRemedy));
}

static void warnOfUnusedBytes(Header &header, const std::vector<const TensorInfo *> &sorted) {
  auto warn = [&](uint64_t bytes, uint64_t at, std::string_view where) {
    header.warnings.push_back(
        fmt::format("{}, byte {}: {} bytes {} belong to no tensor [G37]", header.place.text(), at, bytes, where));
  };
  uint64_t end = header.file.headerBytes;
  for (const TensorInfo *info : sorted) {
    if (info->offset - end > header.alignment)
      warn(info->offset - end, end, fmt::format("before the tensor \"{}\"", escapeName(info->name)));
    end = info->offset + info->bytes;
  }
  if (header.file.actualBytes > end && header.file.actualBytes - end > header.alignment)
    warn(header.file.actualBytes - end, end, "at the file's end");
}

Result<void> layOutTensors(Header &header, OpenOptions options) {
  std::vector<const TensorInfo *> sorted;
  header.file.impliedBytes = header.file.headerBytes;
  for (TensorInfo &info : header.tensors) {
    STRATA_TRY(makeAbsolute(header, info));
    header.file.impliedBytes = std::max(header.file.impliedBytes, info.offset + info.bytes);
    sorted.push_back(&info);
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const TensorInfo *a, const TensorInfo *b) { return a->offset < b->offset; });
  STRATA_TRY(checkOverlap(header, sorted));
  if (!options.headerOnly)
    STRATA_TRY(checkLength(header, sorted));
  warnOfUnusedBytes(header, sorted);
  return {};
}

} // namespace strata::gguf
