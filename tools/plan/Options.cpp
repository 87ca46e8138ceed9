// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/plan/Options.h"

#include "compiler/Machine/Machine.h"
#include "tools/PlanningOptions.h"

#include <string_view>

namespace strata::planning {

namespace {

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
  addSettingsOptions(app, options.settings);
  addTraceOption(app, options.traces);
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
