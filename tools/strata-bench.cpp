// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// strata-bench: how fast models and kernels run, and how near to the machine's limits that is.
#include "tools/CommandLine.h"
#include "tools/bench/ArtifactKernels.h"
#include "tools/bench/ModelKernels.h"
#include "tools/bench/host/Compare.h"
#include "tools/bench/host/HostKernels.h"
#include "tools/bench/host/ModelBench.h"

using namespace strata;

static Result<ExitCode> run(const CLI::App &app, bench::Options &options) {
  STRATA_ASSIGN(bench::Work work, bench::checkOptions(app, options));
  switch (work) {
  case bench::Work::model:
    return bench::benchModel(options);
  case bench::Work::compare:
    return bench::compareModel(options);
  case bench::Work::hostKernels:
    return bench::benchHostKernels(options);
  case bench::Work::artifactKernels:
    return bench::benchArtifactKernels(options);
  case bench::Work::modelKernels:
    break;
  }
  return bench::benchModelKernels(options);
}

int main(int argc, char **argv) {
  CLI::App app("Measures a compiled model, or kernels alone.", "strata-bench");
  prepareCommandLine(app);
  bench::Options options;
  bench::addOptions(app, options);
  return runTool("strata-bench", app, argc, argv, [&] { return run(app, options); });
}
