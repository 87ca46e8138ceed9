// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The golden outputs of a model (tests/models/README.md): what --expect compares with.
#pragma once

#include "runtime/Base/Error.h"
#include "tools/run/Npy.h"

#include <cstdint>
#include <string>
#include <vector>

namespace strata::run {

/// Logits after a case's tokens 0 to `position`.
struct GoldenRow {
  uint32_t position = 0;
  uint64_t row = 0; ///< Of GoldenFile::logits.
};

struct GoldenCase {
  std::vector<int32_t> prompt;
  std::vector<int32_t> greedy;   ///< The likeliest tokens after the prompt, step by step.
  std::vector<double> greedyGap; ///< For each, its logit minus the second's.
  std::vector<GoldenRow> rows;   ///< In ascending order of positions.

  /// The tokens that make all rows: the prompt, then the greedy ones up to the last position.
  std::vector<int32_t> tokens() const;
};

struct GoldenFile {
  std::vector<GoldenCase> cases;
  Matrix logits;
};

/// Reads NAME.json and NAME.logits.npy beside it. Exit code 1: not of that form, or rows that are not there.
Result<GoldenFile> readGolden(const std::string &path);

} // namespace strata::run
