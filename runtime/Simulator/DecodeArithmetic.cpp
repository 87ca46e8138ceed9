// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Opcodes of arithmetic, logic, comparison and conversion.

#include "runtime/Simulator/DecodeState.h"
#include "runtime/Simulator/Operations.h"
#include "runtime/Simulator/WarpHandlers.h"

#include <algorithm>
#include <fmt/format.h>

namespace strata::sim {

namespace {

bool isFloat(Type type) {
  return type == Type::f32 || type == Type::f64;
}
bool isHalf(Type type) {
  return type == Type::f16 || type == Type::f16x2;
}

Type wideType(Type type) {
  switch (type) {
  case Type::u16:
    return Type::u32;
  case Type::s16:
    return Type::s32;
  case Type::u32:
    return Type::u64;
  default:
    return Type::s64;
  }
}

InstructionClass classOf(Type type) {
  return isHalf(type)        ? InstructionClass::float16
         : type == Type::f32 ? InstructionClass::float32
         : type == Type::f64 ? InstructionClass::float64
                             : InstructionClass::integer;
}

struct Entry {
  const char *name;
  Operation operation;
  size_t sources;
};

/// One result, sources of the same type, no modifier but those of floats.
constexpr Entry kSimple[] = {
    {"add", Operation::add, 2},    {"sub", Operation::sub, 2},   {"div", Operation::div, 2},
    {"rem", Operation::rem, 2},    {"abs", Operation::abs, 1},   {"neg", Operation::neg, 1},
    {"min", Operation::min, 2},    {"max", Operation::max, 2},   {"fma", Operation::fma, 3},
    {"rcp", Operation::rcp, 1},    {"sqrt", Operation::sqrt, 1}, {"rsqrt", Operation::rsqrt, 1},
    {"ex2", Operation::ex2, 1},    {"lg2", Operation::lg2, 1},   {"sin", Operation::sin, 1},
    {"cos", Operation::cos, 1},    {"tanh", Operation::tanh, 1}, {"copysign", Operation::copysign, 2},
    {"and", Operation::bitAnd, 2}, {"or", Operation::bitOr, 2},  {"xor", Operation::bitXor, 2},
    {"not", Operation::bitNot, 1}, {"cnot", Operation::cnot, 1}, {"brev", Operation::brev, 1},
};

constexpr Entry kFunctions[] = {{"rsqrt", Operation::rsqrt, 1}, {"ex2", Operation::ex2, 1},
                                {"lg2", Operation::lg2, 1},     {"sin", Operation::sin, 1},
                                {"cos", Operation::cos, 1},     {"tanh", Operation::tanh, 1}};

void takeFloatModifiers(Modifiers &modifiers, Instruction &instruction) {
  instruction.flushSubnormals = modifiers.take("ftz");
  instruction.saturate = modifiers.take("sat");
  modifiers.take("approx"); // Computed more exactly than asked.
  modifiers.take("full");
  if (modifiers.take("rz"))
    instruction.rounding = Rounding::zero;
  else if (modifiers.take("rm"))
    instruction.rounding = Rounding::down;
  else if (modifiers.take("rp"))
    instruction.rounding = Rounding::up;
  else
    modifiers.take("rn");
}

class ArithmeticDecoder {
public:
  explicit ArithmeticDecoder(DecodeState &decodeState)
      : state(decodeState), modifiers(decodeState.statement->opcode), i(decodeState.instruction),
        name(decodeState.statement->opcode[0]) {}

