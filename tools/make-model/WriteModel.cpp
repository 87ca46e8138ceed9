// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/make-model/WriteModel.h"

#include "runtime/Base/Size.h"
#include "tools/make-model/RandomWeights.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <span>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace strata::making {

namespace {

/// The file as long as it is not whole: removed at the end unless it got its name.
class PartialFile {
public:
  explicit PartialFile(const std::string &target)
      : path(target), temporary(fmt::format("{}.{}.part", target, getpid())) {
    descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    error = descriptor < 0 ? errno : 0;
  }
  ~PartialFile() {
    if (descriptor >= 0) {
      close(descriptor);
      unlink(temporary.c_str());
    }
  }
  PartialFile(const PartialFile &) = delete;
  PartialFile &operator=(const PartialFile &) = delete;

  bool failed() const { return error != 0; }

  /// From any thread. The first failure is kept.
  void write(std::span<const uint8_t> bytes, uint64_t offset) {
    while (!bytes.empty() && !failed()) {
      ssize_t count = pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR)
        continue;
      if (count <= 0) {
        error = count < 0 ? errno : ENOSPC;
        return;
      }
      bytes = bytes.subspan(static_cast<size_t>(count));
      offset += static_cast<uint64_t>(count);
    }
  }

  /// Exit code 3 if the file system stores what nobody wrote.
  Result<void> checkHoles() {
    constexpr uint64_t kHole = uint64_t{16} << 20;
    struct stat status = {};
    if (!failed() && (ftruncate(descriptor, static_cast<off_t>(kHole)) != 0 || fsync(descriptor) != 0 ||
                      fstat(descriptor, &status) != 0))
      error = errno;
    if (failed())
      return cannotWrite();
    if (static_cast<uint64_t>(status.st_blocks) * 512 >= kHole / 2)
      return fail(ExitCode::Machine, "",
                  fmt::format("{}: its file system has no holes, so that a --sparse file would take all of its space: "
                              "choose another place with -o",
                              escapeName(path)));
    return {};
  }

  Result<void> finish(uint64_t size) {
    if (!failed() &&
        (ftruncate(descriptor, static_cast<off_t>(size)) != 0 || std::rename(temporary.c_str(), path.c_str()) != 0))
      error = errno;
    if (failed())
      return cannotWrite();
    close(descriptor);
    descriptor = -1;
    return {};
  }

private:
  tl::unexpected<Error> cannotWrite() const {
    return fail(
        ExitCode::Machine, "",
        fmt::format("{} cannot be written ({}): choose another place with -o", escapeName(path), std::strerror(error)));
  }

  std::string path, temporary;
  int descriptor = -1;
  std::atomic<int> error = 0;
};

/// A stretch of a tensor that one thread fills at a time.
struct Part {
  uint64_t tensor, number, offset, bytes;
};

std::vector<Part> listParts(const std::vector<Tensor> &tensors, bool sparse) {
  std::vector<Part> parts;
  for (uint64_t tensor = 0; tensor < tensors.size(); ++tensor) {
    const Tensor &info = tensors[tensor];
    if (sparse && info.routedExperts)
      continue;
    for (uint64_t at = 0; at < info.bytes; at += kPartBytes)
      parts.push_back({tensor, at / kPartBytes, info.offset + at, std::min(kPartBytes, info.bytes - at)});
  }
  return parts;
}

Result<void> checkSpace(const std::string &path, uint64_t size) {
  std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  std::filesystem::space_info space = std::filesystem::space(folder.empty() ? "." : folder, error);
  if (error)
    return fail(
        ExitCode::Machine, "",
        fmt::format("{} cannot be written ({}): choose another place with -o", escapeName(path), error.message()));
  if (space.available < size)
    return fail(ExitCode::Machine, "",
                fmt::format("{} needs {} ({} bytes), but its disk has {} ({}) left: make room, or ask for fewer "
                            "--experts or --layers",
                            escapeName(path), formatBytes(size), size, formatBytes(space.available), space.available));
  return {};
}

} // namespace

Result<bool> writeModel(const Shape &shape, const std::vector<Tensor> &tensors, const std::string &path,
                        const WriteOptions &options) {
  std::string header = makeHeader(shape, tensors);
  uint64_t size = header.size() + (tensors.back().offset + tensors.back().bytes + 31) / 32 * 32;
  std::vector<Part> parts = listParts(tensors, options.sparse);
  uint64_t written = header.size();
  for (const Part &part : parts)
    written += part.bytes;
  STRATA_TRY(checkSpace(path, written));

  PartialFile file(path);
  if (options.sparse)
    STRATA_TRY(file.checkHoles());
  file.write({reinterpret_cast<const uint8_t *>(header.data()), header.size()}, 0);
  std::atomic<size_t> next = 0;
  auto fillParts = [&] {
    std::vector<uint8_t> buffer(kPartBytes);
    for (size_t i = next++; i < parts.size() && !file.failed() && !options.interrupted(); i = next++) {
      const Part &part = parts[i];
      std::span<uint8_t> bytes = std::span(buffer).first(part.bytes);
      fillPart(tensors[part.tensor], shape.seed, part.tensor, part.number, bytes);
      file.write(bytes, header.size() + part.offset);
    }
  };
  {
    std::vector<std::jthread> workers;
    for (unsigned worker = 1; worker < options.threads; ++worker)
      workers.emplace_back(fillParts);
    fillParts();
  }
  if (options.interrupted())
    return false;
  STRATA_TRY(file.finish(size));
  return true;
}

} // namespace strata::making
