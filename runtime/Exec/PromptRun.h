// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Where a prompt is on its way through the model: passes, stages of a pass, units of a stage.
#pragma once

#include "runtime/Exec/BoundProgram.h"
#include "runtime/Exec/Session.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace strata {

/// One unit of work: `count` rows of the pass from `first` on, through one stage.
struct PromptUnit {
  size_t stage;
  uint32_t first;
  uint32_t count;
};

/// A prompt takes ceil(tokens / prompt_tokens) passes. In a pass all its tokens go through each stage, chunk by chunk,
/// all at once, or row by row where logits are wanted, before any goes through the next.
class PromptRun {
public:
  /// Room for `context` tokens; afterwards nothing is allocated.
  PromptRun(uint32_t context, uint32_t tokensPerPass, uint32_t tokensPerChunk);

  void start(const BoundProgram &program, SequenceId ofSequence, uint32_t atPosition, std::span<const int32_t> prompt,
             WantedRows wantedRows, LogitsSink logitsSink);
  void stop() {
    running = false;
    logits = nullptr;
  }

  bool isRunning() const { return running; }
  /// Counts the prompts that were started.
  uint64_t number() const { return started; }
  SequenceId sequence() const { return sequenceId; }

  /// The unit that is next; its pass's tokens and the position of the first of them are below.
  PromptUnit unit() const { return {stage, first, unitRows()}; }
  bool beginsPass() const { return stage == 0 && first == 0; }
  std::span<const int32_t> passTokens() const;
  uint32_t passPosition() const { return startPosition + passBegin; }
  /// Goes on to the next unit. True if that ended a pass: all its tokens are part of the sequence now.
  bool next();
  /// True if no unit is left.
  bool isOver() const { return passBegin == tokens.size(); }

  const LogitsSink &sink() const { return logits; }
  uint64_t unitsDone() const { return done; }
  uint64_t units() const { return total; }
  PromptProgress progress() const;

private:
  uint32_t passRows() const;
  uint32_t unitRows() const;
  uint32_t firstWanted() const;
  void enterStage();
  uint64_t countUnits() const;

  uint32_t tokensPerPass;
  uint32_t tokensPerChunk;
  std::vector<int32_t> tokens;

  bool running = false;
  uint64_t started = 0;
  const BoundProgram *program = nullptr;
  SequenceId sequenceId = 0;
  uint32_t startPosition = 0;
  WantedRows wanted = WantedRows::last;
  LogitsSink logits;
  uint32_t passBegin = 0; ///< Index of the pass's first token.
  size_t stage = 0;
  uint32_t first = 0; ///< The unit's first row in the pass.
  uint64_t done = 0;
  uint64_t total = 0;
};

} // namespace strata
