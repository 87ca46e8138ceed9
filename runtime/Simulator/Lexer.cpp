// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Simulator/Lexer.h"

#include <fmt/format.h>

namespace strata::sim {

tl::unexpected<Error> ptxError(uint32_t line, std::string_view sentence) {
  return fail(ExitCode::Input, "", fmt::format("PTX line {}: {}", line, sentence));
}

static bool isDigit(char c) {
  return c >= '0' && c <= '9';
}

static bool beginsWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '%' || c == '$' || c == '_';
}

static bool continuesWord(char c) {
  return beginsWord(c) || isDigit(c);
}

namespace {

class Lexer {
public:
  explicit Lexer(std::string_view source) : text(source) {}

  Result<std::vector<Token>> run() {
    while (true) {
      STRATA_TRY(skipSpace());
      if (at == text.size())
        break;
      STRATA_TRY(next());
    }
    tokens.push_back({Token::Kind::end, "the end of the text", line});
    return std::move(tokens);
  }

private:
  Result<void> skipSpace() {
    while (at < text.size()) {
      if (text[at] == '\n')
        ++line;
      if (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n') {
        ++at;
      } else if (text.substr(at, 2) == "//") {
        at = std::min(text.find('\n', at), text.size());
      } else if (text.substr(at, 2) == "/*") {
        size_t end = text.find("*/", at + 2);
        if (end == std::string_view::npos)
          return ptxError(line, "a comment has no end");
        for (; at < end + 2; ++at)
          line += text[at] == '\n';
      } else {
        break;
      }
    }
    return {};
  }

  void take(Token::Kind kind, size_t length) {
    tokens.push_back({kind, text.substr(at, length), line});
    at += length;
  }

  Result<void> next() {
    size_t length = 1;
    if (beginsWord(text[at]) || isDigit(text[at])) {
      Token::Kind kind = isDigit(text[at]) ? Token::Kind::number : Token::Kind::word;
      while (at + length < text.size() && continuesWord(text[at + length]))
        ++length;
      take(kind, length);
      return {};
    }
    if (text[at] == '"') {
      size_t end = text.find('"', at + 1);
      if (end == std::string_view::npos)
        return ptxError(line, "a string has no end");
      tokens.push_back({Token::Kind::string, text.substr(at + 1, end - at - 1), line});
      at = end + 1;
      return {};
    }
    if (std::string_view("{}[](),;:@!|+-<>=").find(text[at]) == std::string_view::npos)
      return ptxError(line, fmt::format("the character \"{}\" has no meaning", escapeName(text.substr(at, 1))));
    take(Token::Kind::punctuation, 1);
    return {};
  }

  std::string_view text;
  size_t at = 0;
  uint32_t line = 1;
  std::vector<Token> tokens;
};

} // namespace

Result<std::vector<Token>> tokenise(std::string_view text) {
  return Lexer(text).run();
}

} // namespace strata::sim
