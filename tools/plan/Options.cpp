// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/plan/Options.h"

#include "compiler/Machine/Machine.h"
#include "tools/PlanningOptions.h"

#include <limits>
#include <string_view>

namespace strata::planning {

namespace {

template <typename T> CLI::Option *addCount(CLI::App &app, const char *name, T &variable, const char *help) {
  // CLI11 wraps a negative number into an unsigned one.
  return app.add_option(name, variable, help)
      ->check([](const std::string &text) { return text.starts_with('-') ? text + " is negative" : ""; })
      ->check(CLI::Range(uint64_t{1}, uint64_t{std::numeric_limits<int32_t>::max()}));
}

void addSettings(CLI::App &app, Options &options) {
  const char *group = "What is planned for";
  addCount(app, "--context", options.settings.context,
           "positions of a sequence; without it the model's own context, at most 32768")
      ->group(group);
  addCount(app, "--sequences", options.settings.sequences, "sequences that decode together")
      ->group(group)
      ->capture_default_str();
  addCount(app, "--prompt-tokens", options.settings.promptTokens,
           "tokens of one pass over the model; without it the context, at most 32768, halved while it does not fit")
      ->group(group);
  addCount(app, "--chunk-tokens", options.settings.chunkTokens,
           "tokens of a pass that go through a layer's attention together; without it 512")
      ->group(group);
  app.add_option_function<std::string>(
         "--kv", [&](const std::string &text) { options.settings.kvNumberBytes = text == "f16" ? 2 : 4; },
         "f16 or f32: the KV cache; without it f16")
      ->group(group)
      ->check(CLI::IsMember({"f16", "f32"}));
}

void addMachine(CLI::App &app, Options &options) {
  const char *group = "The machine";
  app.add_option("--machine", options.machine, machinePresets() + ", or a machine's JSON file")
      ->group(group)
      ->required();
  addMemoryOptions(app, group, {options.gpuMemory, options.ram, options.gpuHeadRoom, options.ramHeadRoom});
}

void addModel(CLI::App &app, Options &options) {
  const char *group = "The model";
  app.add_flag("--header-only", options.headerOnly, "MODEL may be cut anywhere after its header")->group(group);
  addExpertGroupsOption(app, group, options.expertGroups);
}

} // namespace

void addOptions(CLI::App &app, Options &options) {
  app.add_option("MODEL", options.model, "the GGUF file; of a split set, the first")->required();
  addMachine(app, options);
  addSettings(app, options);
  addTraceOption(app, options.trace);
  addCachePolicyOption(app, options.cachePolicy);
  addModel(app, options);
  const char *group = "What is printed";
  CLI::Option *json = app.add_flag("--json", options.json, "the whole plan for programs")->group(group);
  CLI::Option *explained = app.add_option("--explain", options.explained,
                                          "a tensor's name, or of routed experts NAME/EXPERT: why it is where it is")
                               ->group(group)
                               ->excludes(json);
  app.add_option("--what-if", options.whatIf,
                 "contexts, machines, ram or quantisations: a table of plans that differ in that")
      ->group(group)
      ->check(CLI::IsMember({"contexts", "machines", "ram", "quantisations"}))
      ->excludes(json)
      ->excludes(explained);
  app.add_option("--replay", options.replay,
                 "a routing trace of strata-run: the hit rates that cache policies reach with it")
      ->group(group)
      ->excludes("--json")
      ->excludes("--explain")
      ->excludes("--what-if");
}

std::string verifyingCommand(int argc, const char *const *argv) {
  std::string line = "strata-probe -o machine.json && strata-plan";
  for (int i = 1; i < argc; ++i) {
    std::string_view argument = argv[i];
    if (argument == "--machine") {
      ++i;
      line += " --machine=machine.json";
    } else if (argument.starts_with("--machine=")) {
      line += " --machine=machine.json";
    } else {
      bool plain =
          !argument.empty() && argument.find_first_of(" \t\n\\'\"$&|;<>()*?[]{}#~`!") == std::string_view::npos;
      line += plain ? " " + std::string(argument) : " '" + escapeName(argument) + "'";
    }
  }
  return line;
}

} // namespace strata::planning
