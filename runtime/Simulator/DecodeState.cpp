// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Simulator/DecodeState.h"

#include "runtime/Base/Checked.h"
#include "runtime/Simulator/Lexer.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace strata::sim {

/// Registers that the launch or the hardware fills; all have 32 bits.
static constexpr std::array<std::string_view, 23> kSpecialRegisters = {"%tid.x",
                                                                       "%tid.y",
                                                                       "%tid.z",
                                                                       "%ntid.x",
                                                                       "%ntid.y",
                                                                       "%ntid.z",
                                                                       "%ctaid.x",
                                                                       "%ctaid.y",
                                                                       "%ctaid.z",
                                                                       "%nctaid.x",
                                                                       "%nctaid.y",
                                                                       "%nctaid.z",
                                                                       "%laneid",
                                                                       "%warpid",
                                                                       "%nwarpid",
                                                                       "%smid",
                                                                       "%nsmid",
                                                                       "%lanemask_eq",
                                                                       "%lanemask_lt",
                                                                       "%lanemask_le",
                                                                       "%lanemask_gt",
                                                                       "%lanemask_ge",
                                                                       "%dynamic_smem_size"};

bool Modifiers::take(std::string_view name) {
  auto found = std::find(parts.begin(), parts.end(), name);
  if (found == parts.end())
    return false;
  parts.erase(found);
  return true;
}

std::optional<Type> Modifiers::takeType() {
  if (parts.empty())
    return std::nullopt;
  std::optional<Type> type = typeNamed(parts.front());
  if (type)
    parts.erase(parts.begin());
  return type;
}

std::string Modifiers::takeAny() {
  if (parts.empty())
    return "";
  std::string name = parts.front();
  parts.erase(parts.begin());
  return name;
}

tl::unexpected<Error> DecodeState::unknownModifier(const Modifiers &modifiers) const {
  return error(fmt::format("the modifier .{} is not known", escapeName(modifiers.front())));
}

Result<bool> DecodeState::finish(const Modifiers &modifiers) const {
  if (!modifiers.empty())
    return unknownModifier(modifiers);
  if (!instruction.run && instruction.control == Control::none)
    return error("it does not exist in this form or for these types");
  return true;
}

std::string DecodeState::opcode() const {
  return fmt::format("{}", fmt::join(statement->opcode, "."));
}

tl::unexpected<Error> DecodeState::error(std::string_view sentence) const {
  return ptxError(statement->line, fmt::format("{}: {}", escapeName(opcode()), sentence));
}

Result<void> DecodeState::operandCount(size_t least, size_t most) const {
  size_t count = statement->operands.size();
  if (count >= least && count <= most)
    return {};
  return error(fmt::format("it has {} operands, and not {} to {}", count, least, most));
}

Unit DecodeState::newUnits(bool wide) {
  auto unit = static_cast<Unit>(program.units);
  program.units += wide ? 2 : 1;
  return unit;
}

Result<void> DecodeState::addRegisters(const Kernel &kernel) {
  for (const RegisterDeclaration &declared : kernel.registers) {
    RegisterPlace place{0, declared.type};
    if (declared.type == Type::pred)
      place.unit = static_cast<Unit>(program.predicates++);
    else
      place.unit = newUnits(typeBytes(declared.type) == 8);
    // Constants come on top of these.
    if (program.units > 60000 || program.predicates > 60000)
      return ptxError(kernel.line,
                      fmt::format("{} has more registers than any kernel of ours", escapeName(kernel.name)));
    registers[declared.name] = place;
  }
  return {};
}

Result<void> DecodeState::addVariables(const std::vector<Variable> &list) {
  for (const Variable &variable : list) {
    uint64_t &total = variable.space == Space::shared ? program.sharedBytes : program.localBytes;
    Checked begin = Checked(total).alignUp(variable.alignment);
    Checked end = begin + variable.bytes;
    if (!end.atMost(uint64_t(1) << 28))
      return ptxError(variable.line,
                      fmt::format("{} makes the kernel's memory larger than any GPU's", escapeName(variable.name)));
    variables[variable.name] = begin.value();
    total = end.value();
  }
  return {};
}

std::optional<RegisterPlace> DecodeState::find(const std::string &name) const {
  auto found = registers.find(name);
  return found == registers.end() ? std::nullopt : std::optional(found->second);
}

std::optional<uint64_t> DecodeState::symbol(const std::string &name) const {
  if (auto found = variables.find(name); found != variables.end())
    return found->second;
  if (uint64_t address = globals(name))
    return address;
  return std::nullopt;
}

Unit DecodeState::constant(uint64_t bits, bool wide) {
  auto [found, isNew] = constants.try_emplace({bits, wide}, Unit(0));
  if (isNew) {
    found->second = newUnits(wide);
    program.constants.push_back({found->second, bits, wide});
  }
  return found->second;
}

std::optional<Unit> DecodeState::special(const std::string &name) {
  if (std::find(kSpecialRegisters.begin(), kSpecialRegisters.end(), name) == kSpecialRegisters.end())
    return std::nullopt;
  for (const SpecialRegister &known : program.specials)
    if (known.name == name)
      return known.unit;
  program.specials.push_back({name, newUnits(false)});
  return program.specials.back().unit;
}

