// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Text/Chat.h"

namespace strata::text {

void appendText(std::vector<ChatPiece> &pieces, std::string_view text) {
  if (text.empty())
    return;
  if (!pieces.empty() && !pieces.back().special)
    pieces.back().text += text;
  else
    pieces.push_back({std::string(text), false});
}

void appendSpecial(std::vector<ChatPiece> &pieces, std::string_view name) {
  pieces.push_back({std::string(name), true});
}

std::string renderText(std::span<const ChatPiece> pieces) {
  std::string text;
  for (const ChatPiece &piece : pieces)
    text += piece.text;
  return text;
}

namespace {

/// Walks a conversation as the model's template does. Two facts about the messages so far decide what comes next:
/// whether a user's turn is open, and whether the last message was a tool's output (which the model continues without
/// any marker).
class ChatRenderer {
public:
  explicit ChatRenderer(const ChatOptions &chatOptions) : options(chatOptions) {}

  std::vector<ChatPiece> render(std::span<const Message> messages) {
    appendSpecial(pieces, kBeginOfSentence);
    renderSystem(messages);
    for (const Message &message : messages)
      renderMessage(message);
    if (options.addGenerationPrompt && userTurn)
      openAnswer(options.thinking);
    return std::move(pieces);
  }

private:
  /// All system messages come first, wherever they stand in the conversation.
  void renderSystem(std::span<const Message> messages) {
    std::string_view separator;
    for (const Message &message : messages) {
      if (message.role != Role::System)
        continue;
      appendText(pieces, separator);
      appendText(pieces, content(message));
      separator = "\n\n";
    }
    if (options.tools.empty())
      return;
    appendText(pieces, separator);
    for (const ChatPiece &piece : options.tools) {
      if (piece.special)
        appendSpecial(pieces, piece.text);
      else
        appendText(pieces, piece.text);
    }
  }

  void renderMessage(const Message &message) {
    switch (message.role) {
    case Role::System:
      return;
    case Role::User:
      appendSpecial(pieces, kUser);
      appendText(pieces, content(message));
      userTurn = true;
      afterTool = false;
      return;
    case Role::Assistant:
      if (message.toolCalls.empty())
        renderAnswer(message);
      else
        renderToolCalls(message);
      userTurn = false;
      afterTool = false;
      return;
    case Role::Tool:
      appendSpecial(pieces, kToolOutputBegin);
      appendText(pieces, content(message));
      appendSpecial(pieces, kToolOutputEnd);
      userTurn = false;
      afterTool = true;
      return;
    }
  }

  void renderAnswer(const Message &message) {
    if (userTurn)
      openAnswer(message.prefix && options.thinking);
    std::string_view answer = content(message);
    // The reasoning of earlier turns is not shown to the model again.
    size_t reasoningEnd = answer.find(kThinkEnd);
    if (!afterTool && reasoningEnd != std::string_view::npos)
      answer.remove_prefix(reasoningEnd + kThinkEnd.size());
    appendText(pieces, answer);
    appendSpecial(pieces, kEndOfSentence);
  }

  void renderToolCalls(const Message &message) {
    if (userTurn)
      openAnswer(false);
    appendText(pieces, content(message));
    appendSpecial(pieces, kToolCallsBegin);
    for (const ToolCall &call : message.toolCalls) {
      appendSpecial(pieces, kToolCallBegin);
      appendText(pieces, call.name);
      appendSpecial(pieces, kToolSeparator);
      appendText(pieces, call.arguments);
      appendSpecial(pieces, kToolCallEnd);
    }
    appendSpecial(pieces, kToolCallsEnd);
    appendSpecial(pieces, kEndOfSentence);
  }

  void openAnswer(bool thinking) {
    appendSpecial(pieces, kAssistant);
    appendSpecial(pieces, thinking ? kThinkBegin : kThinkEnd);
  }

  static std::string_view content(const Message &message) {
    return message.content ? std::string_view(*message.content) : std::string_view();
  }

  const ChatOptions &options;
  std::vector<ChatPiece> pieces;
  bool userTurn = false;
  bool afterTool = false;
};

} // namespace

std::vector<ChatPiece> renderChat(std::span<const Message> messages, const ChatOptions &options) {
  return ChatRenderer(options).render(messages);
}

} // namespace strata::text
