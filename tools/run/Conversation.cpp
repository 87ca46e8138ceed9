// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/run/Conversation.h"

#include "runtime/Text/Answer.h"
#include "runtime/Text/Chat.h"
#include "runtime/Text/Prompt.h"
#include "tools/run/Interrupt.h"
#include "tools/run/LineReader.h"

#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

namespace strata::run {

namespace {

using Messages = std::vector<text::Message>;

Messages beginning(const Options &options) {
  Messages messages;
  if (options.system)
    messages.push_back({text::Role::System, *options.system, {}, false});
  return messages;
}

Result<std::vector<int32_t>> encodeMessages(const text::Tokenizer &tokenizer, const Options &options,
                                            const Messages &messages) {
  text::ChatOptions chat;
  chat.thinking = options.thinking;
  return text::encodeChat(tokenizer, text::renderChat(messages, chat));
}

/// Asks for a line; says how to leave when Ctrl-C comes without an answer to stop.
class Prompter {
public:
  /// Not a line: the conversation is over, with exit code 130 after an interrupt.
  LineEnd next(std::string &line) {
    while (true) {
      if (isatty(STDIN_FILENO))
        fmt::print(stderr, "> ");
      LineEnd end = reader.read(line);
      if (end != LineEnd::Interrupted) {
        interrupted = false;
        return end;
      }
      Interrupt::clear();
      if (interrupted)
        return LineEnd::Interrupted;
      interrupted = true;
      fmt::print(stderr, "\nCtrl-C again or Ctrl-D ends the conversation\n");
    }
  }
  /// An answer was stopped: the next Ctrl-C is the second.
  void answerStopped() { interrupted = true; }

private:
  LineReader reader;
  bool interrupted = false;
};

} // namespace

void showText(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void showClosing(const GeneratedAnswer &answer, uint32_t context) {
  if (answer.text.empty() || answer.text.back() != '\n')
    showText("\n");
  fmt::print(stderr, "{}\n", closingLine(answer, context));
}

Result<std::vector<int32_t>> encodeTurn(const text::Tokenizer &tokenizer, const Options &options,
                                        const std::string &message) {
  Messages messages = beginning(options);
  messages.push_back({text::Role::User, message, {}, false});
  return encodeMessages(tokenizer, options, messages);
}

Result<ExitCode> converse(Generator &generator, const text::Tokenizer &tokenizer, const Options &options,
                          uint32_t context) {
  Messages messages = beginning(options);
  Prompter prompter;
  std::optional<std::string> given = options.prompt;
  while (true) {
    std::string line;
    if (given) {
      line = *std::exchange(given, std::nullopt);
    } else if (LineEnd end = prompter.next(line); end != LineEnd::Line) {
      return end == LineEnd::Interrupted ? ExitCode::Interrupted : ExitCode::Done;
    }
    if (line.empty())
      continue;

    messages.push_back({text::Role::User, line, {}, false});
    STRATA_ASSIGN(std::vector<int32_t> prompt, encodeMessages(tokenizer, options, messages));
    STRATA_ASSIGN(GeneratedAnswer answer, generator.answer(prompt, showText));
    // Cleared before the closing line is seen: a Ctrl-C that follows it counts.
    if (answer.end == AnswerEnd::Interrupted) {
      Interrupt::clear();
      prompter.answerStopped();
    }
    showClosing(answer, context);
    // The model never sees its earlier reasoning: the format drops it from the conversation.
    text::Answer parts = text::parseAnswer(answer.text, options.thinking);
    messages.push_back({text::Role::Assistant, std::move(parts.content), std::move(parts.toolCalls), false});
  }
}

} // namespace strata::run
