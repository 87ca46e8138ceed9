// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/run/Generate.h"

#include "runtime/Text/StopStrings.h"
#include "runtime/Text/StreamingDecoder.h"
#include "tools/Progress.h"
#include "tools/run/Interrupt.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>

namespace strata::run {

namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// How many tokens of `prompt` the sequence may keep: the common beginning, but not all, for the last token's logits
/// are wanted.
std::size_t reusable(std::span<const int32_t> cached, std::span<const int32_t> prompt) {
  auto [left, right] = std::mismatch(cached.begin(), cached.end(), prompt.begin(), prompt.end());
  std::size_t common = static_cast<std::size_t>(right - prompt.begin());
  return common == prompt.size() && common > 0 ? common - 1 : common;
}

std::string rate(uint64_t tokens, double seconds) {
  return seconds > 0 ? fmt::format("{} tokens, {:.1f} tokens/s", tokens, static_cast<double>(tokens) / seconds)
                     : fmt::format("{} tokens", tokens);
}

uint64_t promptBytesRead(const Session &session) {
  return session.statistics(schema::Phase::prompt).experts.bytesRead;
}

/// With the speed of the disk, where there is one, since the line began.
void showProgress(ProgressLine &line, const PromptProgress &progress, const Session &session, uint64_t readBefore) {
  std::string text = fmt::format("layer {} of {}", progress.layer + 1, progress.layers);
  if (!session.readsDescription().empty())
    text +=
        fmt::format(", {:.2f} GB/s", static_cast<double>(promptBytesRead(session) - readBefore) / line.seconds() / 1e9);
  line.show(progress.share, text);
}

} // namespace

Result<Generator> Generator::create(Session &session, const text::Tokenizer &tokenizer, const Options &options) {
  STRATA_ASSIGN(text::Sampler sampler, text::Sampler::create(options.sampling, session.vocabulary()));
  STRATA_TRY(text::StopStrings::create(options.stop).map([](const text::StopStrings &) {}));
  STRATA_ASSIGN(SequenceId sequence, session.openSequence());
  return Generator(session, tokenizer, options, std::move(sampler), sequence);
}

/// False if it was interrupted.
Result<bool> Generator::runPrompt(std::span<const int32_t> prompt, GeneratedAnswer &answer) {
  std::size_t kept = reusable(cached, prompt);
  STRATA_TRY(session.truncate(sequence, static_cast<uint32_t>(kept)));
  cached.resize(kept);
  std::span<const int32_t> rest = prompt.subspan(kept);
  answer.timings.reusedTokens = kept;

  auto keepLogits = [&](uint32_t, std::span<const float> row) { logits.assign(row.begin(), row.end()); };
  STRATA_ASSIGN(PromptStep step, session.startPrompt(sequence, rest, WantedRows::last, keepLogits));
  bool done = false;
  ProgressLine line("prompt");
  uint64_t readBefore = promptBytesRead(session);
  while (!done && !Interrupt::raised()) {
    STRATA_ASSIGN(done, step.advance());
    if (line.isDue())
      showProgress(line, step.progress(), session, readBefore);
  }
  if (done)
    cached.assign(prompt.begin(), prompt.end());
  answer.timings.promptTokens = rest.size();
  return done;
}

Result<AnswerEnd> Generator::runDecode(std::span<const int32_t> prompt, GeneratedAnswer &answer, const TextSink &show) {
  Clock::time_point promptEnd = Clock::now();
  STRATA_ASSIGN(text::StopStrings stop, text::StopStrings::create(options.stop));
  text::StreamingDecoder decoder(tokenizer.vocabulary());
  std::vector<int32_t> history(prompt.begin(), prompt.end());
  auto emit = [&](const std::string &text) {
    answer.text += text;
    if (!text.empty())
      show(text);
  };
  auto end = [&](AnswerEnd reason) {
    emit(stop.feed(decoder.flush()));
    emit(stop.flush());
    return reason;
  };

  Clock::time_point firstToken;
  for (uint64_t step = 0;; ++step) {
    STRATA_ASSIGN(int32_t token, sampler.sample(logits, history, step));
    if (step == 0) {
      firstToken = Clock::now();
      answer.timings.firstTokenSeconds = answer.timings.promptSeconds + secondsSince(promptEnd);
    }
    answer.timings.decodeTokens = step;
    answer.timings.decodeSeconds = secondsSince(firstToken);

    if (token == tokenizer.vocabulary().eos() && options.mode != Mode::RandomPrompt)
      return end(AnswerEnd::EndOfText);
    history.push_back(token);
    emit(stop.feed(decoder.feed(token)));
    if (stop.stopped())
      return AnswerEnd::StopString;
    if (options.maxTokens && step + 1 >= *options.maxTokens)
      return end(AnswerEnd::MaxTokens);
    if (cached.size() >= session.context())
      return end(AnswerEnd::ContextFull);
    if (Interrupt::raised())
      return end(AnswerEnd::Interrupted);

    DecodeRow row{sequence, token};
    STRATA_TRY(session.decode(std::span(&row, 1)));
    cached.push_back(token);
    std::span<const float> next = session.logits(0);
    logits.assign(next.begin(), next.end());
  }
}

Result<GeneratedAnswer> Generator::answer(std::span<const int32_t> prompt, const TextSink &show) {
  GeneratedAnswer answer;
  Clock::time_point start = Clock::now();
  Result<bool> done = runPrompt(prompt, answer);
  // What a prompt that was broken off leaves in the sequence is its last whole pass.
  if (!done || !*done)
    cached.assign(prompt.begin(), prompt.begin() + session.positions(sequence));
  STRATA_TRY(done.map([](bool) {}));
  answer.timings.promptSeconds = secondsSince(start);
  if (!*done) {
    answer.end = AnswerEnd::Interrupted;
    return answer;
  }

  STRATA_ASSIGN(answer.end, runDecode(prompt, answer, show));
  return answer;
}

std::string closingLine(const GeneratedAnswer &answer, uint32_t context) {
  const Timings &timings = answer.timings;
  std::string line = "prompt: " + rate(timings.promptTokens, timings.promptSeconds);
  if (timings.reusedTokens)
    line += fmt::format(" ({} more reused)", timings.reusedTokens);
  line += fmt::format("; first token: {:.3f} s; decode: {}", timings.firstTokenSeconds,
                      rate(timings.decodeTokens, timings.decodeSeconds));
  if (answer.end == AnswerEnd::ContextFull)
    line += fmt::format("; the context of {} positions is full", context);
  if (answer.end == AnswerEnd::Interrupted)
    line += "; interrupted";
  return line;
}

} // namespace strata::run
