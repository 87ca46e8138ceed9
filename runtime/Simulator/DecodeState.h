// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the decoders of single instructions work with.
#pragma once

#include "runtime/Simulator/Decoder.h"

#include <map>
#include <optional>
#include <string_view>

namespace strata::sim {

struct RegisterPlace {
  Unit unit = 0; ///< Or the index of a predicate.
  Type type = Type::b32;
  bool wide() const { return typeBytes(type) == 8; }
  bool isPredicate() const { return type == Type::pred; }
};

/// The modifiers of an opcode, which are taken one by one: what is left in the end is not known.
class Modifiers {
public:
  explicit Modifiers(const std::vector<std::string> &opcode) : parts(opcode.begin() + 1, opcode.end()) {}
  /// Takes the modifier wherever it stands.
  bool take(std::string_view name);
  /// Takes the first one if it is a type.
  std::optional<Type> takeType();
  /// Takes the first one, whatever it is; empty if there is none.
  std::string takeAny();
  bool empty() const { return parts.empty(); }
  const std::string &front() const { return parts.front(); }

private:
  std::vector<std::string> parts;
};

/// One statement on its way to an instruction.
class DecodeState {
public:
  DecodeState(Program &programToFill, const SymbolAddress &globalSymbols)
      : program(programToFill), globals(globalSymbols) {}

  Result<void> addRegisters(const Kernel &kernel);
  /// Gives shared and local variables their offsets.
  Result<void> addVariables(const std::vector<Variable> &variables);

  void begin(const Statement &next) {
    statement = &next;
    instruction = Instruction();
    instruction.line = next.line;
  }

  tl::unexpected<Error> error(std::string_view sentence) const;
  /// That the first of the modifiers, of which there is one, is not known.
  tl::unexpected<Error> unknownModifier(const Modifiers &modifiers) const;
  /// A statement is decoded when all its modifiers are taken and the instruction has a handler or
  /// is control flow.
  Result<bool> finish(const Modifiers &modifiers) const;
  /// The opcode as it was written.
  std::string opcode() const;
  Result<void> operandCount(size_t least, size_t most) const;
  const Operand &operand(size_t index) const { return statement->operands[index]; }

  /// Adds a source or destination of a type: registers of another size, and predicates, are refused.
  Result<void> addSource(const Operand &operand, Type type);
  Result<void> addDestination(const Operand &operand, Type type);
  /// Each part of a vector, or the one operand.
  Result<void> addSources(const Operand &operand, Type type);
  Result<void> addDestinations(const Operand &operand, Type type);
  Result<void> addPredicateSource(const Operand &operand);
  Result<void> addPredicateDestination(const std::string &name);
  /// `[base+offset]`: source 0, and the immediate.
  Result<void> addAddress(const Operand &operand);

  /// The common form: destination, then sources, all of one type.
  Result<void> addOperands(Type type, size_t sources) { return addOperands(type, type, sources); }
  Result<void> addOperands(Type result, Type type, size_t sources);

  std::optional<RegisterPlace> find(const std::string &name) const;
  /// The address of a variable, in its space.
  std::optional<uint64_t> symbol(const std::string &name) const;
  Unit constant(uint64_t bits, bool wide);

  Program &program;
  const SymbolAddress &globals;
  const Statement *statement = nullptr;
  Instruction instruction;

private:
  Result<Unit> sourceUnit(const Operand &operand, Type type);
  Unit newUnits(bool wide);
  std::optional<Unit> special(const std::string &name);

  std::map<std::string, RegisterPlace, std::less<>> registers;
  std::map<std::string, uint64_t, std::less<>> variables;
  std::map<std::pair<uint64_t, bool>, Unit> constants;
};

// Each decodes what it knows, and gives false for an opcode that it does not.
Result<bool> decodeArithmetic(DecodeState &state);
Result<bool> decodeMemory(DecodeState &state);
Result<bool> decodeWarp(DecodeState &state);

} // namespace strata::sim
