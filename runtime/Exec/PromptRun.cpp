// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Exec/PromptRun.h"

#include <algorithm>
#include <utility>

namespace strata {

PromptRun::PromptRun(uint32_t context, uint32_t perPass, uint32_t perChunk)
    : tokensPerPass(perPass), tokensPerChunk(perChunk) {
  tokens.reserve(context);
}

void PromptRun::start(const BoundProgram &ofProgram, SequenceId ofSequence, uint32_t atPosition,
                      std::span<const int32_t> prompt, WantedRows wantedRows, LogitsSink logitsSink) {
  tokens.assign(prompt.begin(), prompt.end());
  program = &ofProgram;
  sequenceId = ofSequence;
  startPosition = atPosition;
  wanted = wantedRows;
  logits = std::move(logitsSink);
  running = true;
  ++started;
  passBegin = 0;
  stage = 0;
  done = 0;
  total = countUnits();
  enterStage();
}

uint32_t PromptRun::passRows() const {
  return static_cast<uint32_t>(std::min<size_t>(tokensPerPass, tokens.size() - passBegin));
}

std::span<const int32_t> PromptRun::passTokens() const {
  return std::span(tokens).subspan(passBegin, passRows());
}

/// The first row of the pass that logits are wanted of.
uint32_t PromptRun::firstWanted() const {
  if (wanted == WantedRows::all)
    return 0;
  bool lastPass = passBegin + passRows() == tokens.size();
  return lastPass ? passRows() - 1 : passRows();
}

uint32_t PromptRun::unitRows() const {
  switch (program->rows(stage)) {
  case schema::Rows::chunk:
    return std::min(tokensPerChunk, passRows() - first);
  case schema::Rows::output:
    return 1;
  case schema::Rows::step:
  case schema::Rows::prompt:
    break;
  }
  return passRows();
}

void PromptRun::enterStage() {
  first = program->rows(stage) == schema::Rows::output ? firstWanted() : 0;
}

bool PromptRun::next() {
  ++done;
  first += unitRows();
  while (first == passRows()) {
    if (++stage == program->stages()) {
      passBegin += passRows();
      stage = 0;
      first = 0;
      return true;
    }
    enterStage();
  }
  return false;
}

PromptProgress PromptRun::progress() const {
  PromptProgress progress;
  for (size_t each = 0; each < program->stages(); ++each) {
    progress.layers = std::max(progress.layers, program->layer(each) + 1);
    if (isOver() || each <= stage) // The head is no layer's: it counts as the last one's.
      progress.layer = progress.layers - 1;
  }
  double stages = static_cast<double>(stage);
  if (uint32_t rows = isOver() ? 0 : passRows())
    stages += static_cast<double>(first) / rows;
  uint64_t passes = (tokens.size() + tokensPerPass - 1) / tokensPerPass, pass = passBegin / tokensPerPass;
  progress.share = isOver() ? 1
                            : (static_cast<double>(pass) + stages / static_cast<double>(program->stages())) /
                                  static_cast<double>(passes);
  return progress;
}

uint64_t PromptRun::countUnits() const {
  uint64_t count = 0;
  for (size_t begin = 0; begin < tokens.size(); begin += tokensPerPass) {
    uint64_t rows = std::min<uint64_t>(tokensPerPass, tokens.size() - begin);
    bool lastPass = begin + rows == tokens.size();
    for (size_t each = 0; each < program->stages(); ++each) {
      if (program->rows(each) == schema::Rows::chunk)
        count += (rows + tokensPerChunk - 1) / tokensPerChunk;
      else if (program->rows(each) == schema::Rows::output)
        count += wanted == WantedRows::all ? rows : (lastPass ? 1 : 0);
      else
        ++count;
    }
  }
  return count;
}

} // namespace strata
