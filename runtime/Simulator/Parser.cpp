// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Simulator/Parser.h"

#include "runtime/Base/Checked.h"
#include "runtime/Simulator/Lexer.h"

#include <charconv>
#include <fmt/format.h>
#include <unordered_map>

namespace strata::sim {

namespace {

struct TypeName {
  const char *name;
  Type type;
  uint32_t bytes;
};

constexpr TypeName kTypes[] = {
    {"pred", Type::pred, 1},   {"b8", Type::b8, 1},   {"u8", Type::u8, 1},   {"s8", Type::s8, 1},
    {"b16", Type::b16, 2},     {"u16", Type::u16, 2}, {"s16", Type::s16, 2}, {"f16", Type::f16, 2},
    {"f16x2", Type::f16x2, 4}, {"b32", Type::b32, 4}, {"u32", Type::u32, 4}, {"s32", Type::s32, 4},
    {"f32", Type::f32, 4},     {"b64", Type::b64, 8}, {"u64", Type::u64, 8}, {"s64", Type::s64, 8},
    {"f64", Type::f64, 8},
};

/// Memory that a kernel may have of a space: far above what a GPU has.
constexpr uint64_t kMostBytes = uint64_t(1) << 28;
constexpr uint64_t kMostRegisters = 60000;

std::vector<std::string> splitOpcode(std::string_view word) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= word.size();) {
    size_t end = std::min(word.find('.', begin), word.size());
    if (end > begin)
      parts.emplace_back(word.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

class Parser {
public:
  explicit Parser(std::vector<Token> words) : tokens(std::move(words)) {}
  Result<ModuleText> run();

private:
  const Token &peek(size_t ahead = 0) const { return tokens[std::min(at + ahead, tokens.size() - 1)]; }
  Token take() {
    Token token = peek();
    at = std::min(at + 1, tokens.size() - 1);
    return token;
  }
  bool accept(std::string_view text) {
    if (!peek().is(text))
      return false;
    take();
    return true;
  }
  tl::unexpected<Error> unexpected(std::string_view wanted) const {
    return ptxError(peek().line, fmt::format("expected {}, but here is \"{}\"", wanted, escapeName(peek().text)));
  }
  Result<void> expect(std::string_view text) {
    if (accept(text))
      return {};
    return unexpected(fmt::format("\"{}\"", text));
  }
  Result<std::string> word(std::string_view what) {
    if (peek().kind != Token::Kind::word)
      return unexpected(what);
    return std::string(take().text);
  }
  Result<int64_t> integer();
  /// The rest of the line, as of `.loc`, which has no end of its own.
  void skipLine() {
    for (uint32_t line = peek().line; peek().kind != Token::Kind::end && peek().line == line;)
      take();
  }

  Result<void> parseVersion();
  Result<void> parseTarget();
  Result<Variable> parseVariable(Space space);
  Result<void> parseInitial(Variable &variable, uint32_t elementBytes);
  Result<void> parseEntry();
  Result<void> parseParameters();
  Result<void> parseTuning();
  Result<void> parseBody();
  Result<void> parseRegisters();
  Result<void> parseStatement();
  Result<Operand> parseOperand();
  Result<Operand> parseAddress();
  Result<Operand> parseVector();
  Result<Operand> parseNumber(bool negative);
  /// The register that a name means here: names of an inner scope hide those of outer ones.
  std::string resolve(const std::string &name) const;

  std::vector<Token> tokens;
  size_t at = 0;
  ModuleText module;
  Kernel kernel;
  std::vector<std::unordered_map<std::string, std::string>> scopes;
  uint32_t scopeCount = 0;
};

Result<int64_t> Parser::integer() {
  bool negative = accept("-");
  STRATA_ASSIGN(Operand number, parseNumber(negative));
  if (number.isFloat)
    return ptxError(peek().line, "expected a whole number");
  return number.number;
}

Result<Operand> Parser::parseNumber(bool negative) {
  if (peek().kind != Token::Kind::number)
    return unexpected("a number");
  Token token = take();
  std::string_view text = token.text;
  Operand operand;
  operand.kind = Operand::Kind::immediate;
  auto wrong = [&] { return ptxError(token.line, fmt::format("\"{}\" is no number", escapeName(token.text))); };
  auto parse = [&](std::string_view digits, int base, uint64_t &value) {
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    return error == std::errc() && end == digits.data() + digits.size() && !digits.empty();
  };
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'f' || text[1] == 'F' || text[1] == 'd' || text[1] == 'D')) {
    operand.isFloat = true;
    operand.isDouble = text[1] == 'd' || text[1] == 'D';
    if (!parse(text.substr(2), 16, operand.bits) || text.size() != (operand.isDouble ? 18u : 10u) || negative)
      return wrong();
    return operand;
  }
  if (text.size() > 1 && (text.back() == 'U' || text.back() == 'u'))
    text.remove_suffix(1);
  uint64_t value = 0;
  bool hexadecimal = text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  if (hexadecimal ? !parse(text.substr(2), 16, value) : !parse(text, 10, value))
    return wrong();
  operand.number = static_cast<int64_t>(negative ? 0 - value : value);
  return operand;
}

Result<void> Parser::parseVersion() {
  // ISA 6.0 brought Volta's instructions; what came after 8.8 is not known here.
  if (peek().kind != Token::Kind::word && peek().kind != Token::Kind::number)
    return unexpected("a version");
  take();
  return {};
}

Result<void> Parser::parseTarget() {
  STRATA_ASSIGN(std::string name, word("a target"));
  std::string_view digits = std::string_view(name).substr(std::min<size_t>(3, name.size()));
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), module.target);
  if (!name.starts_with("sm_") || error != std::errc())
    return ptxError(peek().line, fmt::format("the target {} is not one", escapeName(name)));
  while (accept(","))
    STRATA_TRY(word("a target's option"));
  return {};
}