Result<Unit> DecodeState::sourceUnit(const Operand &operand, Type type) {
  bool wide = typeBytes(type) == 8;
  switch (operand.kind) {
  case Operand::Kind::immediate: {
    uint64_t bits = operand.isFloat ? operand.bits : static_cast<uint64_t>(operand.number);
    if (operand.isFloat && operand.isDouble != wide)
      return error("a number of another size than its type");
    return constant(wide ? bits : bits & 0xffffffff, wide);
  }
  case Operand::Kind::symbol:
    if (std::optional<uint64_t> address = symbol(operand.name)) {
      if (!wide)
        return error("an address has 64 bits");
      return constant(*address + static_cast<uint64_t>(operand.number), true);
    }
    return error(fmt::format("the name \"{}\" is not known", escapeName(operand.name)));
  case Operand::Kind::reg: {
    std::optional<RegisterPlace> place = find(operand.name);
    if (!place) {
      if (std::optional<Unit> unit = wide ? std::nullopt : special(operand.name))
        return *unit;
      return error(fmt::format("the register \"{}\" is not known", escapeName(operand.name)));
    }
    if (place->isPredicate() || place->wide() != wide)
      return error(fmt::format("the register \"{}\" is of another size than its type", escapeName(operand.name)));
    return place->unit;
  }
  case Operand::Kind::address:
  case Operand::Kind::vector:
  case Operand::Kind::sink:
    break;
  }
  return error("an operand is not a register or a number");
}

Result<void> DecodeState::addSource(const Operand &operand, Type type) {
  if (instruction.sources == std::size(instruction.source))
    return error("it has too many operands");
  STRATA_ASSIGN(Unit unit, sourceUnit(operand, type));
  instruction.source[instruction.sources++] = unit;
  return {};
}

Result<void> DecodeState::addDestination(const Operand &operand, Type type) {
  if (instruction.destinations == std::size(instruction.destination))
    return error("it has too many operands");
  Unit unit = kNoUnit;
  if (operand.kind != Operand::Kind::sink) {
    std::optional<RegisterPlace> place = find(operand.name);
    if (operand.kind != Operand::Kind::reg || !place || place->isPredicate())
      return error("the result is no register that is declared");
    if (place->wide() != (typeBytes(type) == 8))
      return error(fmt::format("the register \"{}\" is of another size than its type", escapeName(operand.name)));
    unit = place->unit;
  }
  instruction.destination[instruction.destinations++] = unit;
  return {};
}

Result<void> DecodeState::addSources(const Operand &operand, Type type) {
  if (operand.kind != Operand::Kind::vector)
    return addSource(operand, type);
  for (const Operand &part : operand.parts)
    STRATA_TRY(addSource(part, type));
  return {};
}

Result<void> DecodeState::addDestinations(const Operand &operand, Type type) {
  if (operand.kind != Operand::Kind::vector)
    return addDestination(operand, type);
  for (const Operand &part : operand.parts)
    STRATA_TRY(addDestination(part, type));
  return {};
}

Result<void> DecodeState::addPredicateSource(const Operand &operand) {
  std::optional<RegisterPlace> place = find(operand.name);
  if (!place || !place->isPredicate())
    return error(fmt::format("\"{}\" is no predicate", escapeName(operand.name)));
  int index = instruction.predicateSource[0] == kNoUnit ? 0 : 1;
  instruction.predicateSource[index] = place->unit;
  instruction.predicateSourceNegated[index] = operand.negated;
  return {};
}

Result<void> DecodeState::addPredicateDestination(const std::string &name) {
  if (name.empty())
    return {};
  std::optional<RegisterPlace> place = find(name);
  if (!place || !place->isPredicate())
    return error(fmt::format("\"{}\" is no predicate", escapeName(name)));
  instruction.predicateDestination[instruction.predicateDestination[0] == kNoUnit ? 0 : 1] = place->unit;
  return {};
}

Result<void> DecodeState::addAddress(const Operand &address) {
  if (address.kind != Operand::Kind::address)
    return error("it has no address");
  instruction.immediate = address.number;
  Operand base;
  base.name = address.name;
  if (address.name.empty()) {
    base.kind = Operand::Kind::immediate;
  } else if (std::optional<RegisterPlace> place = find(address.name)) {
    base.kind = Operand::Kind::reg;
    if (!place->wide()) {
      instruction.option |= 1; // kNarrowBase
      return addSource(base, Type::u32);
    }
  } else {
    base.kind = Operand::Kind::symbol;
  }
  return addSource(base, Type::u64);
}

Result<void> DecodeState::addOperands(Type result, Type type, size_t sources) {
  STRATA_TRY(operandCount(sources + 1, sources + 1));
  STRATA_TRY(addDestination(operand(0), result));
  for (size_t i = 1; i <= sources; ++i)
    STRATA_TRY(addSource(operand(i), type));
  return {};
}

} // namespace strata::sim
