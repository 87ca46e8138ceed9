// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Text/Answer.h"

namespace strata::text {

/// Removes `prefix` from the front of `text`; false if it is not there.
static bool consume(std::string_view &text, std::string_view prefix) {
  if (!text.starts_with(prefix))
    return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// Takes everything before `end` and `end` itself off `text`.
static std::optional<std::string_view> takeUntil(std::string_view &text, std::string_view end) {
  size_t at = text.find(end);
  if (at == std::string_view::npos)
    return std::nullopt;
  std::string_view taken = text.substr(0, at);
  text.remove_prefix(at + end.size());
  return taken;
}

/// The calls of a block that begins behind kToolCallsBegin; moves `text` behind the block.
static std::optional<std::vector<ToolCall>> takeToolCalls(std::string_view &text) {
  std::vector<ToolCall> calls;
  while (consume(text, kToolCallBegin)) {
    std::optional<std::string_view> call = takeUntil(text, kToolCallEnd);
    if (!call)
      return std::nullopt;
    std::optional<std::string_view> name = takeUntil(*call, kToolSeparator);
    if (!name || name->empty())
      return std::nullopt;
    calls.push_back({std::string(*name), std::string(*call)});
  }
  if (calls.empty() || !consume(text, kToolCallsEnd))
    return std::nullopt;
  return calls;
}

Answer parseAnswer(std::string_view text, bool thinking) {
  Answer answer;
  if (thinking) {
    std::optional<std::string_view> reasoning = takeUntil(text, kThinkEnd);
    answer.reasoning = reasoning.value_or(text);
    if (!reasoning)
      return answer;
  }
  size_t begin = text.find(kToolCallsBegin);
  if (begin != std::string_view::npos) {
    std::string_view rest = text.substr(begin + kToolCallsBegin.size());
    if (std::optional<std::vector<ToolCall>> calls = takeToolCalls(rest)) {
      answer.toolCalls = std::move(*calls);
      answer.content = std::string(text.substr(0, begin)) + std::string(rest);
      return answer;
    }
  }
  answer.content = text;
  return answer;
}

} // namespace strata::text
