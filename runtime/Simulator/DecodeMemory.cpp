// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Opcodes of loads, stores, atomics and addresses.

#include "runtime/Simulator/DecodeState.h"
#include "runtime/Simulator/MemoryHandlers.h"
#include "runtime/Simulator/WarpHandlers.h"

#include <algorithm>
#include <fmt/format.h>

namespace strata::sim {

namespace {

Space takeSpace(Modifiers &modifiers) {
  if (modifiers.take("global"))
    return Space::global;
  if (modifiers.take("shared")) {
    modifiers.take("cta");
    return Space::shared;
  }
  if (modifiers.take("local"))
    return Space::local;
  if (modifiers.take("const"))
    return Space::constant;
  if (modifiers.take("param"))
    return Space::param;
  return Space::generic;
}

/// How caches are used, and in which order others see it, changes no result here.
void takeCacheModifiers(Modifiers &modifiers) {
  for (const char *name : {"ca", "cg", "cs", "lu", "cv", "wb", "wt", "nc", "volatile", "relaxed", "acquire", "release",
                           "acq_rel", "weak", "cta", "gpu", "sys"})
    modifiers.take(name);
}

class MemoryDecoder {
public:
  explicit MemoryDecoder(DecodeState &decodeState)
      : state(decodeState), modifiers(decodeState.statement->opcode), i(decodeState.instruction),
        name(decodeState.statement->opcode[0]) {}

  Result<bool> run() {
    if (name == "ld" || name == "ldu")
      STRATA_TRY(load());
    else if (name == "st")
      STRATA_TRY(store());
    else if (name == "atom" || name == "red")
      STRATA_TRY(atomic());
    else if (name == "cvta")
      STRATA_TRY(convertAddress());
    else if (name == "membar" || name == "fence" || name == "prefetch" || name == "prefetchu" || name == "nanosleep")
      return noOperation();
    else
      return false;
    return state.finish(modifiers);
  }

private:
  Result<Type> elementType(uint32_t &count) {
    count = modifiers.take("v2") ? 2 : modifiers.take("v4") ? 4 : 1;
    std::optional<Type> type = modifiers.takeType();
    if (!type)
      return modifiers.empty() ? state.error("it has no type") : state.unknownModifier(modifiers);
    if (typeBytes(*type) * count > 16)
      return state.error("an access has at most 16 bytes");
    return *type;
  }

  /// An element may lie in a register that is wider than it.
  Type registerType(const Operand &operand, Type element) {
    const Operand &one = operand.kind == Operand::Kind::vector && !operand.parts.empty() ? operand.parts[0] : operand;
    std::optional<RegisterPlace> place = state.find(one.name);
    if (!place || place->isPredicate() || typeBytes(element) == 8)
      return element;
    if (place->wide())
      i.option |= kWideElements;
    return place->wide() ? Type::b64 : Type::b32;
  }

  Result<void> load() {
    i.space = takeSpace(modifiers);
    takeCacheModifiers(modifiers);
    uint32_t count = 1;
    STRATA_ASSIGN(Type element, elementType(count));
    STRATA_TRY(state.operandCount(2, 2));
    STRATA_TRY(state.addDestinations(state.operand(0), registerType(state.operand(0), element)));
    if (i.destinations != count)
      return state.error("the vector has another length than its type");
    i.accessBytes = static_cast<uint8_t>(typeBytes(element) * count);
    if (i.space == Space::param)
      return parameter(element);
    i.counted = i.space == Space::shared  ? InstructionClass::loadShared
                : i.space == Space::local ? InstructionClass::local
                                          : InstructionClass::loadGlobal;
    i.run = loadHandler(element);
    return state.addAddress(state.operand(1));
  }

  Result<void> parameter(Type element) {
    const Operand &address = state.operand(1);
    const auto &parameters = state.program.parameters;
    auto found = std::find_if(parameters.begin(), parameters.end(),
                              [&](const Variable &parameter) { return parameter.name == address.name; });
    if (address.kind != Operand::Kind::address || found == parameters.end())
      return state.error("it reads no parameter of the kernel");
    uint64_t offset = state.program.parameterOffsets[static_cast<size_t>(found - parameters.begin())];
    if (address.number < 0 || static_cast<uint64_t>(address.number) + i.accessBytes > found->bytes)
      return state.error(fmt::format("it reads beyond the parameter {}", escapeName(found->name)));
    i.immediate = static_cast<int64_t>(offset) + address.number;
    i.run = parameterHandler(element);
    return {};
  }

