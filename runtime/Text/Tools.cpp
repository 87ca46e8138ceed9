// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Text/Chat.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace strata::text {

using Json = nlohmann::ordered_json;

/// Deeper JSON Schemas do not occur; the limit keeps writing them, which recurses, off the stack's end.
static constexpr int kMaximumDepth = 64;

static tl::unexpected<Error> malformed(std::string_view what) {
  return fail(ExitCode::Input, "", fmt::format("the tool list is malformed: {}", what));
}

/// JSON on one line with a space behind commas and colons: the spacing the model was trained on.
static void writeSpaced(const Json &value, std::string &text) {
  if (!value.is_structured()) {
    text += value.dump();
    return;
  }
  text += value.is_object() ? '{' : '[';
  std::string_view separator;
  for (const auto &item : value.items()) {
    text += separator;
    separator = ", ";
    if (value.is_object())
      text += Json(item.key()).dump() + ": ";
    writeSpaced(item.value(), text);
  }
  text += value.is_object() ? '}' : ']';
}

static std::optional<Json> parseBounded(std::string_view text) {
  bool tooDeep = false;
  auto limitDepth = [&](int depth, Json::parse_event_t, Json &) {
    tooDeep |= depth > kMaximumDepth;
    return depth <= kMaximumDepth;
  };
  Json value = Json::parse(text, limitDepth, /*allow_exceptions=*/false);
  if (value.is_discarded() || tooDeep)
    return std::nullopt;
  return value;
}

static Result<std::string> describeTool(const Json &tool, size_t index) {
  const Json *function = tool.is_object() && tool.contains("function") ? &tool["function"] : nullptr;
  if (!function || !function->is_object())
    return malformed(fmt::format("tool {} has no object \"function\"", index));
  if (!function->contains("name") || !(*function)["name"].is_string())
    return malformed(fmt::format("the function of tool {} has no string \"name\"", index));
  std::string description;
  if (function->contains("description")) {
    if (!(*function)["description"].is_string())
      return malformed(fmt::format("the \"description\" of tool {} is not a string", index));
    description = (*function)["description"];
  }
  std::string parameters = "{}";
  if (function->contains("parameters")) {
    if (!(*function)["parameters"].is_object())
      return malformed(fmt::format("the \"parameters\" of tool {} are not an object", index));
    parameters.clear();
    writeSpaced((*function)["parameters"], parameters);
  }
  std::string name = (*function)["name"];
  return fmt::format("### {}\nDescription: {}\n\nParameters: {}\n\n", name, description, parameters);
}

Result<std::vector<ChatPiece>> renderTools(std::string_view toolsJson) {
  std::optional<Json> tools = parseBounded(toolsJson);
  if (!tools || !tools->is_array() || tools->empty())
    return malformed(
        fmt::format("it must be a JSON array of tools, not empty and nested at most {} deep", kMaximumDepth));

  std::vector<ChatPiece> pieces;
  appendText(pieces, "## Tools\nYou have access to the following tools:\n\n");
  for (size_t index = 0; index < tools->size(); ++index) {
    STRATA_ASSIGN(std::string description, describeTool((*tools)[index], index));
    appendText(pieces, description);
  }
  appendText(pieces, "IMPORTANT: ALWAYS adhere to this exact format for tool use:\n");
  appendSpecial(pieces, kToolCallsBegin);
  appendSpecial(pieces, kToolCallBegin);
  appendText(pieces, "tool_call_name");
  appendSpecial(pieces, kToolSeparator);
  appendText(pieces, "tool_call_arguments");
  appendSpecial(pieces, kToolCallEnd);
  appendText(pieces, "{additional_tool_calls}");
  appendSpecial(pieces, kToolCallsEnd);
  appendText(pieces, "\n\nWhere:\n"
                     "- `tool_call_name` must be an exact match to one of the available tools\n"
                     "- `tool_call_arguments` must be valid JSON that strictly follows the tool's Parameters Schema\n"
                     "- For multiple tool calls, chain them directly without separators or spaces");
  return pieces;
}

} // namespace strata::text
