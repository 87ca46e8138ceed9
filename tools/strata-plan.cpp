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
  plan::Options options;
  plan::addOptions(app, options);
  options.commandLine = plan::verifyingCommand(argc, argv);
  return runTool("strata-plan", app, argc, argv, [&] { return plan::planModel(options); });
}
