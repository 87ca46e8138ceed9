// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// strata-dump: what is in an artifact, for people and for programs.
#include "runtime/Artifact/LoadedArtifact.h"
#include "tools/CommandLine.h"
#include "tools/dump/Dump.h"

#include <array>
#include <cstdio>

using namespace strata;

namespace {

struct Section {
  const char *option;
  const char *help;
  std::string (*print)(const LoadedArtifact &);
  bool wanted = false;
};

} // namespace

int main(int argc, char **argv) {
  std::array<Section, 10> sections = {{
      {"--summary", "what was compiled, for what, and what it needs (without another option, this)", dumpSummary},
      {"--plan", "the plan dialect's text", dumpPlan},
      {"--buffers", "arenas, and every value's place in one", dumpBuffers},
      {"--programs", "runs, blocks and dispatches, with their operands by name", dumpPrograms},
      {"--tensors", "the tensor table", dumpTensors},
      {"--kernels", "the kernels of a plan for a GPU, and how they are launched", dumpKernels},
      {"--resources", "registers, shared memory and stack of the kernels", dumpResources},
      {"--source", "the kernels as CUDA text", dumpSource},
      {"--ptx", "the kernels as PTX", dumpPtx},
      {"--json", "everything but the texts of kernels, as JSON; alone", dumpJson},
  }};

  CLI::App app("Prints what is in a compiled model.", "strata-dump");
  prepareCommandLine(app);
  std::string path;
  app.add_option("ARTIFACT", path, "the compiled model, as strata-compile wrote it")->required();
  std::array<CLI::Option *, 10> flags = {};
  for (std::size_t index = 0; index < sections.size(); ++index)
    flags[index] = app.add_flag(sections[index].option, sections[index].wanted, sections[index].help);
  for (std::size_t index = 0; index + 1 < flags.size(); ++index)
    flags.back()->excludes(flags[index]);

  return runTool("strata-dump", app, argc, argv, [&]() -> Result<ExitCode> {
    STRATA_ASSIGN(LoadedArtifact artifact, LoadedArtifact::load(path));
    bool any = false;
    for (const Section &section : sections)
      any |= section.wanted;
    sections[0].wanted |= !any;
    for (const Section &section : sections)
      if (section.wanted)
        std::fputs(section.print(artifact).c_str(), stdout);
    return ExitCode::Done;
  });
}
