// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/probe/SystemProbe.h"

#include "runtime/Base/Size.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace strata::probe {

namespace fs = std::filesystem;

/// Asks for a ring of one entry and gives it back. The kernel's structure has 120 bytes, all zero in a question.
static std::string ioUring() {
  std::array<uint64_t, 15> parameters = {};
  long ring = syscall(SYS_io_uring_setup, 1, parameters.data());
  if (ring < 0)
    return fmt::format("refused: {}", std::strerror(errno));
  close(static_cast<int>(ring));
  return "allowed";
}

static std::string lockedMemory() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
    return fmt::format("not known: {}", std::strerror(errno));
  return limit.rlim_cur == RLIM_INFINITY ? "unlimited" : formatBytes(limit.rlim_cur);
}

static std::string firstLine(const fs::path &path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// Which version of control groups there is, and the memory limit of the group that is mounted on top, which in a
/// container is the process's own.
static std::string controlGroup(const fs::path &root) {
  fs::path mount = root / "sys/fs/cgroup";
  std::error_code ignored;
  bool second = fs::exists(mount / "cgroup.controllers", ignored);
  if (!second && !fs::exists(mount / "memory", ignored))
    return "none";
  std::string limit = firstLine(second ? mount / "memory.max" : mount / "memory/memory.limit_in_bytes");
  // Version 1 says "no limit" by a number near the largest one.
  bool unlimited = limit.empty() || limit == "max" || limit.size() >= 19;
  return fmt::format("version {}, {}", second ? 2 : 1,
                     unlimited ? "no memory limit on top" : "memory limit of " + limit + " B on top");
}

/// "madvise" of "always [madvise] never".
static std::string hugePages(const fs::path &root) {
  std::string line = firstLine(root / "sys/kernel/mm/transparent_hugepage/enabled");
  size_t begin = line.find('['), end = line.find(']');
  if (begin == std::string::npos || end == std::string::npos || end < begin)
    return "not known";
  return "transparent: " + line.substr(begin + 1, end - begin - 1);
}

std::map<std::string, std::string> systemNotesNow(const fs::path &root) {
  return {{"io_uring", ioUring()},
          {"locked_memory", lockedMemory()},
          {"control_group", controlGroup(root)},
          {"huge_pages", hugePages(root)}};
}

} // namespace strata::probe
