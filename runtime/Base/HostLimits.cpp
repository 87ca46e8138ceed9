// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Base/HostLimits.h"

#include "runtime/Base/Checked.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <sched.h>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace strata {
namespace fs = std::filesystem;

/// The first words of a file's first line; none if it cannot be read.
static std::vector<std::string> firstWords(const fs::path &path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  std::istringstream words(line);
  std::vector<std::string> result;
  for (std::string word; words >> word;)
    result.push_back(word);
  return result;
}

/// Nothing for "max", "-1", and whatever else is no plain number.
static std::optional<uint64_t> parseNumber(std::string_view text) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

static std::optional<uint64_t> readNumber(const fs::path &path) {
  std::vector<std::string> words = firstWords(path);
  return words.empty() ? std::nullopt : parseNumber(words.front());
}

/// The number that stands after `key` in a file of "key number" lines.
static std::optional<uint64_t> findNumber(const fs::path &path, std::string_view key) {
  std::ifstream file(path);
  std::string word, number;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    if (words >> word >> number && word == key)
      return parseNumber(number);
  }
  return std::nullopt;
}

static uint64_t memoryInfo(const fs::path &root, std::string_view key) {
  return (Checked(findNumber(root / "proc/meminfo", key).value_or(0)) * 1024).value();
}

namespace {

/// The limits found on the way from a control group up to its hierarchy's mount point.
class LimitFinder {
public:
  explicit LimitFinder(HostLimits start) : limits(start) {}

  /// A quota of less than one core still runs one thread; fractions are dropped, since a thread that is throttled in
  /// the middle of a step makes all others wait.
  void limitCores(std::optional<uint64_t> quota, std::optional<uint64_t> period) {
    if (!quota || !period || *period == 0)
      return;
    limits.fractionOfCore |= *quota < *period;
    limits.cores = static_cast<uint32_t>(std::min<uint64_t>(limits.cores, std::max<uint64_t>(*quota / *period, 1)));
  }

  /// A group's usage counts the files that its processes read, which the system drops when memory is needed.
  void limitMemory(std::optional<uint64_t> bytes, std::optional<uint64_t> used, uint64_t cached) {
    if (!bytes || *bytes == 0)
      return;
    limits.ramBytes = limits.ramBytes == 0 ? *bytes : std::min(limits.ramBytes, *bytes);
    uint64_t inUse = used.value_or(0) - std::min(used.value_or(0), cached);
    // Nothing left is not the same as not known.
    uint64_t left = std::max<uint64_t>(*bytes - std::min(*bytes, inUse), 1);
    limits.availableBytes = limits.availableBytes == 0 ? left : std::min(limits.availableBytes, left);
  }

  /// Reads every group from `path` (as /proc/self/cgroup gives it) up to the mount point. Inside a container the upper
  /// part of the path is often not visible: the groups that do not exist are passed over, the mount point is always
  /// read.
  void visit(const fs::path &mount, const std::string &path) {
    fs::path group = fs::path(path).relative_path();
    while (true) {
      read(group.empty() ? mount : mount / group);
      if (group.empty())
        return;
      group = group.parent_path();
    }
  }

  HostLimits limits;

private:
  static uint64_t cachedBytes(const fs::path &directory, const std::string &prefix) {
    return (Checked(findNumber(directory / "memory.stat", prefix + "inactive_file").value_or(0)) +
            findNumber(directory / "memory.stat", prefix + "active_file").value_or(0))
        .value();
  }

  void read(const fs::path &directory) {
    std::vector<std::string> cpu = firstWords(directory / "cpu.max");
    if (cpu.size() == 2)
      limitCores(parseNumber(cpu[0]), parseNumber(cpu[1]));
    limitCores(readNumber(directory / "cpu.cfs_quota_us"), readNumber(directory / "cpu.cfs_period_us"));
    limitMemory(readNumber(directory / "memory.max"), readNumber(directory / "memory.current"),
                cachedBytes(directory, ""));
    limitMemory(readNumber(directory / "memory.limit_in_bytes"), readNumber(directory / "memory.usage_in_bytes"),
                cachedBytes(directory, "total_"));
  }
};

} // namespace

HostLimits hostLimits(const fs::path &root, uint32_t affinityCores) {
  LimitFinder finder({.cores = std::max(affinityCores, 1u),
                      .ramBytes = memoryInfo(root, "MemTotal:"),
                      .availableBytes = memoryInfo(root, "MemAvailable:")});
  fs::path mount = root / "sys/fs/cgroup";
  std::ifstream groups(root / "proc/self/cgroup");
  // A line is "number:controllers:path"; version 2's has number 0 and no controllers.
  for (std::string line; std::getline(groups, line);) {
    size_t first = line.find(':');
    size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos)
      continue;
    std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    std::string path = line.substr(second + 1);
    if (controllers == ",,") {
      finder.visit(mount, path);
      finder.visit(mount / "unified", path);
    }
    for (const char *controller : {"cpu", "memory"})
      if (controllers.find("," + std::string(controller) + ",") != std::string::npos)
        finder.visit(mount / controller, path);
  }
  std::vector<std::string> choices = firstWords(root / "sys/kernel/mm/transparent_hugepage/enabled");
  // The one in force stands in brackets: "always [madvise] never".
  finder.limits.hugePages = std::ranges::find(choices, "[always]") != choices.end() ||
                            std::ranges::find(choices, "[madvise]") != choices.end();
  return finder.limits;
}

HostLimits hostLimits() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  // The mask of a machine with more than 1024 cores does not fit: then all of them are taken.
  uint32_t cores = sched_getaffinity(0, sizeof(mask), &mask) == 0 ? static_cast<uint32_t>(CPU_COUNT(&mask))
                                                                  : std::thread::hardware_concurrency();
  return hostLimits("/", cores);
}

} // namespace strata