/// After the space: `.align 4 .b8 name[24] = {…};`, without the semicolon.
Result<Variable> Parser::parseVariable(Space space) {
  Variable variable;
  variable.space = space;
  variable.line = peek().line;
  if (accept(".align")) {
    STRATA_ASSIGN(int64_t alignment, integer());
    if (alignment <= 0 || alignment > 4096 || (alignment & (alignment - 1)) != 0)
      return ptxError(variable.line, "an alignment is a power of two, at most 4096");
    variable.alignment = static_cast<uint64_t>(alignment);
  }
  STRATA_ASSIGN(std::string typeWord, word("a type"));
  std::optional<Type> type = typeNamed(typeWord.substr(std::min<size_t>(1, typeWord.size())));
  if (!type)
    return ptxError(variable.line, fmt::format("\"{}\" is no type", escapeName(typeWord)));
  uint32_t elementBytes = typeBytes(*type);
  variable.alignment = std::max<uint64_t>(variable.alignment, elementBytes);
  if (accept(".ptr")) // What a pointer points to says nothing that is checked.
    while (peek().kind == Token::Kind::word && peek().text.starts_with("."))
      if (take().text == ".align")
        STRATA_TRY(integer());
  STRATA_ASSIGN(variable.name, word("a name"));
  Checked bytes = elementBytes;
  while (accept("[")) {
    if (accept("]")) { // `extern .shared name[]`: as much as the launch gives.
      bytes = 0;
      break;
    }
    STRATA_ASSIGN(int64_t count, integer());
    bytes *= Checked(count);
    STRATA_TRY(expect("]"));
  }
  if (!bytes.atMost(kMostBytes))
    return ptxError(variable.line,
                    fmt::format("{} is larger than any GPU's memory of its kind", escapeName(variable.name)));
  variable.bytes = bytes.value();
  if (accept("="))
    STRATA_TRY(parseInitial(variable, elementBytes));
  return variable;
}

Result<void> Parser::parseInitial(Variable &variable, uint32_t elementBytes) {
  bool list = accept("{");
  do {
    bool negative = accept("-");
    STRATA_ASSIGN(Operand number, parseNumber(negative));
    uint64_t value = number.isFloat ? number.bits : static_cast<uint64_t>(number.number);
    for (uint32_t byte = 0; byte < elementBytes; ++byte)
      variable.initial.push_back(static_cast<std::byte>(value >> (8 * byte)));
    if (variable.initial.size() > variable.bytes)
      return ptxError(variable.line, fmt::format("{} has more initial values than room", escapeName(variable.name)));
  } while (list && accept(","));
  variable.initial.resize(variable.bytes);
  return list ? expect("}") : Result<void>();
}

Result<void> Parser::parseParameters() {
  if (!accept("("))
    return {};
  if (accept(")"))
    return {};
  do {
    STRATA_TRY(expect(".param"));
    STRATA_ASSIGN(Variable parameter, parseVariable(Space::param));
    kernel.parameters.push_back(std::move(parameter));
  } while (accept(","));
  return expect(")");
}

