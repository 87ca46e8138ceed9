// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The command line of strata-bench.
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Device/Host/Isa.h"
#include "runtime/Schema/artifact_generated.h"
#include "tools/bench/Table.h"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace strata::bench {

/// What is measured on the host, each combination of the lists.
struct HostOptions {
  std::vector<uint32_t> prompts;      ///< Tokens of prompts; 0: none.
  std::vector<uint32_t> generated;    ///< Tokens to generate; 0: none.
  std::vector<uint32_t> depths;       ///< Positions that the cache has before.
  std::vector<uint32_t> threads;      ///< Empty: as many as the process may use.
  std::vector<std::string> encodings; ///< Of activations: auto, i8, i16, f32.
  std::optional<schema::KvEncoding> kv;
  std::optional<Isa> isa;
  uint32_t repetitions = 5;
  std::vector<std::string> only; ///< Of the host's kernels: those whose name contains one of these; empty: all.
  std::string machineFile;       ///< Gets what the kernels measure of the machine; empty: none does.
  std::string compare;           ///< The path of a llama-bench; empty: nothing is compared.
  std::string compareOptions;
};

struct Options {
  std::string model; ///< Empty: none.
  bool kernels = false;
  std::string device;
  std::string weights;
  std::string nvrtc;       ///< Where it is looked for; empty: where it always is.
  uint32_t tokens = 16;    ///< Of the prompt.
  uint32_t sequences = 1;  ///< Of a GGUF's decode step: its rows,
  uint32_t context = 4096; ///< and the positions that each attends to.
  /// Products with more multiplications are counted on a sample of their CTAs; 0: none are.
  uint64_t mostMacs = 1'000'000'000;
  HostOptions host;
  OutputFormat output = OutputFormat::md;
};

/// What a command line asks for.
enum class Work : uint8_t { model, compare, hostKernels, artifactKernels, modelKernels };

void addOptions(CLI::App &app, Options &options);

/// Fills in what was left out and says what is to be done. Exit code 2 for options that do not go together.
Result<Work> checkOptions(const CLI::App &app, Options &options);

} // namespace strata::bench
