// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// strata-run: text in, text out.
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

Result<std::vector<int32_t>> promptTokens(const Options &options, const text::Tokenizer &tokenizer,
                                          uint32_t vocabulary) {
  if (options.mode == Mode::Tokens)
    return text::parseTokenIds(options.tokens, vocabulary);
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
  STRATA_ASSIGN(GeneratedAnswer answer, generator.answer(prompt, showText));
  showClosing(answer, session.context());
  return answer.end == AnswerEnd::Interrupted ? ExitCode::Interrupted : ExitCode::Done;
}

Result<ExitCode> runModel(const Options &options, OpenedModel &model) {
  if (options.mode == Mode::Expect)
    return expectGolden(*model.session, options.expect, options.bounds);
  STRATA_ASSIGN(text::Tokenizer tokenizer, tokenizerOf(model.located.gguf));
  return generate(options, *model.session, tokenizer);
}

Result<ExitCode> runWith(const CLI::App &app, Options &options) {
  STRATA_TRY(checkOptions(app, options));
  if (options.mode == Mode::Tokenize)
    return tokenizeInput(options);
  STRATA_ASSIGN(OpenedModel model, openModel(options));
  STRATA_ASSIGN(ExitCode code, runModel(options, model));
  if (options.statistics)
    fmt::print(stderr, "{}", expertStatistics(*model.session));
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
