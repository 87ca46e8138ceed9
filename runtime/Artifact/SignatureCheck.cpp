// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Artifact/Checks.h"
#include "runtime/Artifact/OperationSignatures.h"
#include "runtime/Artifact/ParameterCheck.h"
#include "runtime/Artifact/ShapeSymbols.h"
#include "runtime/Weights/Encoding.h"

#include <array>
#include <fmt/format.h>

namespace strata::artifact {
namespace {

using schema::OperandKind;
using OperandVector = flatbuffers::Vector<const schema::Operand *>;

/// One dispatch, checked against its operation's signature.
class DispatchCheck {
public:
  DispatchCheck(const schema::Artifact &artifact, const schema::Program &inProgram, const schema::Block &inBlock,
                const schema::Stage &inStage, const schema::Dispatch &checked)
      : program(inProgram), block(inBlock), stage(inStage), dispatch(checked),
        signature(operationSignature(checked.operation())), symbols(artifact, checked) {}

  Result<void> run() {
    STRATA_TRY(checkForm());
    // Weights decide which elements products take, so that they come first; letters are bound before they are used.
    for (auto step : {&DispatchCheck::checkKind, &DispatchCheck::checkRows, &DispatchCheck::bindSymbols,
                      &DispatchCheck::checkShape, &DispatchCheck::checkWeight, &DispatchCheck::checkElement})
      STRATA_TRY(forEachOperand(step));
    return checkAliases();
  }

private:
  using Step = Result<void> (DispatchCheck::*)(const OperandRule &, const schema::Operand &);

  Result<void> forEachOperand(Step step) {
    for (uint32_t i = 0; i < signature.reads.size(); ++i)
      STRATA_TRY((this->*step)(signature.reads[i], *dispatch.reads()->Get(i)));
    for (uint32_t i = 0; i < signature.writes.size(); ++i)
      STRATA_TRY((this->*step)(signature.writes[i], *dispatch.writes()->Get(i)));
    return {};
  }

  /// "the residual of matmul of block dense in the decode program".
  std::string nameOf(const OperandRule &rule) const {
    return fmt::format("the {} of {}", rule.name, describe(program, block, dispatch));
  }
  const schema::Value &valueOf(const schema::Operand &operand) const { return *program.values()->Get(operand.index()); }
  const schema::WeightSlot &weightOf(const schema::Operand &operand) const {
    return *block.weights()->Get(operand.index());
  }
  static bool isBlockQuantised(const schema::WeightSlot &weight) {
    return encodingInfo(static_cast<Encoding>(weight.encoding())).elements > 1;
  }

  Result<void> checkForm();
  Result<void> checkKind(const OperandRule &rule, const schema::Operand &operand);
  Result<void> checkRows(const OperandRule &rule, const schema::Operand &operand);
  Result<void> bindSymbols(const OperandRule &rule, const schema::Operand &operand);
  Result<void> checkShape(const OperandRule &rule, const schema::Operand &operand);
  Result<void> checkWeight(const OperandRule &rule, const schema::Operand &operand);
  Result<void> checkElement(const OperandRule &rule, const schema::Operand &operand);
  Result<void> checkAliases() const;
  bool mayShare(uint32_t write, uint32_t read) const;

