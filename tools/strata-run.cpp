// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// strata-run: text in, text out.
#include "compiler/Support/AtomicFile.h"
#include "runtime/Text/Prompt.h"
#include "tools/CommandLine.h"
#include "tools/run/Conversation.h"
#include "tools/run/Expect.h"
#include "tools/run/Interrupt.h"
#include "tools/run/OpenModel.h"
#include "tools/run/Recording.h"
#include "tools/run/Statistics.h"

#include <fmt/format.h>
#include <iostream>
#include <iterator>
#include <random>
#include <span>

using namespace strata;
using namespace strata::run;

namespace {

/// All of stdin to its last byte, whatever bytes they are.
Result<ExitCode> tokenizeInput(const Options &options) {
  STRATA_ASSIGN(text::Tokenizer tokenizer, openTokenizer(options));
  std::string input{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  STRATA_ASSIGN(std::vector<int32_t> ids, tokenizer.encode(input, /*parseSpecial=*/true));
  fmt::print("{}\n", fmt::join(ids, " "));
  return ExitCode::Done;
}

std::vector<int32_t> randomTokens(uint32_t count, uint32_t vocabulary, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<int32_t> tokens(count);
  for (int32_t &token : tokens)
    token = static_cast<int32_t>(random() % vocabulary);
  return tokens;
}

Result<std::vector<int32_t>> promptTokens(const Options &options, const text::Tokenizer &tokenizer,
                                          uint32_t vocabulary) {
  if (options.mode == Mode::Tokens)
    return text::parseTokenIds(options.tokens, vocabulary);
  if (options.mode == Mode::RandomPrompt)
    return randomTokens(options.randomPrompt, vocabulary, options.sampling.seed);
  if (options.raw)
    return text::encodeRaw(tokenizer, options.prompt.value_or(""));
  return encodeTurn(tokenizer, options, options.prompt.value_or(""));
}

Result<ExitCode> generate(const Options &options, Session &session, const text::Tokenizer &tokenizer) {
  // From here on Ctrl-C stops an answer; before, it ends the process.
  STRATA_TRY(Interrupt::install());
  STRATA_ASSIGN(Generator generator, Generator::create(session, tokenizer, options));
  if (options.mode == Mode::Interactive)
    return converse(generator, tokenizer, options, session.context());
  STRATA_ASSIGN(std::vector<int32_t> prompt, promptTokens(options, tokenizer, session.vocabulary()));
  bool shows = options.mode != Mode::RandomPrompt;
  STRATA_ASSIGN(GeneratedAnswer answer, generator.answer(prompt, shows ? showText : [](std::string_view) {}));
  if (shows)
    showClosing(answer, session.context());
  else
    fmt::print(stderr, "{}\n", closingLine(answer, session.context()));
  return answer.end == AnswerEnd::Interrupted ? ExitCode::Interrupted : ExitCode::Done;
}

Result<ExitCode> runModel(const Options &options, OpenedModel &model) {
  if (options.mode == Mode::Expect)
    return expectGolden(*model.session, options.expect, options.bounds);
  STRATA_ASSIGN(text::Tokenizer tokenizer, tokenizerOf(model.located.gguf));
  return generate(options, *model.session, tokenizer);
}

Result<void> writeStatistics(const Options &options, const Session &session) {
  std::string text = options.statisticsJson ? statisticsJson(session) : statisticsText(session);
  if (!options.statisticsFile.empty())
    return writeFileAtomically(options.statisticsFile, std::as_bytes(std::span(text)),
                               "give another place with --stats-file");
  fmt::print(stderr, "{}", text);
  return {};
}

Result<ExitCode> runWith(const CLI::App &app, Options &options) {
  STRATA_TRY(checkOptions(app, options));
  if (options.mode == Mode::Tokenize)
    return tokenizeInput(options);
  STRATA_ASSIGN(OpenedModel model, openModel(options));
  STRATA_ASSIGN(ExitCode code, runModel(options, model));
  if (options.statistics)
    STRATA_TRY(writeStatistics(options, *model.session));
  if (model.recorder)
    STRATA_TRY(saveRecording(*model.recorder, model.session->artifact().root(), model.located.gguf, options));
  return code;
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app("Runs a compiled model: text in, text out.", "strata-run");
  prepareCommandLine(app);
  Options options;
  addOptions(app, options);
  return runTool("strata-run", app, argc, argv, [&] { return runWith(app, options); });
}
