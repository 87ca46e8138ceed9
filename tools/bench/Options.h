// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The command line of strata-bench.
#pragma once

#include "runtime/Base/Error.h"
#include "tools/bench/Table.h"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

namespace strata::bench {

struct Options {
  std::string model;
  bool kernels = false;
  std::string device;
  std::string weights;
  std::string nvrtc;       ///< Where it is looked for; empty: where it always is.
  uint32_t tokens = 16;    ///< Of the prompt.
  uint32_t sequences = 1;  ///< Of a GGUF's decode step: its rows,
  uint32_t context = 4096; ///< and the positions that each attends to.
  /// Products with more multiplications are counted on a sample of their CTAs; 0: none are.
  uint64_t mostMacs = 1'000'000'000;
  OutputFormat output = OutputFormat::md;
};

void addOptions(CLI::App &app, Options &options);

/// Exit code 2 for options that do not go together.
Result<void> checkOptions(const Options &options);

} // namespace strata::bench
