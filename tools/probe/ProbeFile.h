// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The file whose reads are measured: somebody's, or a temporary one.
#pragma once

#include "runtime/Base/Error.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

namespace strata::probe {

/// A file descriptor that closes itself.
class Descriptor {
public:
  Descriptor() = default;
  explicit Descriptor(int opened) : number(opened) {}
  Descriptor(Descriptor &&other) noexcept : number(other.number) { other.number = -1; }
  Descriptor &operator=(Descriptor &&other) noexcept {
    std::swap(number, other.number);
    return *this;
  }
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  ~Descriptor();

  int get() const { return number; }
  bool valid() const { return number >= 0; }

private:
  int number = -1;
};

struct ProbeFile {
  Descriptor direct;          ///< Reads past the page cache; not valid where the file system refuses that.
  Descriptor buffered;        ///< The same file through it.
  uint64_t bytes = 0;         ///< A multiple of kProbeAlignment.
  std::string what;           ///< "model.gguf" or "a file of 4.0 GiB in data"
  uint64_t capacityBytes = 0; ///< Of the file system.
};

inline constexpr uint64_t kProbeAlignment = 4096;
inline constexpr uint64_t kSmallestProbe = uint64_t{32} << 20;

/// Opens `path` if it is a file: a regular one without holes and not too small, exit code 1 otherwise. If it is a
/// directory, writes a file of random bytes there that has no name, so that it is gone whatever ends the process; it is
/// as large as could be written by `deadline`. Exit code 3 if the directory takes no file.
Result<ProbeFile> openProbeFile(const std::filesystem::path &path, uint64_t bytes,
                                std::chrono::steady_clock::time_point deadline);

} // namespace strata::probe
