// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Taking an answer of DeepSeek V3.1 apart.
#pragma once

#include "runtime/Text/Chat.h"

namespace strata::text {

struct Answer {
  std::string reasoning;
  std::string content;
  std::vector<ToolCall> toolCalls;
};

/// The parts of a generated text (without its end-of-sentence token). With `thinking` everything before the first
/// </think> is reasoning, all of it if there is none. Tool calls are taken from the content; a block of calls that is
/// cut short or malformed stays in the content as it is, so that nothing is lost.
Answer parseAnswer(std::string_view text, bool thinking);

} // namespace strata::text