  const schema::Program &program;
  const schema::Block &block;
  const schema::Stage &stage;
  const schema::Dispatch &dispatch;
  const OperationSignature &signature;
  ShapeSymbols symbols;
  std::array<const schema::WeightSlot *, 2> productWeights = {}; ///< The first weight of each of the products.
};

/// Parameters, number of operands, and the form that the phase has (docs/numbers.md).
Result<void> DispatchCheck::checkForm() {
  if (dispatch.parameters_type() != signature.parameters)
    return refuse("A20", fmt::format("{} has {} and takes {}", describe(program, block, dispatch),
                                     schema::EnumNameParameters(dispatch.parameters_type()),
                                     schema::EnumNameParameters(signature.parameters)));
  if (dispatch.reads()->size() != signature.reads.size() || dispatch.writes()->size() != signature.writes.size())
    return refuse("A20", fmt::format("{} reads {} and writes {} operands and takes {} and {}",
                                     describe(program, block, dispatch), dispatch.reads()->size(),
                                     dispatch.writes()->size(), signature.reads.size(), signature.writes.size()));
  auto form = program.phase() == schema::Phase::decode ? schema::Form::few : schema::Form::many;
  if (dispatch.form() != form)
    return refuse("A20", fmt::format("{} has the form for {} columns, the other phase's",
                                     describe(program, block, dispatch), schema::EnumNameForm(dispatch.form())));
  return {};
}

static OperandKind kindOf(OperandRole role) {
  if (role == OperandRole::Weight || role == OperandRole::Vector)
    return OperandKind::weight;
  return role == OperandRole::Cache ? OperandKind::kv : OperandKind::value;
}

static bool mayBeAbsent(OperandUse use, bool shared) {
  return use == OperandUse::Optional || use == OperandUse::OptionalResidual || (use == OperandUse::Shared && !shared);
}

Result<void> DispatchCheck::checkKind(const OperandRule &rule, const schema::Operand &operand) {
  const auto *experts = dispatch.parameters_as_ExpertParameters();
  bool shared = experts && experts->shared_width() != 0;
  if (operand.kind() == OperandKind::none && mayBeAbsent(rule.use, shared))
    return {};
  if (rule.use == OperandUse::Shared && !shared)
    return refuse("A20", fmt::format("{} is there and the shared expert's width is 0", nameOf(rule)));
  if (operand.kind() != kindOf(rule.role))
    return refuse("A20",
                  fmt::format("{} is a {} and must be a {}", nameOf(rule), schema::EnumNameOperandKind(operand.kind()),
                              schema::EnumNameOperandKind(kindOf(rule.role))));
  return {};
}

/// Which rows of a value a stage can see (docs/operations.md, "Rows").
static bool isVisible(schema::Rows stage, schema::Rows value, OperandUse use) {
  using schema::Rows;
  if (use == OperandUse::ChunkScratch && stage == Rows::prompt)
    return value == Rows::chunk;
  if (stage == Rows::step || value == stage)
    return value == stage;
  return value == Rows::prompt;
}

Result<void> DispatchCheck::checkRows(const OperandRule &rule, const schema::Operand &operand) {
  if (operand.kind() != OperandKind::value || isVisible(stage.rows(), valueOf(operand).rows(), rule.use))
    return {};
  return refuse("A20", fmt::format("{} has {} rows, which a {} stage does not see", nameOf(rule),
                                   schema::EnumNameRows(valueOf(operand).rows()), schema::EnumNameRows(stage.rows())));
}

Result<void> DispatchCheck::bindSymbols(const OperandRule &rule, const schema::Operand &operand) {
  if (operand.kind() == OperandKind::value)
    symbols.bind(rule.shape, valueOf(operand).columns());
  if (operand.kind() != OperandKind::weight)
    return {};
  std::string_view shape = rule.shape;
  for (uint64_t dimension : *weightOf(operand).dimensions())
    symbols.bind(takePart(shape, ' '), dimension);
  return {};
}

Result<void> DispatchCheck::checkShape(const OperandRule &rule, const schema::Operand &operand) {
  if (operand.kind() == OperandKind::value) {
    Checked columns = symbols.evaluate(rule.shape);
    if (columns.valid() && columns.value() == valueOf(operand).columns())
      return {};
    return refuse("A20", fmt::format("{} ({}) has {} columns and must have {} = {}", nameOf(rule),
                                     printable(valueOf(operand).name()), valueOf(operand).columns(), rule.shape,
                                     columns.valid() ? std::to_string(columns.value()) : "a number that is not known"));
  }
  if (operand.kind() != OperandKind::weight)
    return {};
  std::string_view shape = rule.shape;
  bool same = true;
  for (uint64_t dimension : *weightOf(operand).dimensions()) {
    Checked expected = symbols.evaluate(takePart(shape, ' '));
    same &= expected.valid() && expected.value() == dimension;
  }
  if (same && shape.empty())
    return {};
  return refuse("A20", fmt::format("{} ({}) has dimensions [{}] that do not fit [{}] and the other operands",
                                   nameOf(rule), printable(weightOf(operand).name()),
                                   fmt::join(*weightOf(operand).dimensions(), ", "), rule.shape));
}

Result<void> DispatchCheck::checkWeight(const OperandRule &rule, const schema::Operand &operand) {
  if (operand.kind() != OperandKind::weight)
    return {};
  const schema::WeightSlot &weight = weightOf(operand);
  const EncodingInfo &info = encodingInfo(static_cast<Encoding>(weight.encoding()));
  if (!info.supported)
    return refuse("A20", fmt::format("{} ({}) is in {}, and there are kernels for {}", nameOf(rule),
                                     printable(weight.name()), info.name, supportedEncodings()));
  if (rule.role == OperandRole::Vector && info.encoding != Encoding::F32)
    return refuse(
        "A20", fmt::format("{} ({}) is in {} and must be in F32", nameOf(rule), printable(weight.name()), info.name));
  if (rule.role != OperandRole::Weight)
    return {};
  const schema::WeightSlot *&first = productWeights[rule.product];
  if (first && isBlockQuantised(*first) != isBlockQuantised(weight))
    return refuse("A20", fmt::format("{} ({}) is in {} and multiplied with the same numbers as {}", nameOf(rule),
                                     printable(weight.name()), info.name, printable(first->name())));
  if (!first)
    first = &weight;
  return {};
}

Result<void> DispatchCheck::checkElement(const OperandRule &rule, const schema::Operand &operand) {
  if (operand.kind() != OperandKind::value)
    return {};
  using schema::Element;
  using schema::Role;
  Element element = Element::i32;
  Role role = Role::intermediate;
  switch (rule.role) {
  case OperandRole::Product:
    element = isBlockQuantised(*productWeights[rule.product]) ? Element::activation : Element::f32;
    break;
  case OperandRole::Quantised:
    element = Element::activation;
    break;
  case OperandRole::Copied:
    element = valueOf(operand).element(); // A26: that source and copy have the same.
    break;
  case OperandRole::Tokens:
    role = Role::tokens;
    break;
  case OperandRole::Positions:
    role = Role::positions;
    break;
  case OperandRole::Sequences:
    role = Role::sequences;
    break;
  case OperandRole::Integers:
  case OperandRole::Experts:
    break;
  default:
    element = Element::f32;
  }
  const schema::Value &value = valueOf(operand);
  if (value.element() != element)
    return refuse("A20", fmt::format("{} ({}) holds {} and must hold {}", nameOf(rule), printable(value.name()),
                                     schema::EnumNameElement(value.element()), schema::EnumNameElement(element)));
  // Kernels index memory with what Exec wrote into these: nothing else may stand there, and nothing else be written.
  bool isInput = livesThroughout(value) && value.role() != Role::residual;
  if (role != Role::intermediate ? value.role() != role : isInput)
    return refuse("A20", fmt::format("{} ({}) has the role {} and must have {}", nameOf(rule), printable(value.name()),
                                     schema::EnumNameRole(value.role()), schema::EnumNameRole(role)));
  return {};
}

static bool isScratch(OperandUse use) {
  return use == OperandUse::Scratch || use == OperandUse::ChunkScratch;
}

/// Whether a result may be the value that the operation reads there.
bool DispatchCheck::mayShare(uint32_t write, uint32_t read) const {
  const OperandRule &written = signature.writes[write], &readRule = signature.reads[read];
  if (isScratch(written.use) || isScratch(readRule.use))
    return written.name == readRule.name;
  return readRule.use == OperandUse::Residual || readRule.use == OperandUse::OptionalResidual;
}

Result<void> DispatchCheck::checkAliases() const {
  auto isSame = [](const schema::Operand &a, const schema::Operand &b) {
    return a.kind() == OperandKind::value && b.kind() == OperandKind::value && a.index() == b.index();
  };
  for (uint32_t write = 0; write < signature.writes.size(); ++write) {
    const schema::Operand &written = *dispatch.writes()->Get(write);
    for (uint32_t other = 0; other < write; ++other)
      if (isSame(written, *dispatch.writes()->Get(other)))
        return refuse("A21", fmt::format("{} and {} are the same value", nameOf(signature.writes[other]),
                                         signature.writes[write].name));
    for (uint32_t read = 0; read < signature.reads.size(); ++read) {
      bool same = isSame(written, *dispatch.reads()->Get(read));
      bool sameScratch =
          isScratch(signature.writes[write].use) && signature.writes[write].name == signature.reads[read].name;
      if (same ? !mayShare(write, read) : sameScratch)
        return refuse("A21",
                      fmt::format("{} and the {} that it writes {} the same value", nameOf(signature.reads[read]),
                                  signature.writes[write].name, same ? "must not be" : "must be"));
    }
  }
  return {};
}

} // namespace

static Result<void> checkStageRows(const schema::Program &program, const schema::Block &block,
                                   const schema::Stage &stage) {
  bool decodes = program.phase() == schema::Phase::decode;
  if (decodes == (stage.rows() == schema::Rows::step))
    return {};
  return refuse("A20", fmt::format("a stage of block {} in the {} program runs over {} rows", printable(block.name()),
                                   schema::EnumNamePhase(program.phase()), schema::EnumNameRows(stage.rows())));
}

/// What Exec writes and reads has a fixed form.
static Result<void> checkRole(const schema::Artifact &artifact, const schema::Program &program,
                              const schema::Value &value) {
  using schema::Rows;
  bool decodes = program.phase() == schema::Phase::decode;
  if (decodes != (value.rows() == Rows::step))
    return refuse("A20", fmt::format("{} has {} rows, the other phase's", describe(program, value),
                                     schema::EnumNameRows(value.rows())));
  if (value.role() == schema::Role::intermediate)
    return {};
  bool isNumbers = value.role() == schema::Role::residual || value.role() == schema::Role::logits;
  bool fits = value.element() == (isNumbers ? schema::Element::f32 : schema::Element::i32);
  if (!isNumbers)
    fits = fits && value.columns() == 1;
  if (value.role() == schema::Role::logits)
    fits = fits && value.columns() == artifact.model()->vocabulary() && (decodes || value.rows() == Rows::output);
  else
    fits = fits && (decodes || value.rows() == Rows::prompt);
  if (fits)
    return {};
  return refuse("A20", fmt::format("{} has {} columns of {} and {} rows, which its role {} does not have",
                                   describe(program, value), value.columns(), schema::EnumNameElement(value.element()),
                                   schema::EnumNameRows(value.rows()), schema::EnumNameRole(value.role())));
}

static Result<void> checkProgram(const schema::Artifact &artifact, const schema::Program &program) {
  for (const schema::Value *value : *program.values())
    STRATA_TRY(checkRole(artifact, program, *value));
  for (const schema::Block *block : *program.blocks())
    for (const schema::Stage *stage : *block->stages())
      STRATA_TRY(checkStageRows(program, *block, *stage));
  return forEachDispatch(
      program,
      [&](const schema::Block &block, const schema::Stage &stage, const schema::Dispatch &dispatch) -> Result<void> {
        STRATA_TRY(DispatchCheck(artifact, program, block, stage, dispatch).run());
        return checkParameters(artifact, program, block, dispatch);
      });
}

Result<void> checkSignatures(const schema::Artifact &artifact) {
  for (const schema::Program *program : *artifact.programs())
    STRATA_TRY(checkProgram(artifact, *program));
  return {};
}

} // namespace strata::artifact
