// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The chat format of DeepSeek V3.1 (its model card and chat template), rendered without a template engine.
#pragma once

#include "runtime/Base/Error.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata::text {

/// Names of the format's special tokens. The bars are U+FF5C, the low lines U+2581.
inline constexpr std::string_view kBeginOfSentence = "<｜begin▁of▁sentence｜>";
inline constexpr std::string_view kEndOfSentence = "<｜end▁of▁sentence｜>";
inline constexpr std::string_view kUser = "<｜User｜>";
inline constexpr std::string_view kAssistant = "<｜Assistant｜>";
inline constexpr std::string_view kThinkBegin = "<think>";
inline constexpr std::string_view kThinkEnd = "</think>";
inline constexpr std::string_view kToolCallsBegin = "<｜tool▁calls▁begin｜>";
inline constexpr std::string_view kToolCallsEnd = "<｜tool▁calls▁end｜>";
inline constexpr std::string_view kToolCallBegin = "<｜tool▁call▁begin｜>";
inline constexpr std::string_view kToolCallEnd = "<｜tool▁call▁end｜>";
inline constexpr std::string_view kToolSeparator = "<｜tool▁sep｜>";
inline constexpr std::string_view kToolOutputBegin = "<｜tool▁output▁begin｜>";
inline constexpr std::string_view kToolOutputEnd = "<｜tool▁output▁end｜>";

struct ToolCall {
  std::string name;
  std::string arguments; ///< JSON, passed through as it is.
};

enum class Role { System, User, Assistant, Tool };

struct Message {
  Role role;
  std::optional<std::string> content;
  std::vector<ToolCall> toolCalls; ///< Of the assistant.
  bool prefix = false;             ///< The beginning of an answer that is to be continued.
};

/// A part of a rendered prompt: the name of one special token, or text in which no special token is recognised.
struct ChatPiece {
  std::string text;
  bool special;
};

struct ChatOptions {
  bool thinking = false;
  bool addGenerationPrompt = true;
  std::vector<ChatPiece> tools; ///< From renderTools(); appended to the system text.
};

/// The prompt of a conversation. Neighbouring texts are one piece, as BPE may merge across them.
std::vector<ChatPiece> renderChat(std::span<const Message> messages, const ChatOptions &options);

/// The tool advertisement of the model card. `toolsJson` is an array of {"type": "function", "function": {"name",
/// "description", "parameters"}} (the OpenAI API's form). Error (exit code 1): JSON of another shape.
Result<std::vector<ChatPiece>> renderTools(std::string_view toolsJson);

/// The pieces' text.
std::string renderText(std::span<const ChatPiece> pieces);

/// Appends text, making one piece of neighbouring texts.
void appendText(std::vector<ChatPiece> &pieces, std::string_view text);
/// Appends one special token.
void appendSpecial(std::vector<ChatPiece> &pieces, std::string_view name);

} // namespace strata::text
