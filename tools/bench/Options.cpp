// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/Options.h"

#include "runtime/Base/HostLimits.h"
#include "runtime/Weights/Gguf.h"

#include <fmt/format.h>
#include <limits>
#include <map>
#include <unistd.h>

namespace strata::bench {

namespace {

/// What only one kind of work knows; the others refuse it.
constexpr const char *kModelOptions[] = {"--prompt-tokens", "--generate", "--context-depth", "--kv", "--compare"};
constexpr const char *kHostOptions[] = {"--threads",     "--activations", "--isa",
                                        "--repetitions", "--only",        "--machine-file"};
constexpr const char *kSimulatedOptions[] = {"--tokens", "--sequences", "--context", "--most-macs", "--nvrtc"};

/// A list in one argument: what follows is not swallowed.
template <typename Number>
CLI::Option *addList(CLI::App &app, const char *name, std::vector<Number> &list, const char *help) {
  return app.add_option(name, list, help)->delimiter(',')->allow_extra_args(false);
}

void addModel(CLI::App &app, HostOptions &host) {
  const char *group = "The whole model, on the host (lists N,N,...: each combination is a row)";
  constexpr uint32_t kMost = 1 << 24;
  addList(app, "-p,--prompt-tokens", host.prompts, "prompts of so many tokens; 512 if there is no -n either")
      ->group(group)
      ->check(CLI::Range(0U, kMost));
  addList(app, "-n,--generate", host.generated, "generate so many tokens; 128 if there is no -p either")
      ->group(group)
      ->check(CLI::Range(0U, kMost));
  addList(app, "--context-depth", host.depths,
          "after so many positions, of which the cache has random numbers; without it, 0")
      ->group(group)
      ->check(CLI::Range(0U, kMost));
  static const std::map<std::string, schema::KvEncoding> kKv = {{"f16", schema::KvEncoding::f16},
                                                                {"f32", schema::KvEncoding::f32}};
  app.add_option_function<std::string>(
         "--kv", [&](const std::string &name) { host.kv = kKv.at(name); }, "f16 or f32: the KV cache")
      ->group(group)
      ->check(CLI::IsMember(kKv));
  app.add_option("--compare", host.compare,
                 "the path of llama.cpp's llama-bench: both engines run the same GGUF in turns, round by round")
      ->group(group);
  app.add_option("--compare-options", host.compareOptions,
                 "what llama-bench gets besides, as in \"--repack 0 -fa on,off\"; of several rows the best counts")
      ->group(group);
}

void addHost(CLI::App &app, HostOptions &host) {
  const char *group = "The host (lists N,N,...: each combination is a row)";
  addList(app, "-t,--threads", host.threads, "worker threads; without it, as many as this process may use")
      ->group(group)
      ->check(CLI::Range(1U, 4096U));
  addList(app, "--activations", host.encodings,
          "auto, i8, i16 or f32: the activations of quantised products; auto is what the artifact says")
      ->group(group)
      ->check(CLI::IsMember({"auto", "i8", "i16", "f32"}));
  static const std::map<std::string, Isa> kIsas = {
      {"portable", Isa::portable}, {"avx2", Isa::avx2}, {"avx512", Isa::avx512}};
  app.add_option_function<std::string>(
         "--isa", [&](const std::string &name) { host.isa = kIsas.at(name); },
         "avx512, avx2 or portable: the host's instructions; without it, the best that the processor has")
      ->group(group)
      ->check(CLI::IsMember(kIsas));
  app.add_option("-r,--repetitions", host.repetitions, "of each measurement; of a comparison, rounds")
      ->group(group)
      ->capture_default_str()
      ->check(CLI::Range(1U, 1000U));
}

void addKernels(CLI::App &app, Options &options) {
  const char *group = "Kernels";
  app.add_flag("--kernels", options.kernels,
               "kernels alone: those of a GPU with --device=sim, those of the host with --device=host")
      ->group(group);
  addList(app, "--only", options.host.only,
          "of --device=host: kernels whose name contains one of these texts, TEXT,...")
      ->group(group);
  app.add_option("--machine-file", options.host.machineFile,
                 "of --device=host: write product_rate and attention_rate, as measured, into this file of strata-probe")
      ->group(group);
  app.add_option("--tokens", options.tokens, "of --device=sim: tokens of the prompt; a decode step follows it")
      ->group(group)
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1}, uint64_t{std::numeric_limits<int32_t>::max()}));
  app.add_option("--sequences", options.sequences, "of a GGUF: rows of the decode step")
      ->group(group)
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1}, uint64_t{8}));
  app.add_option("--context", options.context, "of a GGUF: positions that each row attends to")
      ->group(group)
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 20));
  app.add_option("--most-macs", options.mostMacs,
                 "count launches of products with more multiplications on a sample of their CTAs; 0: count all")
      ->group(group)
      ->capture_default_str()
      ->check([](const std::string &text) { return text.starts_with('-') ? text + " is negative" : ""; });
  app.add_option(
         "--nvrtc", options.nvrtc,
         "the folder of libnvrtc.so.12, for the calibration and the kernels of a GGUF; without it, where tools/cuda.sh "
         "put it, then the system")
      ->group(group);
}