  Result<void> store() {
    i.space = takeSpace(modifiers);
    takeCacheModifiers(modifiers);
    uint32_t count = 1;
    STRATA_ASSIGN(Type element, elementType(count));
    STRATA_TRY(state.operandCount(2, 2));
    if (i.space == Space::param || i.space == Space::constant)
      return state.error("that memory is not written");
    i.accessBytes = static_cast<uint8_t>(typeBytes(element) * count);
    i.counted = i.space == Space::shared  ? InstructionClass::storeShared
                : i.space == Space::local ? InstructionClass::local
                                          : InstructionClass::storeGlobal;
    STRATA_TRY(state.addAddress(state.operand(0)));
    STRATA_TRY(state.addSources(state.operand(1), registerType(state.operand(1), element)));
    if (i.sources != count + 1)
      return state.error("the vector has another length than its type");
    i.run = storeHandler(element);
    return {};
  }

  Result<void> atomic() {
    constexpr std::pair<const char *, AtomicOperation> kOperations[] = {
        {"add", AtomicOperation::add},       {"min", AtomicOperation::min},
        {"max", AtomicOperation::max},       {"and", AtomicOperation::bitAnd},
        {"or", AtomicOperation::bitOr},      {"xor", AtomicOperation::bitXor},
        {"exch", AtomicOperation::exchange}, {"cas", AtomicOperation::compareAndSwap},
        {"inc", AtomicOperation::increment}, {"dec", AtomicOperation::decrement}};
    i.space = takeSpace(modifiers);
    takeCacheModifiers(modifiers);
    std::string wanted = modifiers.takeAny();
    auto operation = std::find_if(std::begin(kOperations), std::end(kOperations),
                                  [&](const auto &entry) { return wanted == entry.first; });
    if (operation == std::end(kOperations))
      return state.error(fmt::format("the operation .{} is not known", escapeName(wanted)));
    uint32_t count = 1;
    STRATA_ASSIGN(Type element, elementType(count));
    size_t results = name == "atom" ? 1 : 0;
    size_t operands = operation->second == AtomicOperation::compareAndSwap ? 2 : 1;
    STRATA_TRY(state.operandCount(results + 1 + operands, results + 1 + operands));
    i.counted = InstructionClass::atomic;
    i.accessBytes = static_cast<uint8_t>(typeBytes(element));
    if (results)
      STRATA_TRY(state.addDestination(state.operand(0), element));
    if (results && i.destination[0] == kNoUnit)
      i.destinations = 0; // `_`: nobody wants the old value.
    STRATA_TRY(state.addAddress(state.operand(results)));
    for (size_t operand = 0; operand < operands; ++operand)
      STRATA_TRY(state.addSource(state.operand(results + 1 + operand), element));
    i.run = atomicHandler(operation->second, element);
    return {};
  }

  Result<void> convertAddress() {
    bool toSpace = modifiers.take("to");
    Space space = takeSpace(modifiers);
    std::optional<Type> type = modifiers.takeType();
    if (type != Type::u64)
      return state.error("addresses have 64 bits here");
    i.counted = InstructionClass::integer;
    uint64_t window = space == Space::shared ? kSharedWindowBits : space == Space::local ? kLocalWindowBits : 0;
    i.immediate = static_cast<int64_t>(window);
    i.run = windowHandler(!toSpace);
    return state.addOperands(Type::u64, 1);
  }

  /// Of memory order and caches: nothing to do, whatever the modifiers.
  Result<bool> noOperation() {
    i.run = [](WarpState &, const Instruction &, uint32_t) {};
    i.counted = InstructionClass::other;
    return true;
  }

  // The windows of WarpState.h, which decoders do not see.
  static constexpr uint64_t kSharedWindowBits = uint64_t(0xffff) << 48;
  static constexpr uint64_t kLocalWindowBits = uint64_t(0xfffe) << 48;

  DecodeState &state;
  Modifiers modifiers;
  Instruction &i;
  const std::string &name;
};

} // namespace

Result<bool> decodeMemory(DecodeState &state) {
  return MemoryDecoder(state).run();
}

} // namespace strata::sim
