// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// strata-verify: checks every byte of a model's weights.
#include "tools/CommandLine.h"
#include "tools/ReadingOptions.h"
#include "tools/verify/Verify.h"

#include <fmt/format.h>

using namespace strata;

int main(int argc, char **argv) {
  CLI::App app("Checks every byte of a model's weights in one pass: writes MODEL.gguf.sums, or compares with it.",
               "strata-verify");
  prepareCommandLine(app);
  verify::Options options;
  app.add_option("MODEL", options.model, "a GGUF file (of a split set the first), or a compiled model")->required();
  app.add_option("--weights", options.weights, "the GGUF file, if MODEL is compiled and it is not beside it");
  app.add_option("--sums", options.sums, "the file of checksums; without it MODEL.gguf.sums");
  app.add_flag("--rewrite", options.rewrite, "write the checksums anew instead of comparing with them");
  addReadingOptions(app, "How the files are read", options.backend, options.readDepth,
                    fmt::format("{}", kReadDepth).c_str());
  return runTool("strata-verify", app, argc, argv, [&] { return verify::verifyModel(options); });
}
