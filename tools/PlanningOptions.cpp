// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/PlanningOptions.h"

#include "runtime/Base/Size.h"

#include <fmt/format.h>

namespace strata {

template <typename Size>
static void addSize(CLI::App &app, const char *group, const char *name, Size &variable, const char *help) {
  app.add_option_function<std::string>(
         name,
         [&variable](const std::string &text) {
           Result<uint64_t> bytes = parseSize(text);
           if (!bytes)
             throw CLI::ValidationError(bytes.error().message);
           variable = *bytes;
         },
         help)
      ->group(group);
}

void addMemoryOptions(CLI::App &app, const char *group, MemoryOptions options) {
  addSize(app, group, "--gpu-memory", options.gpuMemory, "instead of the machine's, as 24GiB");
  addSize(app, group, "--ram", options.ram, "instead of the machine's, as 64GiB");
  addSize(app, group, "--gpu-head-room", options.gpuHeadRoom, "left free on the GPU; without it 1GiB");
  addSize(app, group, "--ram-head-room", options.ramHeadRoom, "left free in RAM; without it 1GiB");
}

void addTraceOption(CLI::App &app, std::string &path) {
  app.add_option("--trace", path,
                 "a routing trace or a usage file of strata-run: the most used experts are pinned in memory")
      ->group("What is planned for");
}

void addCachePolicyOption(CLI::App &app, std::optional<CachePolicyKind> &policy) {
  app.add_option_function<std::string>(
         "--cache-policy",
         [&policy](const std::string &name) {
           policy = parseCachePolicy(name);
           if (!policy)
             throw CLI::ValidationError(
                 fmt::format("--cache-policy={} is none; choose one of {}", name, cachePolicyNames()));
         },
         "which experts in RAM make room for others: " + cachePolicyNames() +
             "; without it pinned with --trace, else lru")
      ->group("What is planned for");
}

void addExpertGroupsOption(CLI::App &app, const char *group, std::optional<ExpertGroups> &groups) {
  app.add_option_function<std::string>(
         "--expert-groups",
         [&groups](const std::string &text) {
           Result<ExpertGroups> parsed = parseExpertGroups(text);
           if (!parsed)
             throw CLI::ValidationError(parsed.error().message);
           groups = *parsed;
         },
         "GROUPS/USED, as 8/4, or none: how experts are grouped, for files that do not say it")
      ->group(group);
}

} // namespace strata