tl::unexpected<Error> commandLine(std::string message) {
  return fail(ExitCode::CommandLine, "", std::move(message) + "; --help lists the options");
}

template <typename Names> Result<void> refuse(const CLI::App &app, const Names &names, const char *what) {
  for (const char *name : names)
    if (app.count(name) != 0)
      return commandLine(fmt::format("{} does not belong to {}", name, what));
  return {};
}

Result<void> checkProgram(const std::string &path) {
  if (access(path.c_str(), X_OK) == 0)
    return {};
  return commandLine(fmt::format("there is no program {} that can be run: --compare takes the path of a llama-bench",
                                 escapeName(path)));
}

Result<Work> kernelWork(const CLI::App &app, const Options &options) {
  STRATA_TRY(refuse(app, kModelOptions, "--kernels"));
  if (options.device == "host") {
    STRATA_TRY(refuse(app, kSimulatedOptions, "--device=host"));
    if (app.count("--machine-file") != 0 && options.host.threads.size() != 1)
      return commandLine("--machine-file takes the figures of one number of threads");
    return Work::hostKernels;
  }
  if (options.device != "sim")
    return commandLine("--kernels needs --device=sim or --device=host");
  STRATA_TRY(refuse(app, kHostOptions, "--device=sim"));
  if (options.model.empty())
    return commandLine("MODEL is missing: an artifact or a GGUF");
  return gguf::isGguf(options.model) ? Work::modelKernels : Work::artifactKernels;
}

Result<Work> modelWork(const CLI::App &app, Options &options) {
  STRATA_TRY(refuse(app, kSimulatedOptions, "a whole model: --kernels is missing"));
  for (const char *option : {"--only", "--machine-file"})
    if (app.count(option) != 0)
      return commandLine(fmt::format("{} belongs to --kernels --device=host", option));
  if (options.device == "sim")
    return commandLine("--device=sim needs --kernels: whole models are measured on the host");
  if (options.model.empty())
    return commandLine("MODEL is missing: an artifact, as strata-compile wrote it");
  HostOptions &host = options.host;
  if (app.count("--compare-options") != 0 && host.compare.empty())
    return commandLine("--compare-options belongs to --compare");
  if (app.count("--prompt-tokens") == 0 && app.count("--generate") == 0) {
    host.prompts = {512};
    host.generated = {128};
  }
  std::erase(host.prompts, 0U);
  std::erase(host.generated, 0U);
  if (host.prompts.empty() && host.generated.empty())
    return commandLine("there is nothing to do: -p and -n are 0");
  if (host.compare.empty())
    return Work::model;
  STRATA_TRY(checkProgram(host.compare));
  return Work::compare;
}

} // namespace

void addOptions(CLI::App &app, Options &options) {
  static const std::map<std::string, OutputFormat> kFormats = {
      {"md", OutputFormat::md}, {"csv", OutputFormat::csv}, {"json", OutputFormat::json}};
  app.add_option("MODEL", options.model,
                 "the compiled model, as strata-compile wrote it; for --kernels also a GGUF: with --device=sim its "
                 "header is enough, with --device=host its experts are read, and MODEL may be left out");
  addModel(app, options.host);
  addHost(app, options.host);
  addKernels(app, options);
  const char *how = "How it runs";
  app.add_option("--device", options.device,
                 "host, or sim, which simulates the GPU that an artifact was compiled for; without it, host")
      ->group(how)
      ->check(CLI::IsMember({"host", "sim"}));
  app.add_option("--weights", options.weights, "the GGUF file, if it is not beside the artifact or where it was")
      ->group(how);
  app.add_option_function<std::string>(
         "--output", [&](const std::string &name) { options.output = kFormats.at(name); },
         "md, csv or json; without it md. csv and json have all figures")
      ->group("What is printed")
      ->check(CLI::IsMember(kFormats));
}

Result<Work> checkOptions(const CLI::App &app, Options &options) {
  HostOptions &host = options.host;
  if (host.threads.empty())
    host.threads = {hostLimits().cores};
  if (host.depths.empty())
    host.depths = {0};
  if (host.encodings.empty())
    host.encodings = {"auto"};
  return options.kernels ? kernelWork(app, options) : modelWork(app, options);
}

} // namespace strata::bench
