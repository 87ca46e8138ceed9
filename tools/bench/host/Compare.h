// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Strata and llama.cpp on the same file, in turns.
#pragma once

#include "tools/bench/Options.h"

namespace strata::bench {

/// What llama-bench measured once.
struct PeerSample {
  double tokensPerSecond = 0;
  std::string commit; ///< Of llama.cpp's sources.
};

/// Reads what llama-bench prints with `-o json`: of several rows, the fastest. Exit code 1 if it is something else.
Result<PeerSample> parseLlamaBench(const std::string &json);

/// Runs every test with every setting `repetitions` rounds, of which each runs both engines once, the one that begins
/// alternating; prints a table with a row for each.
Result<ExitCode> compareModel(const Options &options);

} // namespace strata::bench
