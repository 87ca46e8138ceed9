// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// strata-bench: what kernels cost, and how near to the machine's limits that is.
#include "tools/CommandLine.h"
#include "tools/bench/ArtifactKernels.h"
#include "tools/bench/ModelKernels.h"

using namespace strata;

int main(int argc, char **argv) {
  CLI::App app("Measures kernels of a compiled model.", "strata-bench");
  prepareCommandLine(app);
  bench::Options options;
  bench::addOptions(app, options);
  return runTool("strata-bench", app, argc, argv, [&]() -> Result<ExitCode> {
    STRATA_TRY(bench::checkOptions(options));
    return bench::isGguf(options.model) ? bench::benchModelKernels(options) : bench::benchArtifactKernels(options);
  });
}
