// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Weights/WeightFile.h"

#include "runtime/Base/Checked.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace strata {

Result<WeightFiles> WeightFiles::open(std::span<const gguf::FileInfo> infos) {
  WeightFiles opened;
  uint32_t number = 0;
  for (const gguf::FileInfo &info : infos) {
    gguf::Place place{info.path, ++number, static_cast<uint32_t>(infos.size())};
    STRATA_ASSIGN(gguf::Descriptor descriptor, gguf::openRegularFile(place));
    struct stat status = {};
    if (fstat(descriptor.get(), &status) != 0)
      return place.fail("G01", fmt::format("cannot be examined: {}; check the disk", gguf::errorText(errno)));
    uint64_t bytes = Checked(status.st_size).value();
    if (bytes < info.impliedBytes)
      return place.fail("G35", fmt::format("the file is cut by {} bytes: it has {} of {}; download it again",
                                           info.impliedBytes - bytes, bytes, info.impliedBytes));
    opened.files.push_back({std::move(place), std::move(descriptor), bytes});
  }
  return opened;
}

Result<void> WeightFiles::read(uint32_t file, uint64_t offset, std::span<std::byte> to) const {
  if (file >= files.size())
    return fail(ExitCode::Input, "G40",
                fmt::format("file {} of the model is asked for, and it has {}; compile the "
                            "model again",
                            Checked(file).value() + 1, files.size()));
  const File &source = files[file];
  if (!(Checked(offset) + to.size()).atMost(source.bytes))
    return source.place.failAt(
        "G35", offset,
        fmt::format("{} bytes are asked for and the file has {}; compile the model again", to.size(), source.bytes));
  while (!to.empty()) {
    ssize_t got = pread(source.descriptor.get(), to.data(), to.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return gguf::failedRead(source.place, offset, errno);
    if (got == 0)
      return source.place.failAt("G35", offset,
                                 fmt::format("the file shrank from {} bytes while it was in use; "
                                             "restore it and start again",
                                             source.bytes));
    offset += static_cast<uint64_t>(got);
    to = to.subspan(static_cast<size_t>(got));
  }
  return {};
}

void WeightFiles::forget(uint32_t file, uint64_t offset, uint64_t bytes) const {
  posix_fadvise(files[file].descriptor.get(), static_cast<off_t>(offset), static_cast<off_t>(bytes),
                POSIX_FADV_DONTNEED);
}

} // namespace strata
