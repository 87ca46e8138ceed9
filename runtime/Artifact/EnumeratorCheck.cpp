// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Artifact/Checks.h"
#include "runtime/Weights/Encoding.h"

#include <fmt/format.h>

namespace strata::artifact {

/// No operation has more.
static constexpr uint32_t kMostOperands = 24;

/// flatc numbers enumerators from MIN to MAX without gaps. The verifier accepts every byte.
template <typename Enumeration> static Result<void> checkKnown(Enumeration value, std::string_view what) {
  if (value >= Enumeration::MIN && value <= Enumeration::MAX)
    return {};
  return refuse(
      "A13", fmt::format("{} has the value {}, which this runtime does not know", what, static_cast<unsigned>(value)));
}

static Result<void> checkEncoding(uint32_t id, const flatbuffers::String *name) {
  if (encodingInfo(id))
    return {};
  return refuse(
      "A13", fmt::format("the encoding of {} has the value {}, which this runtime does not know", printable(name), id));
}

static Result<void> checkOperands(const flatbuffers::Vector<const schema::Operand *> &operands,
                                  const std::string &where) {
  // Vectors may share their bytes: without a limit a small file could ask for very much work.
  if (operands.size() > kMostOperands)
    return refuse("A20", fmt::format("{} has {} operands", where, operands.size()));
  for (const schema::Operand *operand : operands)
    STRATA_TRY(checkKnown(operand->kind(), "the kind of an operand of " + where));
  return {};
}

static Result<void> checkDispatch(const schema::Program &program, const schema::Block &block,
                                  const schema::Dispatch &dispatch) {
  STRATA_TRY(checkKnown(dispatch.operation(), "an operation of block " + printable(block.name())));
  std::string where = describe(program, block, dispatch);
  STRATA_TRY(checkKnown(dispatch.form(), "the form of " + where));
  STRATA_TRY(checkKnown(dispatch.device(), "the device of " + where));
  // flatbuffers verifies nothing of a union whose type it does not know.
  if (dispatch.parameters_type() == schema::Parameters::NONE || dispatch.parameters_type() > schema::Parameters::MAX)
    return refuse("A13", fmt::format("the parameters of {} have the type {}, which this runtime does not know", where,
                                     static_cast<unsigned>(dispatch.parameters_type())));
  if (const auto *route = dispatch.parameters_as_RouteParameters())
    STRATA_TRY(checkKnown(route->gate(), "the gate of " + where));
  STRATA_TRY(checkOperands(*dispatch.reads(), where));
  return checkOperands(*dispatch.writes(), where);
}

static Result<void> checkProgram(const schema::Program &program) {
  for (const schema::Value *value : *program.values()) {
    std::string where = describe(program, *value);
    STRATA_TRY(checkKnown(value->role(), "the role of " + where));
    STRATA_TRY(checkKnown(value->rows(), "the rows of " + where));
    STRATA_TRY(checkKnown(value->element(), "the element of " + where));
  }
  for (const schema::Block *block : *program.blocks()) {
    for (const schema::Stage *stage : *block->stages())
      STRATA_TRY(checkKnown(stage->rows(), "the rows of a stage of block " + printable(block->name())));
    if (!block->weights())
      continue;
    for (const schema::WeightSlot *weight : *block->weights())
      STRATA_TRY(checkEncoding(weight->encoding(), weight->name()));
  }
  return forEachDispatch(program,
                         [&](const schema::Block &block, const schema::Stage &, const schema::Dispatch &dispatch) {
                           return checkDispatch(program, block, dispatch);
                         });
}

Result<void> checkEnumerators(const schema::Artifact &artifact) {
  const schema::Settings &settings = *artifact.settings();
  STRATA_TRY(checkKnown(settings.decode_activations(), "the setting for activations when decoding"));
  STRATA_TRY(checkKnown(settings.prompt_activations(), "the setting for activations in prompts"));
  STRATA_TRY(checkKnown(settings.kv(), "the setting for the KV cache"));
  for (const schema::Tensor *tensor : *artifact.tensors()) {
    STRATA_TRY(checkKnown(tensor->tier(), "the tier of tensor " + printable(tensor->name())));
    STRATA_TRY(checkEncoding(tensor->encoding(), tensor->name()));
  }
  if (artifact.budgets())
    for (const schema::TierBudget *budget : *artifact.budgets())
      STRATA_TRY(checkKnown(budget->tier(), "the tier of a budget"));
  if (artifact.experts())
    for (const schema::LayerExperts *line : *artifact.experts())
      STRATA_TRY(checkKnown(line->policy(), "the cache policy of a line of experts"));
  for (const schema::Arena *arena : *artifact.arenas()) {
    STRATA_TRY(checkKnown(arena->kind(), "the kind of an arena"));
    STRATA_TRY(checkKnown(arena->device(), "the device of an arena"));
    STRATA_TRY(checkKnown(arena->tier(), "the tier of an arena"));
  }
  for (const schema::Program *program : *artifact.programs())
    STRATA_TRY(checkProgram(*program));
  return {};
}

} // namespace strata::artifact
