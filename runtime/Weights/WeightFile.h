// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The bytes of a model's tensors: read with pread, never mapped, since a failing disk under a mapping is a signal and
// not an error.
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Weights/Cursor.h"
#include "runtime/Weights/Gguf.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace strata {

/// The open data files of a model. They stay open, so that renaming or deleting them does no harm.
class WeightFiles {
public:
  /// Opens `files` (Model::files()) and checks that each is as long as its header implies: G01, G35.
  static Result<WeightFiles> open(std::span<const gguf::FileInfo> files);

  /// Fills `to` from `offset` of the file with index `file`. May be called from several threads at once.
  /// A range past the end is G35, exit code 1; a disk that fails is G01, exit code 3.
  Result<void> read(uint32_t file, uint64_t offset, std::span<std::byte> to) const;
  /// Makes the page cache forget a range, so that the next read asks the disk.
  void forget(uint32_t file, uint64_t offset, uint64_t bytes) const;

  uint32_t count() const { return static_cast<uint32_t>(files.size()); }
  /// Of files below count().
  const gguf::Place &place(uint32_t file) const { return files[file].place; }
  uint64_t bytes(uint32_t file) const { return files[file].bytes; }
  int descriptor(uint32_t file) const { return files[file].descriptor.get(); }

private:
  struct File {
    gguf::Place place;
    gguf::Descriptor descriptor;
    uint64_t bytes;
  };
  std::vector<File> files;
};

} // namespace strata
