// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The options of strata-run.
#pragma once

#include "runtime/Exec/Session.h"
#include "runtime/Text/Sampler.h"

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

namespace strata::run {

/// What is to be done with the model; exactly one.
enum class Mode { Prompt, Tokens, RandomPrompt, Tokenize, Expect, Interactive };

/// The bounds of `--expect`. A bound that is absent is not checked.
struct Bounds {
  std::optional<double> tolerance;  ///< The largest absolute difference of a row.
  std::optional<double> nmse;       ///< The normalised mean square error of a case.
  std::optional<double> medianNmse; ///< The median over all rows of a form.
};

struct Options {
  std::string model; ///< The artifact; with --tokenize also a GGUF file.
  std::string weights;
  std::string sums; ///< Empty: beside the model or the artifact.
  bool requireSums = false;
  std::string device;         ///< Empty: what the plan says.
  bool jit = false;           ///< Compile the artifact's kernels here instead of taking its PTX.
  std::string nvrtc;          ///< NVRTC's folder; empty: where it is found.
  uint64_t simulatorSeed = 0; ///< Of the order in which the simulator takes CTAs, warps and lanes.

  Mode mode = Mode::Prompt;
  std::optional<std::string> prompt;
  std::string tokens;
  uint32_t randomPrompt = 0; ///< Tokens of a prompt that only is to be measured.
  std::string expect;
  bool interactive = false;
  bool tokenize = false;
  Bounds bounds;

  bool raw = false;
  bool thinking = false;
  std::optional<std::string> system;
  std::optional<uint64_t> maxTokens; ///< Nothing: until the model ends its answer or the context is full.
  text::SamplingOptions sampling;
  std::vector<std::string> stop;

  std::string trace;       ///< Of --trace.
  bool countsUsage = true; ///< Once checked: in this mode, and without --no-usage.

  bool statistics = false;     ///< Of --stats.
  bool statisticsJson = false; ///< As JSON.
  std::string statisticsFile;  ///< Empty: to stderr.

  SessionOptions session;
};

/// Declares the options; parsing fills `options`, and checkOptions() completes it.
void addOptions(CLI::App &app, Options &options);

/// Determines the mode and refuses what does not go together. Exit code 2; 3 for a device that is not there.
Result<void> checkOptions(const CLI::App &app, Options &options);

} // namespace strata::run
