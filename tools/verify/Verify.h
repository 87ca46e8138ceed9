// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// One pass over a model's files: checksums, scales that are not finite, SHA-256.
#pragma once

#include "runtime/Memory/Reads/Reads.h"

#include <string>

namespace strata::verify {

struct Options {
  std::string model;   ///< A GGUF file or an artifact.
  std::string weights; ///< Where an artifact's model is, if not beside it or where it was.
  std::string sums;    ///< Empty: MODEL.gguf.sums beside the model.
  bool rewrite = false;
  ReadBackend backend = ReadBackend::Automatic;
  uint32_t readDepth = 0; ///< 0: kReadDepth.
};

/// Compares with the sums file, or writes it if there is none. Exit code 1 if anything differs or is not finite, 130
/// after Ctrl-C; what was done is then kept beside the sums file for the next run.
Result<ExitCode> verifyModel(const Options &options);

} // namespace strata::verify
