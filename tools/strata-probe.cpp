// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// strata-probe: measures the machine that it runs on and writes its machine file.
#include "runtime/Base/Size.h"
#include "tools/CommandLine.h"
#include "tools/probe/Probe.h"

using namespace strata;

int main(int argc, char **argv) {
  CLI::App app("Measures this machine and describes it in a machine file, for strata-plan and strata-compile.",
               "strata-probe");
  prepareCommandLine(app);
  probe::Options options;
  app.add_option("-o,--output", options.output, "the machine file to write; stdout without it");
  app.add_option("--disk", options.disk,
                 "a file to read, best the weights, or a directory, which gets a temporary file; without it this one");
  app.add_option_function<std::string>(
      "--bytes",
      [&](const std::string &text) {
        Result<uint64_t> bytes = parseSize(text);
        if (!bytes)
          throw CLI::ValidationError(bytes.error().message);
        options.bytes = *bytes;
      },
      "how large the temporary file is; without it 4GiB");
  return runTool("strata-probe", app, argc, argv, [&] { return probe::probeMachine(options); });
}
