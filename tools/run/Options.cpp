// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/run/Options.h"

#include "tools/ReadingOptions.h"

#include <array>
#include <fmt/format.h>
#include <map>

namespace strata::run {

namespace {

constexpr std::string_view kBoundOptions[] = {"--tolerance", "--nmse", "--median-nmse"};

/// CLI11 wraps a negative number into an unsigned one.
std::string notNegative(const std::string &text) {
  return text.starts_with('-') ? text + " is negative" : "";
}

void addWork(CLI::App &app, Options &options) {
  const char *group = "What to do";
  app.add_option("-p,--prompt", options.prompt, "answer this; with --interactive, the first message")->group(group);
  app.add_option("--tokens", options.tokens, "continue these token ids, ID,ID,...; nothing is added")->group(group);
  app.add_option("--random-prompt", options.randomPrompt,
                 "measure: a prompt of so many random tokens (--seed), then -n tokens, 1 without it, whatever they "
                 "are; shows no text")
      ->group(group)
      ->check(CLI::Range(1U, uint32_t{1} << 24));
  app.add_flag("--interactive", options.interactive, "a conversation; Ctrl-C stops an answer, Ctrl-D ends it")
      ->group(group);
  app.add_flag("--tokenize", options.tokenize,
               "print the token ids of stdin; MODEL may be a GGUF, and its header is enough")
      ->group(group);
  app.add_option("--expect", options.expect, "compare with the golden outputs NAME.json and NAME.logits.npy")
      ->group(group);
}

void addText(CLI::App &app, Options &options) {
  const char *group = "Text";
  app.add_flag("--raw", options.raw, "no chat format: continue the text of -p")->group(group);
  app.add_flag("--thinking", options.thinking, "let the model think before it answers")->group(group);
  app.add_option("--system", options.system, "the system message")->group(group);
  app.add_option("-n", options.maxTokens, "generate at most this many tokens")
      ->group(group)
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 31));
  app.add_option("--stop", options.stop, "end the answer before this text; may be repeated")
      ->group(group)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void addSampling(CLI::App &app, text::SamplingOptions &sampling) {
  const char *group = "Sampling";
  auto add = [&](const char *name, auto &variable, const char *help) {
    return app.add_option(name, variable, help)->group(group)->capture_default_str();
  };
  add("--temperature", sampling.temperature, "0 is greedy");
  add("--top-k", sampling.topK, "keep the K likeliest; 0 keeps all");
  add("--top-p", sampling.topP, "keep the fewest likeliest that reach P together");
  add("--min-p", sampling.minP, "keep what is at least P times as likely as the likeliest");
  add("--repetition-penalty", sampling.repetitionPenalty, "above 1, earlier tokens become less likely");
  add("--seed", sampling.seed, "equal seeds give equal answers")->check(notNegative);
}

void addBounds(CLI::App &app, Bounds &bounds) {
  const char *group = "Bounds of --expect (exit code 4 above any)";
  app.add_option("--tolerance", bounds.tolerance, "the largest absolute difference of a row")->group(group);
  app.add_option("--nmse", bounds.nmse, "the normalised mean square error of a case")->group(group);
  app.add_option("--median-nmse", bounds.medianNmse, "the median of the rows' normalised errors")->group(group);
}

void addMachine(CLI::App &app, Options &options) {
  const char *group = "How it runs";
  static const std::map<std::string, std::optional<schema::ActivationEncoding>> kActivations = {
      {"auto", std::nullopt},
      {"i8", schema::ActivationEncoding::i8},
      {"i16", schema::ActivationEncoding::i16},
      {"f32", schema::ActivationEncoding::f32}};
  static const std::map<std::string, schema::KvEncoding> kKv = {{"f16", schema::KvEncoding::f16},
                                                                {"f32", schema::KvEncoding::f32}};
  app.add_option("--weights", options.weights, "the GGUF file, if it is not beside the artifact or where it was")
      ->group(group);
  app.add_option("--sums", options.sums, "the model's checksums, if they are not beside it (strata-verify writes them)")
      ->group(group);
  app.add_flag("--require-sums", options.requireSums, "do not run weights that cannot be checked")->group(group);
  app.add_option(
         "--device", options.device,
         "host, or sim, which simulates the GPU that an artifact was compiled for; without it, what the plan says")
      ->group(group);
  app.add_flag("--jit", options.jit,
               "compile the kernels' source in the artifact here, with NVRTC, instead of taking the PTX beside it")
      ->group(group);
  app.add_option("--nvrtc", options.nvrtc,
                 "the folder of libnvrtc.so.12 for --jit; without it, where tools/cuda.sh put it, then the system")
      ->group(group);
  app.add_option("--simulator-seed", options.simulatorSeed,
                 "orders the simulated CTAs, warps and lanes anew; results do not depend on it")
      ->group(group)
      ->check(notNegative);
  app.add_option("--threads", options.session.threads, "worker threads; without it, as many as this process may use")
      ->group(group)
      ->check(CLI::Range(1U, 4096U));
  static const std::map<std::string, Isa> kIsas = {
      {"portable", Isa::portable}, {"avx2", Isa::avx2}, {"avx512", Isa::avx512}};
  app.add_option_function<std::string>(
         "--isa", [&](const std::string &name) { options.session.isa = kIsas.at(name); },
         "avx512, avx2 or portable: the host's instructions; without it, the best that the processor has")
      ->group(group)
      ->check(CLI::IsMember(kIsas));
  app.add_option_function<std::string>(
         "--activations", [&](const std::string &name) { options.session.activations = kActivations.at(name); },
         "auto, i8, i16 or f32: the activations of quantised products; auto is what the artifact says")
      ->group(group)
      ->check(CLI::IsMember(kActivations));
  app.add_option_function<std::string>(
         "--kv", [&](const std::string &name) { options.session.kv = kKv.at(name); }, "f16 or f32: the KV cache")
      ->group(group)
      ->check(CLI::IsMember(kKv));
}

void addReading(CLI::App &app, Options &options) {
  const char *group = "Experts that are read from the disk";
  addReadingOptions(app, group, options.session.readBackend, options.session.readDepth, "what the plan counts with");
  app.add_option_function<double>(
         "--read-timeout",
         [&](double seconds) {
           options.session.readTimeout = std::chrono::nanoseconds(static_cast<int64_t>(seconds * 1e9));
         },
         "a read that takes longer than this many seconds has failed; without it 30")
      ->group(group)
      ->check(CLI::Range(0.001, 86400.0));
  app.add_flag("--wait-for-all", options.session.waitForAllExperts,
               "when decoding, compute nothing of a layer before all its experts are there: slower, to see by how much")
      ->group(group);
}

void addStatistics(CLI::App &app, Options &options) {
  const char *group = "What it took";
  CLI::Option *stats = app.add_flag("--stats", options.statistics,
                                    "say at the end what was read of every tier, how fast, beside what was predicted");
  stats->group(group);
  app.add_flag("--json", options.statisticsJson, "--stats as a line of JSON; -1 is what was not measured")
      ->group(group)
      ->needs(stats);
  app.add_option("--stats-file", options.statisticsFile, "write --stats to this file instead of stderr")
      ->group(group)
      ->needs(stats);
}

void addRouting(CLI::App &app, Options &options) {
  const char *group = "Which experts are used";
  app.add_option("--trace", options.trace, "write which experts every token used to this file, for strata-plan")
      ->group(group);
  app.add_flag("!--no-usage", options.countsUsage, "do not add to the counters in MODEL.usage")->group(group);
}

tl::unexpected<Error> commandLine(std::string message) {
  return fail(ExitCode::CommandLine, "", std::move(message) + "; --help lists the options");
}

Result<Mode> modeOf(const CLI::App &app) {
  struct Choice {
    const char *option;
    Mode mode;
  };
  constexpr std::array<Choice, 5> kChoices = {{{"--tokens", Mode::Tokens},
                                               {"--random-prompt", Mode::RandomPrompt},
                                               {"--tokenize", Mode::Tokenize},
                                               {"--expect", Mode::Expect},
                                               {"--interactive", Mode::Interactive}}};
  const Choice *chosen = nullptr;
  for (const Choice &choice : kChoices) {
    if (app.count(choice.option) == 0)
      continue;
    if (chosen)
      return commandLine(fmt::format("{} and {} do not go together", chosen->option, choice.option));
    chosen = &choice;
  }
  bool prompt = app.count("--prompt") != 0;
  if (!chosen && !prompt)
    return commandLine(
        "there is nothing to do: give -p TEXT, --interactive, --tokens, --random-prompt, --tokenize or --expect");
  if (chosen && prompt && chosen->mode != Mode::Interactive)
    return commandLine(fmt::format("-p and {} do not go together", chosen->option));
  return chosen ? chosen->mode : Mode::Prompt;
}

} // namespace

