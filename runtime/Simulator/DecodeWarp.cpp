// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Opcodes of what lanes do together, and of control flow but for the targets of branches.

#include "runtime/Simulator/DecodeState.h"
#include "runtime/Simulator/Operations.h"
#include "runtime/Simulator/WarpHandlers.h"

#include <fmt/format.h>

namespace strata::sim {

namespace {

class WarpDecoder {
public:
  explicit WarpDecoder(DecodeState &decodeState)
      : state(decodeState), modifiers(decodeState.statement->opcode), i(decodeState.instruction),
        name(decodeState.statement->opcode[0]) {}

  Result<bool> run() {
    i.counted = InstructionClass::warp;
    if (name == "shfl")
      STRATA_TRY(shuffle());
    else if (name == "vote")
      STRATA_TRY(vote());
    else if (name == "match")
      STRATA_TRY(match());
    else if (name == "activemask")
      STRATA_TRY(activeMask());
    else if (name == "bar" || name == "barrier")
      STRATA_TRY(barrier());
    else if (name == "mma")
      STRATA_TRY(mma());
    else if (name == "trap" || name == "brkpt")
      i.run = trapHandler();
    else if (name == "ret" || name == "exit")
      i.control = Control::exit;
    else if (name == "bra")
      STRATA_TRY(branch());
    else
      return false;
    if (i.control != Control::none)
      i.counted = InstructionClass::control;
    return state.finish(modifiers);
  }

private:
  Result<void> sync() {
    if (modifiers.take("sync"))
      return {};
    return state.error("only the .sync form exists since Volta");
  }

  Result<void> shuffle() {
    STRATA_TRY(sync());
    if (modifiers.take("up"))
      i.run = shuffleHandler(ShuffleMode::up);
    else if (modifiers.take("down"))
      i.run = shuffleHandler(ShuffleMode::down);
    else if (modifiers.take("bfly"))
      i.run = shuffleHandler(ShuffleMode::butterfly);
    else if (modifiers.take("idx"))
      i.run = shuffleHandler(ShuffleMode::index);
    modifiers.take("b32");
    STRATA_TRY(state.operandCount(5, 5));
    STRATA_TRY(state.addDestination(state.operand(0), Type::b32));
    STRATA_TRY(state.addPredicateDestination(state.operand(0).second));
    for (size_t source = 1; source < 5; ++source)
      STRATA_TRY(state.addSource(state.operand(source), Type::b32));
    return {};
  }

  Result<void> vote() {
    STRATA_TRY(sync());
    bool ballot = modifiers.take("ballot");
    if (ballot)
      i.run = voteHandler(VoteMode::ballot);
    else if (modifiers.take("all"))
      i.run = voteHandler(VoteMode::all);
    else if (modifiers.take("any"))
      i.run = voteHandler(VoteMode::any);
    else if (modifiers.take("uni"))
      i.run = voteHandler(VoteMode::uniform);
    modifiers.take(ballot ? "b32" : "pred");
    STRATA_TRY(state.operandCount(3, 3));
    if (ballot)
      STRATA_TRY(state.addDestination(state.operand(0), Type::b32));
    else
      STRATA_TRY(state.addPredicateDestination(state.operand(0).name));
    STRATA_TRY(state.addPredicateSource(state.operand(1)));
    return state.addSource(state.operand(2), Type::b32);
  }

  Result<void> match() {
    bool all = modifiers.take("all");
    if (!all)
      modifiers.take("any");
    STRATA_TRY(sync());
    std::optional<Type> type = modifiers.takeType();
    bool wide = type == Type::b64;
    i.run = matchHandler(all, wide);
    STRATA_TRY(state.operandCount(3, 3));
    STRATA_TRY(state.addDestination(state.operand(0), Type::b32));
    STRATA_TRY(state.addPredicateDestination(state.operand(0).second));
    STRATA_TRY(state.addSource(state.operand(1), wide ? Type::b64 : Type::b32));
    return state.addSource(state.operand(2), Type::b32);
  }

  Result<void> activeMask() {
    modifiers.take("b32");
    i.run = activeMaskHandler();
    STRATA_TRY(state.operandCount(1, 1));
    return state.addDestination(state.operand(0), Type::b32);
  }

  Result<void> barrier() {
    bool ofWarp = modifiers.take("warp");
    if (!ofWarp)
      modifiers.take("cta");
    STRATA_TRY(sync());
    modifiers.take("aligned");
    if (ofWarp) {
      i.run = warpBarrierHandler();
      STRATA_TRY(state.operandCount(1, 1));
      return state.addSource(state.operand(0), Type::b32);
    }
    i.control = Control::barrier;
    STRATA_TRY(state.operandCount(1, 2));
    const Operand &number = state.operand(0);
    if (number.kind != Operand::Kind::immediate || number.number < 0 || number.number > 15)
      return state.error("a barrier is a number from 0 to 15");
    i.option = static_cast<uint8_t>(number.number);
    if (state.statement->operands.size() == 1)
      return {};
    const Operand &threads = state.operand(1);
    if (threads.kind != Operand::Kind::immediate || threads.number <= 0 || threads.number > 1024 ||
        threads.number % 32 != 0)
      return state.error("the threads of a barrier are a number, whole warps");
    i.immediate = threads.number;
    return {};
  }

  Result<void> mma() {
    STRATA_TRY(sync());
    modifiers.take("aligned");
    std::string shape = modifiers.takeAny(), a = modifiers.takeAny(), b = modifiers.takeAny();
    if (shape != "m8n8k4" || (a != "row" && a != "col") || (b != "row" && b != "col"))
      return state.error("of products on tensor cores, sm_70 has m8n8k4");
    std::optional<Type> d = modifiers.takeType(), typeA = modifiers.takeType(), typeB = modifiers.takeType(),
                        c = modifiers.takeType();
    auto accumulates = [](std::optional<Type> type) { return type == Type::f16 || type == Type::f32; };
    if (!accumulates(d) || !accumulates(c) || typeA != Type::f16 || typeB != Type::f16)
      return state.error("its factors are f16 and its sums f16 or f32");
    i.counted = InstructionClass::tensor;
    i.run = arithmeticHandlers().mma(a == "col", b == "col", d == Type::f16, c == Type::f16);
    STRATA_TRY(state.operandCount(4, 4));
    STRATA_TRY(state.addDestinations(state.operand(0), Type::b32));
    for (size_t source = 1; source < 4; ++source)
      STRATA_TRY(state.addSources(state.operand(source), Type::b32));
    size_t addends = c == Type::f16 ? 4 : 8;
    if (i.destinations != (d == Type::f16 ? 4 : 8) || i.sources != 4 + addends)
      return state.error("a vector has another length than its matrix");
    return {};
  }

  Result<void> branch() {
    modifiers.take("uni");
    i.control = Control::branch;
    STRATA_TRY(state.operandCount(1, 1));
    if (state.operand(0).kind != Operand::Kind::symbol && state.operand(0).kind != Operand::Kind::reg)
      return state.error("it goes to no label");
    return {};
  }

  DecodeState &state;
  Modifiers modifiers;
  Instruction &i;
  const std::string &name;
};

} // namespace

Result<bool> decodeWarp(DecodeState &state) {
  return WarpDecoder(state).run();
}

} // namespace strata::sim
