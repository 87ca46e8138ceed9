// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Simulator/Decoder.h"

#include "runtime/Base/Checked.h"
#include "runtime/Simulator/ControlFlow.h"
#include "runtime/Simulator/DecodeState.h"
#include "runtime/Simulator/Lexer.h"

#include <fmt/format.h>

namespace strata::sim {

static Result<void> layParametersOut(Program &program, const Kernel &kernel) {
  Checked end = 0;
  for (const Variable &parameter : kernel.parameters) {
    Checked begin = end.alignUp(parameter.alignment);
    end = begin + parameter.bytes;
    if (!end.atMost(4096)) // What a kernel's parameters may take, ISA "Kernel Function Parameters".
      return ptxError(kernel.line,
                      fmt::format("the parameters of {} take more than 4096 bytes", escapeName(kernel.name)));
    program.parameterOffsets.push_back(begin.value());
  }
  program.parameters = kernel.parameters;
  program.parameterBytes = end.value();
  return {};
}

static Result<void> decodeStatement(DecodeState &state) {
  if (!state.statement->predicate.empty()) {
    std::optional<RegisterPlace> place = state.find(state.statement->predicate);
    if (!place || !place->isPredicate())
      return state.error(fmt::format("\"{}\" is no predicate", escapeName(state.statement->predicate)));
    state.instruction.predicate = place->unit;
    state.instruction.predicateNegated = state.statement->predicateNegated;
  }
  for (auto decode : {decodeArithmetic, decodeMemory, decodeWarp}) {
    STRATA_ASSIGN(bool known, decode(state));
    if (known)
      return {};
  }
  return ptxError(state.statement->line, fmt::format("the instruction {} is not known", escapeName(state.opcode())));
}

Result<Program> decodeKernel(const Kernel &kernel, const std::vector<Variable> &moduleShared,
                             const SymbolAddress &globals) {
  Program program;
  program.kernel = kernel.name;
  program.maximumThreads = kernel.maximumThreads;
  STRATA_TRY(layParametersOut(program, kernel));
  DecodeState state(program, globals);
  STRATA_TRY(state.addRegisters(kernel));
  STRATA_TRY(state.addVariables(kernel.variables));
  STRATA_TRY(state.addVariables(moduleShared));

  std::unordered_map<std::string, uint32_t> labels(kernel.labels.begin(), kernel.labels.end());
  for (const Statement &statement : kernel.statements) {
    state.begin(statement);
    STRATA_TRY(decodeStatement(state));
    if (state.instruction.control == Control::branch) {
      auto label = labels.find(statement.operands[0].name);
      if (label == labels.end())
        return state.error(fmt::format("the label {} does not exist", escapeName(statement.operands[0].name)));
      state.instruction.target = label->second;
    }
    program.instructions.push_back(state.instruction);
    program.opcodes.push_back(state.opcode());
    if (program.units > kNoUnit - 8)
      return ptxError(statement.line,
                      fmt::format("{} has more registers than any kernel of ours", escapeName(kernel.name)));
  }
  // A kernel that runs off its end ends there.
  Instruction end;
  end.control = Control::exit;
  end.counted = InstructionClass::control;
  end.line = kernel.statements.empty() ? kernel.line : kernel.statements.back().line;
  program.instructions.push_back(end);
  program.opcodes.push_back("exit");
  findJoins(program);
  return program;
}

} // namespace strata::sim
