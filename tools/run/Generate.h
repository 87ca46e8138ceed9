// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Answers: a prompt goes in, text streams out.
#pragma once

#include "runtime/Exec/Session.h"
#include "runtime/Text/Sampler.h"
#include "runtime/Text/Tokenizer.h"
#include "tools/run/Options.h"

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata::run {

enum class AnswerEnd { EndOfText, StopString, MaxTokens, ContextFull, Interrupted };

/// What an answer took, by the wall clock, loading left out.
struct Timings {
  uint64_t promptTokens = 0;    ///< Run through the model; those taken over from earlier are not counted.
  uint64_t reusedTokens = 0;    ///< Taken over from earlier.
  double promptSeconds = 0;     ///< From the prompt's beginning to its logits.
  double firstTokenSeconds = 0; ///< From the prompt's beginning to the first token, chosen.
  uint64_t decodeTokens = 0;    ///< Tokens after the first, each of which took a decode step.
  double decodeSeconds = 0;     ///< From the first token to the last.
};

struct GeneratedAnswer {
  std::string text;
  AnswerEnd end = AnswerEnd::EndOfText;
  Timings timings;
};

/// Receives text while it is made: whole UTF-8 characters, no part of a stop string.
using TextSink = std::function<void(std::string_view text)>;

/// Generates answers on one sequence of a session. What a prompt has in common with what the sequence already holds is
/// not computed again.
class Generator {
public:
  /// Exit code 2: a sampling option out of its range, an empty stop string.
  static Result<Generator> create(Session &session, const text::Tokenizer &tokenizer, const Options &options);

  /// Exit code 1 if the prompt does not fit the context. Ctrl-C ends an answer between two steps.
  Result<GeneratedAnswer> answer(std::span<const int32_t> prompt, const TextSink &show);

private:
  Generator(Session &openSession, const text::Tokenizer &loadedTokenizer, const Options &checkedOptions,
            text::Sampler createdSampler, SequenceId openedSequence)
      : session(openSession), tokenizer(loadedTokenizer), options(checkedOptions), sampler(std::move(createdSampler)),
        sequence(openedSequence) {}

  Result<bool> runPrompt(std::span<const int32_t> prompt, GeneratedAnswer &answer);
  Result<AnswerEnd> runDecode(std::span<const int32_t> prompt, GeneratedAnswer &answer, const TextSink &show);

  Session &session;
  const text::Tokenizer &tokenizer;
  const Options &options;
  text::Sampler sampler;
  SequenceId sequence;
  std::vector<int32_t> cached; ///< The tokens whose positions the sequence holds.
  std::vector<float> logits;   ///< Of the last position.
};

/// The closing line: tokens per second of prompt and decoding, the time to the first token, and why the answer ended
/// if the model did not end it.
std::string closingLine(const GeneratedAnswer &answer, uint32_t context);

} // namespace strata::run
