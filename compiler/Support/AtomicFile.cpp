// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Support/AtomicFile.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace strata {

namespace {

/// A new file beside its later name; gone with the object unless it was kept.
class TemporaryFile {
public:
  explicit TemporaryFile(const std::string &path) : name(path + ".XXXXXX") {
    descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  }
  TemporaryFile(const TemporaryFile &) = delete;
  TemporaryFile &operator=(const TemporaryFile &) = delete;
  ~TemporaryFile() {
    if (descriptor >= 0)
      ::close(descriptor);
    if (descriptor >= 0 && !kept)
      ::unlink(name.c_str());
  }

  bool valid() const { return descriptor >= 0; }

  bool write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR)
        continue;
      if (written <= 0)
        return false;
      bytes = bytes.subspan(static_cast<size_t>(written));
    }
    return true;
  }

  /// mkostemp makes a private file; an artifact is as readable as any file of its user's.
  bool publish() {
    mode_t mask = ::umask(0);
    ::umask(mask);
    return ::fchmod(descriptor, 0666 & ~mask) == 0 && ::fsync(descriptor) == 0;
  }

  bool renameTo(const std::string &path) {
    kept = ::rename(name.c_str(), path.c_str()) == 0;
    return kept;
  }

private:
  std::string name;
  int descriptor = -1;
  bool kept = false;
};

} // namespace

/// A renamed file survives a power cut only when its folder is on the disk too.
static bool syncFolder(const std::string &path) {
  size_t slash = path.find_last_of('/');
  std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0)
    return false;
  bool synced = ::fsync(descriptor) == 0;
  ::close(descriptor);
  return synced;
}

Result<void> writeFileAtomically(const std::string &path, std::span<const std::byte> bytes, std::string_view remedy) {
  auto failed = [&](std::string_view step) {
    int reason = errno;
    return fail(ExitCode::Machine, "",
                fmt::format("cannot {} \"{}\": {}; {}", step, escapeName(path), std::strerror(reason), remedy));
  };
  TemporaryFile file(path);
  if (!file.valid())
    return failed("create a file for");
  if (!file.write(bytes))
    return failed("write");
  if (!file.publish())
    return failed("bring to the disk");
  if (!file.renameTo(path))
    return failed("rename the finished file to");
  if (!syncFolder(path))
    return failed("bring to the disk the folder of");
  return {};
}

} // namespace strata