Result<void> Parser::parseTuning() {
  while (!peek().is("{")) {
    if (peek().kind != Token::Kind::word)
      return unexpected("a directive or the body of the entry");
    std::string_view directive = take().text;
    if (directive != ".maxntid" && directive != ".reqntid" && directive != ".minnctapersm" && directive != ".maxnreg")
      return ptxError(peek().line, fmt::format("the directive {} is not known", escapeName(directive)));
    std::array<uint32_t, 3> numbers = {1, 1, 1};
    size_t count = 0;
    do {
      STRATA_ASSIGN(int64_t number, integer());
      if (count == 3 || number <= 0 || number > 1024)
        return ptxError(peek().line, fmt::format("{} has up to three numbers from 1 to 1024", directive));
      numbers[count++] = static_cast<uint32_t>(number);
    } while (accept(","));
    if (directive == ".maxntid" || directive == ".reqntid")
      kernel.maximumThreads = numbers;
  }
  return {};
}

Result<void> Parser::parseRegisters() {
  uint32_t line = peek().line;
  STRATA_ASSIGN(std::string typeWord, word("a type"));
  std::optional<Type> type = typeNamed(typeWord.substr(1));
  if (!type)
    return ptxError(line, fmt::format("\"{}\" is no type", escapeName(typeWord)));
  auto declare = [&](const std::string &name) -> Result<void> {
    // The function's own scope keeps the names; inner ones must not meet each other.
    std::string unique = scopes.size() == 1 ? name : fmt::format("{}#{}", name, scopeCount);
    scopes.back()[name] = unique;
    kernel.registers.push_back({unique, *type});
    if (kernel.registers.size() > kMostRegisters)
      return ptxError(line, "there are more registers than any kernel of ours has");
    return {};
  };
  do {
    STRATA_ASSIGN(std::string name, word("a register"));
    if (!accept("<")) {
      STRATA_TRY(declare(name));
      continue;
    }
    STRATA_ASSIGN(int64_t count, integer());
    STRATA_TRY(expect(">"));
    if (count < 0 || static_cast<uint64_t>(count) > kMostRegisters)
      return ptxError(line, "there are more registers than any kernel of ours has");
    for (int64_t i = 0; i < count; ++i)
      STRATA_TRY(declare(fmt::format("{}{}", name, i)));
  } while (accept(","));
  return expect(";");
}

std::string Parser::resolve(const std::string &name) const {
  for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope)
    if (auto found = scope->find(name); found != scope->end())
      return found->second;
  return name;
}

/// `[%rd1+16]`, `[name+4]`, `[name]`; the bracket is taken.
Result<Operand> Parser::parseAddress() {
  Operand operand;
  operand.kind = Operand::Kind::address;
  if (peek().kind == Token::Kind::word) {
    operand.name = resolve(std::string(take().text));
    if (accept("+")) {
      STRATA_ASSIGN(operand.number, integer());
    }
  } else {
    STRATA_ASSIGN(operand.number, integer());
  }
  STRATA_TRY(expect("]"));
  return operand;
}

Result<Operand> Parser::parseVector() {
  Operand operand;
  operand.kind = Operand::Kind::vector;
  do {
    if (peek().is("{") || peek().is("[") || operand.parts.size() == 16)
      return ptxError(peek().line, "a vector has up to 16 registers or numbers");
    STRATA_ASSIGN(Operand part, parseOperand());
    operand.parts.push_back(std::move(part));
  } while (accept(","));
  STRATA_TRY(expect("}"));
  return operand;
}

Result<Operand> Parser::parseOperand() {
  if (accept("["))
    return parseAddress();
  if (accept("{"))
    return parseVector();
  Operand operand;
  operand.negated = accept("!");
  if (peek().is("-") || peek().kind == Token::Kind::number) {
    bool negative = accept("-");
    return parseNumber(negative);
  }
  STRATA_ASSIGN(std::string name, word("an operand"));
  if (name == "_")
    return operand;
  operand.name = resolve(name);
  operand.kind = name.starts_with("%") || operand.name != name ? Operand::Kind::reg : Operand::Kind::symbol;
  if (operand.kind == Operand::Kind::symbol)
    for (const auto &scope : scopes)
      if (scope.contains(name))
        operand.kind = Operand::Kind::reg;
  if (accept("|")) {
    STRATA_ASSIGN(std::string second, word("a predicate"));
    operand.second = second == "_" ? "" : resolve(second);
  } else if (operand.kind == Operand::Kind::symbol && accept("+")) {
    STRATA_ASSIGN(operand.number, integer());
  }
  return operand;
}

