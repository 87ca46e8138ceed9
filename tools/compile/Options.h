// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The command line of strata-compile.
#pragma once

#include "compiler/Placement/Settings.h"
#include "compiler/Support/ModelDescription.h"
#include "runtime/Routing/CachePolicy.h"

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

namespace strata::compile {

/// What the command line says; what it leaves out follows from the model (Settings.h).
struct Options {
  std::string model;
  std::string machine;
  std::string output; ///< Empty: stdout, for text.
  bool headerOnly = false;

  std::optional<uint64_t> ram, gpuMemory; ///< Instead of the machine's.
  uint64_t gpuHeadRoom = uint64_t{1} << 30, ramHeadRoom = uint64_t{1} << 30;
  WishedSettings settings;
  std::optional<ExpertGroups> expertGroups;
  std::vector<std::string> traces; ///< Routing traces or usage files.
  std::optional<CachePolicyKind> cachePolicy;

  std::string nvrtc; ///< The folder of NVRTC; empty: where it is looked for by itself.
  bool cuda = false; ///< --emit=cuda: the text of all kernels.

  std::string stopAfter = "artifact"; ///< The name of a phase.
  std::string explained;              ///< Of --explain; empty: not asked for.
  std::string dumpFolder;             ///< Of --dump-phases; empty: none.
  std::string commandLine;            ///< As it was typed, for the artifact.
};

void addOptions(CLI::App &app, Options &options);

/// What only all options together can be checked for. Exit code 2.
Result<void> checkOptions(const Options &options);

/// The arguments as a shell would take them back.
std::string formatCommandLine(int argc, const char *const *argv);

} // namespace strata::compile
