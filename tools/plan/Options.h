// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The command line of strata-plan.
#pragma once

#include "compiler/Placement/Settings.h"
#include "compiler/Support/ModelDescription.h"
#include "runtime/Routing/CachePolicy.h"

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

namespace strata::planning {

struct Options {
  std::string model;
  std::string machine;
  bool headerOnly = false;
  std::optional<ExpertGroups> expertGroups;

  WishedSettings settings;
  std::optional<uint64_t> gpuMemory, ram; ///< Instead of the machine's.
  uint64_t gpuHeadRoom = uint64_t{1} << 30;
  uint64_t ramHeadRoom = uint64_t{1} << 30;

  std::vector<std::string> traces; ///< Of --trace: routing traces or usage files.
  std::optional<CachePolicyKind> cachePolicy;
  std::string replay; ///< Of --replay.

  bool json = false;
  std::string explained; ///< Of --explain.
  std::string whatIf;    ///< Of --what-if.
  std::string commandLine;
};

void addOptions(CLI::App &app, Options &options);

/// The command line again with a machine that was measured.
std::string verifyingCommand(int argc, const char *const *argv);

} // namespace strata::planning
