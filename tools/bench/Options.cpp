// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/Options.h"

#include <limits>
#include <map>

namespace strata::bench {

void addOptions(CLI::App &app, Options &options) {
  static const std::map<std::string, OutputFormat> kFormats = {
      {"md", OutputFormat::md}, {"csv", OutputFormat::csv}, {"json", OutputFormat::json}};
  app.add_option("MODEL", options.model,
                 "the compiled model, as strata-compile wrote it; or a GGUF, whose header is enough: the kernels of "
                 "its decode step")
      ->required();
  const char *what = "What is measured";
  app.add_flag("--kernels", options.kernels, "every kernel of the decode and the prompt program")->group(what);
  app.add_option("--tokens", options.tokens, "tokens of the prompt; a decode step follows it")
      ->group(what)
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1}, uint64_t{std::numeric_limits<int32_t>::max()}));
  app.add_option("--sequences", options.sequences, "of a GGUF: rows of the decode step")
      ->group(what)
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1}, uint64_t{8}));
  app.add_option("--context", options.context, "of a GGUF: positions that each row attends to")
      ->group(what)
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 20));
  app.add_option("--most-macs", options.mostMacs,
                 "count launches of products with more multiplications on a sample of their CTAs; 0: count all")
      ->group(what)
      ->capture_default_str()
      ->check([](const std::string &text) { return text.starts_with('-') ? text + " is negative" : ""; });
  const char *how = "How it runs";
  app.add_option("--device", options.device, "sim, which simulates the GPU that an artifact was compiled for")
      ->group(how);
  app.add_option("--weights", options.weights, "the GGUF file, if it is not beside the artifact or where it was")
      ->group(how);
  app.add_option(
         "--nvrtc", options.nvrtc,
         "the folder of libnvrtc.so.12, for the calibration and the kernels of a GGUF; without it, where tools/cuda.sh "
         "put it, then the system")
      ->group(how);
  app.add_option_function<std::string>(
         "--output", [&](const std::string &name) { options.output = kFormats.at(name); },
         "md, csv or json; without it md. csv and json have all figures")
      ->group("What is printed")
      ->check(CLI::IsMember(kFormats));
}

Result<void> checkOptions(const Options &options) {
  if (!options.kernels)
    return fail(ExitCode::CommandLine, "", "there is nothing to do: give --kernels; --help lists the options");
  if (options.device != "sim")
    return fail(ExitCode::CommandLine, "", "--kernels needs --device=sim; --help lists the options");
  return {};
}

} // namespace strata::bench
