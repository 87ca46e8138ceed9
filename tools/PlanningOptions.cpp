// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/PlanningOptions.h"

#include "runtime/Base/Size.h"

#include <fmt/format.h>
#include <limits>

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

template <typename Count>
static CLI::Option *addCount(CLI::App &app, const char *name, Count &variable, const char *help) {
  // The artifact has 32 bits for each of them. CLI11 wraps a negative number into an unsigned one.
  return app.add_option(name, variable, help)
      ->check([](const std::string &text) { return text.starts_with('-') ? text + " is negative" : ""; })
      ->check(CLI::Range(uint64_t{1}, uint64_t{std::numeric_limits<int32_t>::max()}));
}

void addSettingsOptions(CLI::App &app, WishedSettings &settings) {
  const char *group = "What is planned for";
  addCount(app, "--context", settings.context,
           "positions of a sequence; without it the model's own context, at most 32768")
      ->group(group);
  addCount(app, "--sequences", settings.sequences, "sequences that decode together")
      ->group(group)
      ->capture_default_str();
  addCount(app, "--prompt-tokens", settings.promptTokens,
           "tokens of one pass over the model; without it the context, at most 32768, halved while it does not fit")
      ->group(group);
  addCount(app, "--chunk-tokens", settings.chunkTokens,
           "tokens of a pass that go through a layer's attention together; without it 512")
      ->group(group);
  app.add_option_function<std::string>(
         "--activations",
         [&settings](const std::string &text) {
           settings.activations.reset();
           for (schema::ActivationEncoding encoding : schema::EnumValuesActivationEncoding())
             if (text == schema::EnumNameActivationEncoding(encoding))
               settings.activations = encoding;
         },
         "auto, i8, i16 or f32: the activations of quantised products; without it auto, which is i16 when decoding, "
         "i8 in prompts")
      ->group(group)
      ->check(CLI::IsMember({"auto", "i8", "i16", "f32"}));
  app.add_option_function<std::string>(
         "--kv", [&settings](const std::string &text) { settings.kvNumberBytes = text == "f16" ? 2 : 4; },
         "f16 or f32: the KV cache; without it f16")
      ->group(group)
      ->check(CLI::IsMember({"f16", "f32"}));
}

void addTraceOption(CLI::App &app, std::vector<std::string> &paths) {
  app.add_option("--trace", paths,
                 "a routing trace or a usage file of strata-run: the most used experts are pinned in memory; several "
                 "count together")
      ->allow_extra_args(false)
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
