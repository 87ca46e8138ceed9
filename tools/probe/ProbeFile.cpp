// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/probe/ProbeFile.h"

#include "runtime/Base/Size.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace strata::probe {

namespace fs = std::filesystem;

static constexpr uint64_t kWriteBytes = uint64_t{8} << 20;
/// A file system's own blocks at the end of a file may be fewer than the file's length says.
static constexpr uint64_t kHoleTolerance = uint64_t{1} << 20;
static constexpr uint64_t kBlockUnit = 512; ///< Of st_blocks.

Descriptor::~Descriptor() {
  if (number >= 0)
    close(number);
}

static Result<ProbeFile> openExisting(const fs::path &path) {
  auto refuse = [&](std::string_view what) {
    return fail(ExitCode::Input, "", fmt::format("--disk={}: {}", escapeName(path.string()), what));
  };
  ProbeFile file;
  file.buffered = Descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status = {};
  if (!file.buffered.valid() || fstat(file.buffered.get(), &status) != 0)
    return refuse(fmt::format("cannot be opened: {}", std::strerror(errno)));
  if (!S_ISREG(status.st_mode))
    return refuse("is neither a file nor a directory; give the file of the weights, or the directory for them");
  auto bytes = static_cast<uint64_t>(status.st_size);
  if (bytes < kSmallestProbe)
    return refuse(fmt::format("has {}, and at least {} are read; give a larger one, or a directory", formatBytes(bytes),
                              formatBytes(kSmallestProbe)));
  if (static_cast<uint64_t>(status.st_blocks) * kBlockUnit + kHoleTolerance < bytes)
    return refuse("has holes, for which nothing is read; give a file that is all there, or a directory");
  file.direct = Descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT));
  file.bytes = bytes / kProbeAlignment * kProbeAlignment;
  file.what = escapeName(path.filename().string());
  return file;
}

/// Numbers without a pattern, so that no layer below compresses them.
static void fillRandomly(uint64_t *numbers, size_t count, uint64_t &state) {
  for (size_t i = 0; i < count; ++i) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    numbers[i] = state;
  }
}

/// Writes until `bytes` are there, the disk is full or the time is over; returns how many there are.
static uint64_t writeRandomly(int descriptor, uint64_t bytes, std::chrono::steady_clock::time_point deadline) {
  std::unique_ptr<void, decltype(&std::free)> buffer(std::aligned_alloc(kProbeAlignment, kWriteBytes), &std::free);
  uint64_t state = 88172645463325252, written = 0;
  while (buffer && written + kWriteBytes <= bytes && std::chrono::steady_clock::now() < deadline) {
    fillRandomly(static_cast<uint64_t *>(buffer.get()), kWriteBytes / sizeof(uint64_t), state);
    if (pwrite(descriptor, buffer.get(), kWriteBytes, static_cast<off_t>(written)) != static_cast<ssize_t>(kWriteBytes))
      break;
    written += kWriteBytes;
  }
  return written;
}

/// A new file in `directory` that has no name any more.
static Descriptor createNameless(const fs::path &directory, std::string &name) {
  name = (directory / "strata-probe-XXXXXX").string();
  Descriptor file(mkostemp(name.data(), O_CLOEXEC));
  return file;
}

static Result<ProbeFile> writeTemporary(const fs::path &directory, uint64_t bytes,
                                        std::chrono::steady_clock::time_point deadline) {
  auto refuse = [&](std::string_view what) {
    return fail(ExitCode::Machine, "",
                fmt::format("no file can be measured in {}: {}", escapeName(directory.string()), what));
  };
  ProbeFile file;
  std::string name;
  file.buffered = createNameless(directory, name);
  if (!file.buffered.valid())
    return refuse(std::strerror(errno));
  file.direct = Descriptor(open(name.c_str(), O_RDWR | O_CLOEXEC | O_DIRECT));
  unlink(name.c_str());
  // Written directly where that works, so that nothing is left for the kernel to write while reads are measured.
  int writer = file.direct.valid() ? file.direct.get() : file.buffered.get();
  file.bytes = writeRandomly(writer, bytes, deadline);
  if (file.bytes < kSmallestProbe)
    return refuse(fmt::format("only {} could be written; is the disk full?", formatBytes(file.bytes)));
  fdatasync(writer);
  file.what = fmt::format("a file of {} in {}", formatBytes(file.bytes), escapeName(directory.string()));
  return file;
}

Result<ProbeFile> openProbeFile(const fs::path &path, uint64_t bytes, std::chrono::steady_clock::time_point deadline) {
  std::error_code ignored;
  bool directory = fs::is_directory(path, ignored);
  STRATA_ASSIGN(ProbeFile file, directory ? writeTemporary(path, bytes, deadline) : openExisting(path));
  struct statvfs system = {};
  if (fstatvfs(file.buffered.get(), &system) == 0)
    file.capacityBytes = uint64_t{system.f_blocks} * system.f_frsize;
  return file;
}

} // namespace strata::probe
