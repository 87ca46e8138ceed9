// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Artifact/Checks.h"

#include <fmt/format.h>

namespace strata::artifact {

static Result<void> checkIndex(uint64_t index, uint64_t count, std::string_view what, std::string_view where) {
  if (index < count)
    return {};
  return refuse("A17", fmt::format("{} refers to {} {} of {}", where, what, index, count));
}

static uint32_t weightCount(const schema::Block &block) {
  return block.weights() ? block.weights()->size() : 0;
}

static Result<void> checkOperands(const schema::Program &program, const schema::Block &block,
                                  const schema::Dispatch &dispatch,
                                  const flatbuffers::Vector<const schema::Operand *> &operands) {
  for (const schema::Operand *operand : operands) {
    if (operand->kind() == schema::OperandKind::value)
      STRATA_TRY(checkIndex(operand->index(), program.values()->size(), "value", describe(program, block, dispatch)));
    if (operand->kind() == schema::OperandKind::weight)
      STRATA_TRY(checkIndex(operand->index(), weightCount(block), "weight", describe(program, block, dispatch)));
  }
  return {};
}

static Result<void> checkProgram(const schema::Artifact &artifact, const schema::Program &program) {
  for (const schema::Value *value : *program.values())
    STRATA_TRY(checkIndex(value->arena(), artifact.arenas()->size(), "arena", describe(program, *value)));
  for (const schema::Run *run : *program.runs())
    STRATA_TRY(checkIndex(run->block(), program.blocks()->size(), "block",
                          fmt::format("a run of the {} program", schema::EnumNamePhase(program.phase()))));
  return forEachDispatch(
      program,
      [&](const schema::Block &block, const schema::Stage &, const schema::Dispatch &dispatch) -> Result<void> {
        STRATA_TRY(checkOperands(program, block, dispatch, *dispatch.reads()));
        return checkOperands(program, block, dispatch, *dispatch.writes());
      });
}

Result<void> checkIndices(const schema::Artifact &artifact) {
  for (const schema::Tensor *tensor : *artifact.tensors())
    STRATA_TRY(checkIndex(tensor->file(), artifact.model()->files()->size(), "model file",
                          "tensor " + printable(tensor->name())));
  for (const schema::Program *program : *artifact.programs())
    STRATA_TRY(checkProgram(artifact, *program));
  return {};
}

} // namespace strata::artifact
