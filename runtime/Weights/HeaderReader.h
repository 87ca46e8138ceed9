// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Reading the whole header of one GGUF file.
#pragma once

#include "runtime/Weights/Cursor.h"
#include "runtime/Weights/Gguf.h"

namespace strata::gguf {

/// How a file begins.
inline constexpr std::string_view kMagic = "GGUF";

struct Header {
  Place place;
  FileInfo file;
  Metadata metadata;
  std::vector<TensorInfo> tensors; ///< With offsets from the start of the file.
  uint64_t alignment = 32;
  bool alignmentStated = false; ///< The file has the key; otherwise 32 is GGUF's default.
  int64_t modified = 0;         ///< Seconds since 1970.
  std::vector<std::string> warnings;
};

/// Errors: G01 to G22, G24, G25, G27 to G30, G32 to G36. The header's bytes go into `fingerprint`.
Result<Header> readHeader(const Place &place, OpenOptions options, Sha256 &fingerprint);

} // namespace strata::gguf