void addOptions(CLI::App &app, Options &options) {
  app.add_option("MODEL", options.model, "the compiled model, as strata-compile wrote it")->required();
  addWork(app, options);
  addText(app, options);
  addSampling(app, options.sampling);
  addBounds(app, options.bounds);
  addMachine(app, options);
  addReading(app, options);
  addStatistics(app, options);
  addRouting(app, options);
}

Result<void> checkOptions(const CLI::App &app, Options &options) {
  STRATA_ASSIGN(options.mode, modeOf(app));
  bool chat = options.mode == Mode::Interactive || (options.mode == Mode::Prompt && !options.raw);
  if (!chat && (options.thinking || options.system))
    return commandLine("--thinking and --system belong to the chat format");
  if (options.mode == Mode::RandomPrompt && !options.maxTokens)
    options.maxTokens = 1;
  if (options.raw && options.mode != Mode::Prompt)
    return commandLine("--raw belongs to -p");
  if (options.mode == Mode::Tokenize && !options.trace.empty())
    return commandLine("--trace does not belong to --tokenize, which runs no model");
  // A test's tokens and random ones say nothing of what will be asked.
  if (options.mode == Mode::Expect || options.mode == Mode::RandomPrompt)
    options.countsUsage = false;
  if (options.mode != Mode::Expect)
    for (std::string_view bound : kBoundOptions)
      if (app.count(std::string(bound)) != 0)
        return commandLine(fmt::format("{} belongs to --expect", bound));
  if (options.device != "sim")
    for (const char *option : {"--jit", "--simulator-seed"})
      if (app.count(option) != 0)
        return commandLine(fmt::format("{} belongs to --device=sim", option));
  if (app.count("--nvrtc") != 0 && !options.jit)
    return commandLine("--nvrtc belongs to --jit");
  if (!options.device.empty() && options.device != "host" && options.device != "sim")
    return fail(
        ExitCode::Machine, "",
        fmt::format("there is no device \"{}\": choose --device=host, or --device=sim for an artifact with a GPU",
                    escapeName(options.device)));
  return {};
}

} // namespace strata::run