Result<void> Parser::parseStatement() {
  Statement statement;
  statement.line = peek().line;
  if (accept("@")) {
    statement.predicateNegated = accept("!");
    STRATA_ASSIGN(std::string name, word("a predicate"));
    statement.predicate = resolve(name);
  }
  STRATA_ASSIGN(std::string opcode, word("an instruction"));
  statement.opcode = splitOpcode(opcode);
  if (statement.opcode.empty() || opcode.starts_with("."))
    return ptxError(statement.line, fmt::format("the directive {} is not known", escapeName(opcode)));
  if (!peek().is(";"))
    do {
      STRATA_ASSIGN(Operand operand, parseOperand());
      statement.operands.push_back(std::move(operand));
    } while (accept(","));
  STRATA_TRY(expect(";"));
  kernel.statements.push_back(std::move(statement));
  return {};
}

Result<void> Parser::parseBody() {
  scopes.assign(1, {});
  while (!scopes.empty()) {
    if (peek().kind == Token::Kind::end)
      return unexpected("\"}\"");
    if (accept("{")) {
      scopes.emplace_back();
      ++scopeCount;
    } else if (accept("}")) {
      scopes.pop_back();
    } else if (accept(".reg")) {
      STRATA_TRY(parseRegisters());
    } else if (peek().is(".local") || peek().is(".shared")) {
      Space space = take().is(".local") ? Space::local : Space::shared;
      STRATA_ASSIGN(Variable variable, parseVariable(space));
      kernel.variables.push_back(std::move(variable));
      STRATA_TRY(expect(";"));
    } else if (peek().is(".loc") || peek().is(".file")) {
      skipLine();
    } else if (accept(".pragma")) {
      take();
      STRATA_TRY(expect(";"));
    } else if (peek().kind == Token::Kind::word && peek(1).is(":")) {
      kernel.labels.emplace_back(take().text, static_cast<uint32_t>(kernel.statements.size()));
      take();
    } else {
      STRATA_TRY(parseStatement());
    }
  }
  return {};
}

Result<void> Parser::parseEntry() {
  kernel = Kernel();
  kernel.line = peek().line;
  STRATA_ASSIGN(kernel.name, word("the name of the entry"));
  STRATA_TRY(parseParameters());
  STRATA_TRY(parseTuning());
  STRATA_TRY(expect("{"));
  STRATA_TRY(parseBody());
  module.kernels.push_back(std::move(kernel));
  return {};
}

Result<ModuleText> Parser::run() {
  while (peek().kind != Token::Kind::end) {
    if (accept(".version")) {
      STRATA_TRY(parseVersion());
    } else if (accept(".target")) {
      STRATA_TRY(parseTarget());
    } else if (accept(".address_size")) {
      STRATA_ASSIGN(int64_t bits, integer());
      if (bits != 64)
        return ptxError(peek().line, "addresses have 64 bits here");
    } else if (peek().is(".file") || peek().is(".loc")) {
      skipLine();
    } else if (accept(".visible") || accept(".weak") || accept(".extern")) {
      continue; // What a linker would do with a name makes no difference here.
    } else if (accept(".entry")) {
      STRATA_TRY(parseEntry());
    } else if (peek().is(".global") || peek().is(".const") || peek().is(".shared")) {
      Token space = take();
      STRATA_ASSIGN(Variable variable, parseVariable(space.is(".global")  ? Space::global
                                                     : space.is(".const") ? Space::constant
                                                                          : Space::shared));
      module.variables.push_back(std::move(variable));
      STRATA_TRY(expect(";"));
    } else {
      return ptxError(peek().line, fmt::format("\"{}\" is not known here", escapeName(peek().text)));
    }
  }
  if (module.target == 0)
    return ptxError(1, "the module names no target");
  return std::move(module);
}

} // namespace

std::optional<Type> typeNamed(const std::string &name) {
  for (const TypeName &entry : kTypes)
    if (name == entry.name)
      return entry.type;
  return std::nullopt;
}

uint32_t typeBytes(Type type) {
  for (const TypeName &entry : kTypes)
    if (entry.type == type)
      return entry.bytes;
  return 0;
}

Result<ModuleText> parseModule(std::string_view text) {
  STRATA_ASSIGN(std::vector<Token> tokens, tokenise(text));
  return Parser(std::move(tokens)).run();
}

} // namespace strata::sim
