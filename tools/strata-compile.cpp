// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// strata-compile: a GGUF goes in, an artifact comes out.
#include "tools/CommandLine.h"
#include "tools/compile/Compile.h"

using namespace strata;

int main(int argc, char **argv) {
  CLI::App app("Compiles a model for one machine.", "strata-compile");
  prepareCommandLine(app);
  compile::Options options;
  compile::addOptions(app, options);
  options.commandLine = compile::formatCommandLine(argc, argv);
  return runTool("strata-compile", app, argc, argv, [&] { return compile::compileModel(options); });
}