  Result<bool> run() {
    Result<bool> known = dispatch();
    if (!known || !*known)
      return known;
    return state.finish(modifiers);
  }

private:
  Result<bool> dispatch();
  Result<void> simple(const Entry &entry);
  Result<void> multiply(bool add);
  Result<void> carry(bool isAdd);
  Result<void> shift();
  Result<void> funnel();
  Result<void> bits();
  Result<void> dot();
  Result<void> compare();
  Result<void> select();
  Result<void> convert();
  Result<void> move();
  Result<void> predicateLogic(Logic logic);
  Result<Type> type() {
    if (std::optional<Type> found = modifiers.takeType())
      return *found;
    return modifiers.empty() ? state.error("it has no type") : state.unknownModifier(modifiers);
  }
  bool isPredicateForm() const { return !state.statement->opcode.empty() && state.statement->opcode.back() == "pred"; }
  Handler find(Operation operation, Type operandType) {
    if (isFloat(operandType))
      return arithmeticHandlers().floating(operation, operandType, i);
    if (isHalf(operandType)) {
      i.option = operandType == Type::f16x2;
      return arithmeticHandlers().half(operation, operandType, i);
    }
    return arithmeticHandlers().integer(operation, operandType);
  }

  DecodeState &state;
  Modifiers modifiers;
  Instruction &i;
  const std::string &name;
};

Result<void> ArithmeticDecoder::simple(const Entry &entry) {
  takeFloatModifiers(modifiers, i);
  STRATA_ASSIGN(Type operandType, type());
  i.counted = classOf(operandType);
  for (const Entry &function : kFunctions)
    if (function.operation == entry.operation)
      i.counted = InstructionClass::special;
  i.run = find(entry.operation, operandType);
  return state.addOperands(operandType, entry.sources);
}

/// mul and mad of integers: .lo, .hi, .wide; mul of floats.
Result<void> ArithmeticDecoder::multiply(bool add) {
  bool carryIn = name == "madc", carryOut = modifiers.take("cc");
  bool low = modifiers.take("lo"), high = modifiers.take("hi"), wide = modifiers.take("wide");
  takeFloatModifiers(modifiers, i);
  STRATA_ASSIGN(Type operandType, type());
  i.counted = classOf(operandType);
  if (isFloat(operandType) || isHalf(operandType)) {
    i.run = find(add ? Operation::fma : Operation::mul, operandType);
    return state.addOperands(operandType, add ? 3 : 2);
  }
  if (low + high + wide != 1)
    return state.error("a product of integers is .lo, .hi or .wide");
  if (carryIn || carryOut) {
    i.option = static_cast<uint8_t>((carryIn ? kCarryIn : 0) | (carryOut ? kCarryOut : 0));
    i.run = wide ? nullptr : find(low ? Operation::madLowCarry : Operation::madHighCarry, operandType);
    return state.addOperands(operandType, 3);
  }
  Operation operation = add ? (low    ? Operation::madLow
                               : high ? Operation::madHigh
                                      : Operation::madWide)
                            : (low    ? Operation::mulLow
                               : high ? Operation::mulHigh
                                      : Operation::mulWide);
  i.run = find(operation, operandType);
  Type result = wide ? wideType(operandType) : operandType;
  STRATA_TRY(state.operandCount(add ? 4 : 3, add ? 4 : 3));
  STRATA_TRY(state.addDestination(state.operand(0), result));
  STRATA_TRY(state.addSource(state.operand(1), operandType));
  STRATA_TRY(state.addSource(state.operand(2), operandType));
  return add ? state.addSource(state.operand(3), result) : Result<void>();
}

Result<void> ArithmeticDecoder::carry(bool isAdd) {
  bool in = name == "addc" || name == "subc", out = modifiers.take("cc");
  STRATA_ASSIGN(Type operandType, type());
  i.option = static_cast<uint8_t>((in ? kCarryIn : 0) | (out ? kCarryOut : 0));
  i.run = find(isAdd ? Operation::addCarry : Operation::subCarry, operandType);
  return state.addOperands(operandType, 2);
}

Result<void> ArithmeticDecoder::shift() {
  STRATA_ASSIGN(Type operandType, type());
  i.run = find(name == "shl" ? Operation::shiftLeft : Operation::shiftRight, operandType);
  STRATA_TRY(state.operandCount(3, 3));
  STRATA_TRY(state.addDestination(state.operand(0), operandType));
  STRATA_TRY(state.addSource(state.operand(1), operandType));
  return state.addSource(state.operand(2), Type::u32);
}

Result<void> ArithmeticDecoder::funnel() {
  bool left = modifiers.take("l");
  if (!left && !modifiers.take("r"))
    return state.error("a funnel shift goes .l or .r");
  i.option = modifiers.take("wrap");
  if (!i.option)
    modifiers.take("clamp");
  STRATA_ASSIGN(Type operandType, type());
  i.run = operandType == Type::b32 ? find(left ? Operation::funnelLeft : Operation::funnelRight, operandType) : nullptr;
  return state.addOperands(Type::b32, 3);
}

Result<void> ArithmeticDecoder::bits() {
  if (name == "bfind")
    i.option = modifiers.take("shiftamt");
  PrmtMode mode = PrmtMode::index;
  constexpr std::pair<const char *, PrmtMode> kModes[] = {
      {"f4e", PrmtMode::forward4}, {"b4e", PrmtMode::backward4}, {"rc8", PrmtMode::replicate8},
      {"ecl", PrmtMode::edgeLeft}, {"ecr", PrmtMode::edgeRight}, {"rc16", PrmtMode::replicate16}};
  STRATA_ASSIGN(Type operandType, type());
  for (auto [modeName, value] : kModes)
    if (name == "prmt" && modifiers.take(modeName))
      mode = value;
  if (name == "prmt") {
    i.option = static_cast<uint8_t>(mode);
    i.run = find(Operation::prmt, operandType);
    return state.addOperands(Type::b32, 3);
  }
  if (name == "popc" || name == "clz" || name == "bfind") {
    i.run = find(name == "popc" ? Operation::popc : name == "clz" ? Operation::clz : Operation::bfind, operandType);
    return state.addOperands(Type::u32, operandType, 1);
  }
  if (name == "lop3") {
    STRATA_TRY(state.operandCount(5, 5));
    if (state.operand(4).kind != Operand::Kind::immediate)
      return state.error("the table of a lop3 is a number");
    i.immediate = state.operand(4).number;
    i.run = find(Operation::lop3, operandType);
    STRATA_TRY(state.addDestination(state.operand(0), Type::b32));
    for (size_t source = 1; source <= 3; ++source)
      STRATA_TRY(state.addSource(state.operand(source), Type::b32));
    return {};
  }
  if (name == "sad") {
    i.run = find(Operation::sad, operandType);
    return state.addOperands(operandType, 3);
  }
  // bfe and bfi: positions and lengths have 32 bits.
  bool insert = name == "bfi";
  i.run = find(insert ? Operation::bfi : Operation::bfe, operandType);
  size_t numbers = insert ? 2 : 1;
  STRATA_TRY(state.operandCount(numbers + 3, numbers + 3));
  STRATA_TRY(state.addDestination(state.operand(0), operandType));
  for (size_t source = 1; source <= numbers + 2; ++source)
    STRATA_TRY(state.addSource(state.operand(source), source <= numbers ? operandType : Type::u32));
  return {};
}

Result<void> ArithmeticDecoder::dot() {
  bool high = modifiers.take("hi");
  if (!high)
    modifiers.take("lo");
  STRATA_ASSIGN(Type a, type());
  STRATA_ASSIGN(Type b, type());
  i.option =
      static_cast<uint8_t>((a == Type::s32 ? kSignedA : 0) | (b == Type::s32 ? kSignedB : 0) | (high ? kHighHalf : 0));
  if ((a != Type::s32 && a != Type::u32) || (b != Type::s32 && b != Type::u32))
    return state.error("it is of u32 and s32");
  i.counted = InstructionClass::dot;
  i.run = arithmeticHandlers().integer(name == "dp4a" ? Operation::dp4a : Operation::dp2a, Type::u32);
  return state.addOperands(Type::b32, 3);
}

Result<void> ArithmeticDecoder::compare() {
  constexpr std::pair<const char *, Comparison> kComparisons[] = {
      {"eq", Comparison::eq},   {"ne", Comparison::ne},   {"lt", Comparison::lt},   {"le", Comparison::le},
      {"gt", Comparison::gt},   {"ge", Comparison::ge},   {"lo", Comparison::lt},   {"ls", Comparison::le},
      {"hi", Comparison::gt},   {"hs", Comparison::ge},   {"equ", Comparison::equ}, {"neu", Comparison::neu},
      {"ltu", Comparison::ltu}, {"leu", Comparison::leu}, {"gtu", Comparison::gtu}, {"geu", Comparison::geu},
      {"num", Comparison::num}, {"nan", Comparison::nan}};
  std::string wanted = modifiers.takeAny();
  auto comparison = std::find_if(std::begin(kComparisons), std::end(kComparisons),
                                 [&](const auto &entry) { return wanted == entry.first; });
  if (comparison == std::end(kComparisons))
    return state.error(fmt::format("the comparison .{} is not known", escapeName(wanted)));
  bool combines = true;
  if (modifiers.take("and"))
    i.option = kCombineAnd;
  else if (modifiers.take("or"))
    i.option = kCombineOr;
  else if (modifiers.take("xor"))
    i.option = kCombineXor;
  else
    combines = false;
  i.flushSubnormals = modifiers.take("ftz");
  Type result = Type::pred;
  Operation operation = Operation::setp;
  if (name == "set") {
    operation = Operation::set;
    STRATA_ASSIGN(result, type());
  }
  STRATA_ASSIGN(Type operandType, type());
  i.counted = classOf(operandType);
  i.run = arithmeticHandlers().compare(operation, comparison->second, operandType, result);
  STRATA_TRY(state.operandCount(combines ? 4 : 3, combines ? 4 : 3));
  if (operation == Operation::setp) {
    STRATA_TRY(state.addPredicateDestination(state.operand(0).name));
    STRATA_TRY(state.addPredicateDestination(state.operand(0).second));
  } else {
    STRATA_TRY(state.addDestination(state.operand(0), result));
  }
  STRATA_TRY(state.addSource(state.operand(1), operandType));
  STRATA_TRY(state.addSource(state.operand(2), operandType));
  return combines ? state.addPredicateSource(state.operand(3)) : Result<void>();
}

Result<void> ArithmeticDecoder::select() {
  STRATA_ASSIGN(Type operandType, type());
  i.run = arithmeticHandlers().integer(Operation::select, operandType);
  STRATA_TRY(state.operandCount(4, 4));
  STRATA_TRY(state.addDestination(state.operand(0), operandType));
  STRATA_TRY(state.addSource(state.operand(1), operandType));
  STRATA_TRY(state.addSource(state.operand(2), operandType));
  return state.addPredicateSource(state.operand(3));
}

/// Between integers it is a move of bits, and f16 becomes f32 by an addition of f16 (HADD2.F32); only the rest goes
/// through the units of conversions.
static InstructionClass conversionClass(Type to, Type from) {
  auto isInteger = [](Type type) { return !isFloat(type) && !isHalf(type); };
  if (isInteger(to) && isInteger(from))
    return InstructionClass::integer;
  return to == Type::f32 && from == Type::f16 ? InstructionClass::float16 : InstructionClass::convert;
}

Result<void> ArithmeticDecoder::convert() {
  constexpr std::pair<const char *, IntegerRounding> kRoundings[] = {{"rni", IntegerRounding::nearest},
                                                                     {"rzi", IntegerRounding::zero},
                                                                     {"rmi", IntegerRounding::down},
                                                                     {"rpi", IntegerRounding::up}};
  IntegerRounding rounding = IntegerRounding::none;
  for (auto [roundingName, value] : kRoundings)
    if (modifiers.take(roundingName))
      rounding = value;
  takeFloatModifiers(modifiers, i);
  STRATA_ASSIGN(Type to, type());
  STRATA_ASSIGN(Type from, type());
  i.counted = conversionClass(to, from);
  i.option = static_cast<uint8_t>(rounding);
  i.run = arithmeticHandlers().convert(to, from, rounding, i);
  return state.addOperands(to, from, to == Type::f16x2 ? 2 : 1);
}

Result<void> ArithmeticDecoder::predicateLogic(Logic logic) {
  modifiers.take("pred");
  bool binary = logic != Logic::move && logic != Logic::invert;
  i.run = predicateHandler(logic);
  STRATA_TRY(state.operandCount(binary ? 3 : 2, binary ? 3 : 2));
  STRATA_TRY(state.addPredicateDestination(state.operand(0).name));
  if (logic == Logic::move && state.operand(1).kind == Operand::Kind::immediate) {
    i.predicateSourceNegated[0] = state.operand(1).number != 0;
    return {};
  }
  STRATA_TRY(state.addPredicateSource(state.operand(1)));
  return binary ? state.addPredicateSource(state.operand(2)) : Result<void>();
}

/// A register, a number, an address; or the parts of a number.
Result<void> ArithmeticDecoder::move() {
  STRATA_ASSIGN(Type operandType, type());
  STRATA_TRY(state.operandCount(2, 2));
  const Operand &to = state.operand(0), &from = state.operand(1);
  uint32_t bytes = typeBytes(operandType);
  auto partType = [&](const Operand &vector) {
    size_t partBytes = vector.parts.empty() ? 0 : bytes / vector.parts.size();
    return partBytes == 4 ? Type::b32 : partBytes == 2 ? Type::b16 : Type::b8;
  };
  if (from.kind == Operand::Kind::vector) {
    i.run = packHandler(8 * typeBytes(partType(from)), bytes == 8);
    STRATA_TRY(state.addDestination(to, operandType));
    return state.addSources(from, partType(from));
  }
  if (to.kind == Operand::Kind::vector) {
    i.run = unpackHandler(8 * typeBytes(partType(to)), bytes == 8);
    STRATA_TRY(state.addDestinations(to, partType(to)));
    return state.addSource(from, operandType);
  }
  if (from.name == "%clock" || from.name == "%clock64" || from.name == "%clock_hi") {
    i.run = from.name == "%clock_hi" ? nullptr : clockHandler(bytes == 8);
    return state.addDestination(to, operandType);
  }
  i.run = arithmeticHandlers().integer(Operation::mov, operandType);
  STRATA_TRY(state.addDestination(to, operandType));
  return state.addSource(from, operandType);
}

Result<bool> ArithmeticDecoder::dispatch() {
  auto decoded = [](Result<void> result) -> Result<bool> { return result.map([] { return true; }); };
  i.counted = InstructionClass::integer;
  constexpr std::pair<const char *, Logic> kLogic[] = {{"mov", Logic::move},
                                                       {"not", Logic::invert},
                                                       {"and", Logic::conjunction},
                                                       {"or", Logic::disjunction},
                                                       {"xor", Logic::difference}};
  for (auto [logicName, logic] : kLogic)
    if (name == logicName && isPredicateForm())
      return decoded(predicateLogic(logic));
  if (name == "mul" || name == "mad" || name == "madc")
    return decoded(multiply(name != "mul"));
  bool carries =
      std::find(state.statement->opcode.begin(), state.statement->opcode.end(), "cc") != state.statement->opcode.end();
  if (name == "addc" || name == "subc" || ((name == "add" || name == "sub") && carries))
    return decoded(carry(name == "add" || name == "addc"));
  if (name == "shl" || name == "shr")
    return decoded(shift());
  if (name == "shf")
    return decoded(funnel());
  for (const char *bitName : {"popc", "clz", "bfind", "bfe", "bfi", "prmt", "lop3", "sad"})
    if (name == bitName)
      return decoded(bits());
  if (name == "dp4a" || name == "dp2a")
    return decoded(dot());
  if (name == "setp" || name == "set")
    return decoded(compare());
  if (name == "selp")
    return decoded(select());
  if (name == "cvt")
    return decoded(convert());
  if (name == "mov")
    return decoded(move());
  for (const Entry &entry : kSimple)
    if (name == entry.name)
      return decoded(simple(entry));
  return false;
}

} // namespace

Result<bool> decodeArithmetic(DecodeState &state) {
  return ArithmeticDecoder(state).run();
}

} // namespace strata::sim
