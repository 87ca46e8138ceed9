// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The options that decide a plan, which strata-compile and strata-plan both have.
#pragma once

#include "compiler/Placement/Settings.h"
#include "compiler/Support/ModelDescription.h"
#include "runtime/Routing/CachePolicy.h"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace strata {

/// Sizes that replace the machine's, or leave room on it.
struct MemoryOptions {
  std::optional<uint64_t> &gpuMemory, &ram;
  uint64_t &gpuHeadRoom, &ramHeadRoom;
};

/// `--gpu-memory`, `--ram`, `--gpu-head-room` and `--ram-head-room`.
void addMemoryOptions(CLI::App &app, const char *group, MemoryOptions options);

/// `--context`, `--sequences`, `--prompt-tokens`, `--chunk-tokens`, `--activations` and `--kv`.
void addSettingsOptions(CLI::App &app, WishedSettings &settings);

/// `--trace`, which may be repeated: what the most used experts are known from.
void addTraceOption(CLI::App &app, std::vector<std::string> &paths);

/// `--cache-policy`.
void addCachePolicyOption(CLI::App &app, std::optional<CachePolicyKind> &policy);

/// `--expert-groups`.
void addExpertGroupsOption(CLI::App &app, const char *group, std::optional<ExpertGroups> &groups);

} // namespace strata
