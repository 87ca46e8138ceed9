// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/compile/Options.h"

#include "passes/Pipelines.h"
#include "tools/PlanningOptions.h"

#include <cctype>
#include <fmt/format.h>

namespace strata::compile {

namespace {

std::vector<std::string> phaseNames() {
  std::vector<std::string> names;
  for (const PhaseInfo &info : phaseTable())
    names.push_back(info.name.str());
  return names;
}

std::string phaseHelp() {
  std::string help = "Phases:\n";
  for (const PhaseInfo &info : phaseTable())
    help += fmt::format("  {:<10} {}\n", std::string_view(info.name), std::string_view(info.meaning));
  return help;
}

void addModel(CLI::App &app, Options &options) {
  const char *group = "The model";
  app.add_flag("--header-only", options.headerOnly,
               "MODEL may be cut anywhere after its header; to run, it must be whole")
      ->group(group);
  addExpertGroupsOption(app, group, options.expertGroups);
}

void addInspection(CLI::App &app, Options &options) {
  const char *group = "Looking inside";
  CLI::Option *stop = app.add_option("--stop-after", options.stopAfter, "end after this phase and print the module")
                          ->group(group)
                          ->check(CLI::IsMember(phaseNames()));
  app.add_option_function<std::string>(
         "--emit",
         [&](const std::string &form) {
           options.stopAfter = form == "moe"        ? "optimise"
                               : form == "plan"     ? "schedule"
                               : form == "artifact" ? "artifact"
                                                    : "kernels";
           options.cuda = form == "cuda";
         },
         "moe, plan, kern, cuda or artifact: what is written, the dialects and the kernels as text")
      ->group(group)
      ->check(CLI::IsMember({"moe", "plan", "kern", "cuda", "artifact"}))
      ->excludes(stop);
  app.add_option("--explain", options.explained,
                 "a tensor's name, or of routed experts NAME/EXPERT: why it is where it is; nothing is written")
      ->group(group)
      ->excludes(stop);
  app.add_option("--dump-phases", options.dumpFolder, "write the module after every phase into this folder")
      ->group(group);
}

} // namespace

void addOptions(CLI::App &app, Options &options) {
  app.add_option("MODEL", options.model, "the GGUF file; of a split set, the first")->required();
  app.add_option("-o,--output", options.output, "the file to write; text goes to stdout without it");
  app.add_option("--machine", options.machine,
                 "host, the machine that this runs on; a preset, as v100s-32g; or a machine's JSON file")
      ->required();
  app.add_option(
      "--nvrtc", options.nvrtc,
      "the folder of libnvrtc.so.12, for machines with a GPU; without it, where tools/cuda.sh put it, then the system");
  addMemoryOptions(app, "What the machine has",
                   {options.gpuMemory, options.ram, options.gpuHeadRoom, options.ramHeadRoom});
  addSettingsOptions(app, options.settings);
  addTraceOption(app, options.traces);
  addCachePolicyOption(app, options.cachePolicy);
  addModel(app, options);
  addInspection(app, options);
  app.footer(phaseHelp());
}

Result<void> checkOptions(const Options &options) {
  if (options.output.empty() && options.explained.empty() && options.stopAfter == "artifact")
    return fail(ExitCode::CommandLine, "", "there is no file to write the artifact to; give -o FILE");
  return {};
}

std::string formatCommandLine(int argc, const char *const *argv) {
  std::string line = "strata-compile";
  for (int i = 1; i < argc; ++i) {
    std::string_view argument = argv[i];
    bool plain = !argument.empty();
    for (char c : argument)
      plain &= std::isalnum(static_cast<unsigned char>(c)) != 0 ||
               std::string_view("-_=./,+:@%").find(c) != std::string_view::npos;
    line += ' ';
    if (plain) {
      line += argument;
      continue;
    }
    line += '\'';
    for (char c : argument)
      line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

} // namespace strata::compile
