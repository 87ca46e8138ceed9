// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Exec/SessionState.h"

#include <fmt/format.h>
#include <utility>

namespace strata {

Result<PromptStep> Session::startPrompt(SequenceId sequence, std::span<const int32_t> tokens, WantedRows wanted,
                                        LogitsSink sink) {
  if (!state->sequences.isOpen(sequence) || state->prompt.isRunning())
    return fail(ExitCode::Bug, "",
                fmt::format("a prompt of sequence {} cannot start: the sequence is not open or "
                            "another prompt runs",
                            sequence));
  uint32_t before = state->sequences.positions(sequence);
  if (tokens.empty())
    return fail(ExitCode::Input, "", "the prompt has no tokens");
  if (tokens.size() > context() - before)
    return fail(ExitCode::Input, "",
                fmt::format("the prompt of {} tokens is longer than the context: {} of {} positions are left; compile "
                            "with a larger --context",
                            tokens.size(), context() - before, context()));
  for (int32_t token : tokens)
    STRATA_TRY(state->checkToken(token));
  state->prompt.start(*state->promptProgram, sequence, before, tokens, wanted, std::move(sink));
  return PromptStep(state.get(), state->prompt.number());
}

PromptStep::PromptStep(PromptStep &&other) noexcept
    : state(std::exchange(other.state, nullptr)), number(other.number) {}

PromptStep &PromptStep::operator=(PromptStep &&other) noexcept {
  std::swap(state, other.state);
  std::swap(number, other.number);
  return *this;
}

PromptStep::~PromptStep() {
  if (state && state->prompt.number() == number)
    state->stopPrompt();
}

Result<bool> PromptStep::advance() {
  if (!state || state->prompt.number() != number || !state->prompt.isRunning())
    return fail(ExitCode::Bug, "", "a prompt that is over cannot go on");
  return state->advancePrompt();
}

uint64_t PromptStep::unitsDone() const {
  return state->prompt.unitsDone();
}
uint64_t PromptStep::units() const {
  return state->prompt.units();
}
PromptProgress PromptStep::progress() const {
  return state->prompt.progress();
}

} // namespace strata
