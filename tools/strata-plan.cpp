// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// strata-plan: what fits where, and what it will cost, from a model's header alone.
#include "tools/CommandLine.h"
#include "tools/plan/PlanTool.h"

using namespace strata;

int main(int argc, char **argv) {
  CLI::App app("Plans a model for a machine: what fits where, what it will cost, and why.", "strata-plan");
  prepareCommandLine(app);
  planning::Options options;
  planning::addOptions(app, options);
  options.commandLine = planning::verifyingCommand(argc, argv);
  return runTool("strata-plan", app, argc, argv, [&] { return planning::planModel(options); });
}
