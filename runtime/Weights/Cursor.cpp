// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Weights/Cursor.h"

#include "runtime/Base/Checked.h"
#include "runtime/Weights/Limits.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace strata::gguf {

static constexpr size_t kBufferBytes = 256 << 10;

Descriptor::~Descriptor() {
  if (number >= 0)
    close(number);
}

std::string_view baseName(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::string Place::text() const {
  std::string name = escapeName(baseName(path));
  return count == 1 ? name : fmt::format("{} (file {} of {})", name, number, count);
}

tl::unexpected<Error> Place::fail(std::string_view id, std::string_view what) const {
  return strata::fail(ExitCode::Input, id, fmt::format("{}: {}", text(), what));
}

tl::unexpected<Error> Place::failAt(std::string_view id, uint64_t at, std::string_view what) const {
  return strata::fail(ExitCode::Input, id, fmt::format("{}, byte {}: {}", text(), at, what));
}

std::string errorText(int number) {
  return std::generic_category().message(number);
}

/// The machine is at fault for want of descriptors or memory and for a failing disk; otherwise the path is.
static ExitCode exitCodeOf(int number) {
  return number == EMFILE || number == ENFILE || number == ENOMEM || number == EIO ? ExitCode::Machine
                                                                                   : ExitCode::Input;
}

Result<Descriptor> openRegularFile(const Place &place) {
  // O_NONBLOCK: opening a pipe must not wait for a writer. It means nothing for regular files.
  Descriptor file(open(place.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status = {};
  if (file.get() < 0 || fstat(file.get(), &status) != 0) {
    int number = errno;
    return strata::fail(
        exitCodeOf(number), "G01",
        fmt::format("{}: cannot be opened: {}; check the path and its permissions", place.text(), errorText(number)));
  }
  if (!S_ISREG(status.st_mode))
    return place.fail("G01", S_ISDIR(status.st_mode) ? "is a directory; give the path of a .gguf file"
                                                     : "is not a regular file; give the path of a .gguf file on disk");
  return file;
}

tl::unexpected<Error> failedRead(const Place &place, uint64_t at, int number) {
  return strata::fail(
      exitCodeOf(number), "G01",
      fmt::format("{}, byte {}: cannot be read: {}; check the disk", place.text(), at, errorText(number)));
}

Result<Cursor> Cursor::open(Place place, Sha256 &hash) {
  STRATA_ASSIGN(Descriptor file, openRegularFile(place));
  struct stat status = {};
  if (fstat(file.get(), &status) != 0)
    return place.fail("G01", fmt::format("cannot be examined: {}; check the disk", errorText(errno)));
  std::optional<uint64_t> size = Checked(status.st_size).as<uint64_t>();
  if (!size)
    return place.fail("G01", "has a negative size; check the disk");
  return Cursor(std::move(place), std::move(file), *size, status.st_mtime, hash);
}

Cursor::Cursor(Place place, Descriptor file, uint64_t size, int64_t modified, Sha256 &hash)
    : filePlace(std::move(place)), descriptor(std::move(file)), fileBytes(size), modifiedSeconds(modified),
      fingerprint(&hash) {}

void Cursor::hashConsumed() {
  fingerprint->update(std::span(buffer).subspan(bufferHashed, bufferAt - bufferHashed));
  bufferHashed = bufferAt;
}

Result<void> Cursor::refill() {
  hashConsumed();
  bufferStart = position();
  bufferAt = bufferHashed = 0;
  buffer.resize(static_cast<size_t>(std::min<uint64_t>(kBufferBytes, fileBytes - bufferStart)));
  ssize_t got = -1;
  do
    got = pread(descriptor.get(), buffer.data(), buffer.size(), static_cast<off_t>(bufferStart));
  while (got < 0 && errno == EINTR);
  if (got < 0)
    return failedRead(filePlace, bufferStart, errno);
  buffer.resize(static_cast<size_t>(got));
  if (buffer.empty())
    return fail("G01", bufferStart, "the file shrank while it was read; start again when nothing writes to it");
  return {};
}

Result<void> Cursor::read(std::span<std::byte> to) {
  if (to.size() > remaining())
    return fail("G17", position(),
                fmt::format("the file ends inside its header, after {}: {} more bytes are needed and {} are there; "
                            "it was cut: download it again",
                            lastGood, to.size(), remaining()));
  if (!(Checked(position()) + to.size()).atMost(limits::kMetadataBytes))
    return fail("G18", position(),
                fmt::format("the header is longer than {} bytes, the most that is accepted; the file is damaged or "
                            "not meant for this program",
                            limits::kMetadataBytes));
  while (!to.empty()) {
    if (bufferAt == buffer.size())
      STRATA_TRY(refill());
    size_t count = std::min(to.size(), buffer.size() - bufferAt);
    std::memcpy(to.data(), buffer.data() + bufferAt, count);
    bufferAt += count;
    to = to.subspan(count);
  }
  return {};
}

Result<void> Cursor::finish(uint64_t headerBytes, uint64_t impliedBytes) {
  uint64_t padding = headerBytes - position();
  std::vector<std::byte> zeros(static_cast<size_t>(padding - std::min(padding, remaining())));
  for (uint64_t present = padding - zeros.size(); present != 0;) {
    if (bufferAt == buffer.size())
      STRATA_TRY(refill());
    auto count = static_cast<size_t>(std::min<uint64_t>(present, buffer.size() - bufferAt));
    bufferAt += count;
    present -= count;
  }
  hashConsumed();
  fingerprint->update(zeros);
  fingerprint->update(std::as_bytes(std::span(&impliedBytes, 1)));
  return {};
}

} // namespace strata::gguf
