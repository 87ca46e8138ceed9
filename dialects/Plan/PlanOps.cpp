// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/Plan/PlanOps.h"

#include "dialects/Moe/MoeOps.h"
#include "dialects/Plan/OperandRules.h"
#include "runtime/Schema/RowBytes.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace strata;
using namespace strata::plan;

static ParseResult parseReads(OpAsmParser &parser, SmallVectorImpl<OpAsmParser::UnresolvedOperand> &reads,
                              DenseI32ArrayAttr &absent) {
  SmallVector<int32_t> positions;
  int32_t position = 0;
  auto parseRead = [&]() -> ParseResult {
    if (succeeded(parser.parseOptionalKeyword("none")))
      positions.push_back(position);
    else if (parser.parseOperand(reads.emplace_back()))
      return failure();
    ++position;
    return success();
  };
  if (parser.parseCommaSeparatedList(parseRead))
    return failure();
  absent = parser.getBuilder().getDenseI32ArrayAttr(positions);
  return success();
}

static void printReads(OpAsmPrinter &printer, DispatchOp dispatch, OperandRange, DenseI32ArrayAttr) {
  llvm::interleaveComma(dispatch.getOrderedReads(), printer, [&](Value read) {
    if (read)
      printer << read;
    else
      printer << "none";
  });
}

#define GET_OP_CLASSES
#include "dialects/Plan/PlanOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

ArenaKind plan::arenaOfRows(Rows rows) {
  switch (rows) {
  case Rows::step:
    return ArenaKind::decode;
  case Rows::prompt:
    return ArenaKind::prompt;
  case Rows::chunk:
  case Rows::output:
    return ArenaKind::chunk;
  }
  llvm_unreachable("all rows have an arena");
}

Checked plan::rowBytes(BufferType type, ActivationEncoding activations) {
  return valueRowBytes(static_cast<schema::Element>(type.getElement()),
                       static_cast<schema::ActivationEncoding>(activations), type.getColumns());
}

std::optional<int64_t> plan::weightBytes(RankedTensorType type) {
  return moe::encodedBytes(type).as<int64_t>();
}

//===----------------------------------------------------------------------===//
// Names of values in text
//===----------------------------------------------------------------------===//

void KvCacheOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getResult(), "kv");
}

void BufferOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getResult(), getName());
}

void WeightOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  StringRef name = getName();
  name.consume_front("blk.*.");
  setName(getResult(), name);
}

//===----------------------------------------------------------------------===//
// Settings
//===----------------------------------------------------------------------===//

SettingsOp SettingsOp::lookup(Operation *op) {
  auto module = op->getParentOfType<ModuleOp>();
  if (!module)
    return {};
  auto settings = module.getOps<SettingsOp>();
  return settings.empty() ? SettingsOp() : *settings.begin();
}

int64_t SettingsOp::getRowCount(Rows rows) {
  switch (rows) {
  case Rows::step:
    return getSequences();
  case Rows::chunk:
    return getChunkTokens();
  case Rows::prompt:
    return getPromptTokens();
  case Rows::output:
    return 1;
  }
  llvm_unreachable("all rows have a count");
}

LogicalResult SettingsOp::verify() {
  if (SettingsOp::lookup(*this) != *this)
    return emitOpError("a module has one plan.settings");
  constexpr uint32_t kMost = std::numeric_limits<int32_t>::max();
  for (auto [name, number] :
       {std::pair("context", getContextPositions()), std::pair("sequences", getSequences()),
        std::pair("prompt_tokens", getPromptTokens()), std::pair("chunk_tokens", getChunkTokens())})
    if (number == 0 || number > kMost)
      return emitOpError() << name << " must be from 1 to " << kMost << ", got " << number;
  if (getChunkTokens() > getPromptTokens() || getPromptTokens() > getContextPositions())
    return emitOpError("chunk_tokens must be at most prompt_tokens, and that at most context");
  return success();
}

//===----------------------------------------------------------------------===//
// Memory and weights
//===----------------------------------------------------------------------===//

unsigned ArenaOp::getSizeCount() {
  switch (getKind()) {
  case ArenaKind::weights:
  case ArenaKind::experts:
  case ArenaKind::staging:
    return 1;
  case ArenaKind::kv:
    return 2;
  case ArenaKind::decode:
  case ArenaKind::prompt:
  case ArenaKind::chunk:
    return 3;
  }
  llvm_unreachable("all arenas have sizes");
}

LogicalResult ArenaOp::verify() {
  if (getBytes().has_value() != getLive().has_value())
    return emitOpError("bytes and live are given together");
  if (!getBytes())
    return success();
  for (SizesAttr sizes : {*getBytes(), *getLive()})
    if (sizes.getValues().size() != getSizeCount())
      return emitOpError() << "an arena of kind " << stringifyArenaKind(getKind()) << " has " << getSizeCount()
                           << " sizes, got " << sizes;
  for (auto [bytes, live] : llvm::zip(getBytes()->getValues(), getLive()->getValues()))
    if (live > bytes)
      return emitOpError() << live << " bytes cannot be live in " << bytes;
  return success();
}

LogicalResult KvCacheOp::verify() {
  if (getBlocks() == 0 || getBlocksPerSequence() == 0 || getBlockPositions() == 0 || getLayers() == 0)
    return emitOpError("layers, blocks, blocks_per_sequence and block_positions must not be zero");
  if (!(Checked(getFirstLayer()) + getLayers()).atMost(std::numeric_limits<int32_t>::max()))
    return emitOpError("the last layer must not be beyond 2^31 - 1");
  SettingsOp settings = SettingsOp::lookup(*this);
  if (!settings)
    return emitOpError("needs the plan.settings of its module");
  if (getBlocks() != uint64_t(settings.getSequences()) * getBlocksPerSequence())
    return emitOpError() << settings.getSequences() << " sequences of " << getBlocksPerSequence()
                         << " blocks do not make " << getBlocks() << " blocks";
  if (uint64_t(getBlocksPerSequence()) * getBlockPositions() < settings.getContextPositions())
    return emitOpError() << "a sequence's blocks have no room for " << settings.getContextPositions() << " positions";
  return success();
}

LogicalResult KvCacheOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto arena = symbols.lookupNearestSymbolFrom<ArenaOp>(*this, getArenaAttr());
  if (!arena || arena.getKind() != ArenaKind::kv)
    return emitOpError() << getArenaAttr() << " is not an arena of kind kv";
  return success();
}

/// How many layers' numbers the name of a weight has.
static size_t countLayerMarks(StringRef name) {
  return name.count('*');
}

LogicalResult TensorOp::verify() {
  if (getName().empty() || countLayerMarks(getName()) > 1)
    return emitOpError("a weight has a name, with at most one * in it");
  if ((countLayerMarks(getName()) == 1) != getLayers().has_value())
    return emitOpError("layers are given if and only if the name has a *");
  if (getLayers() && *getLayers() == 0)
    return emitOpError("the count of layers must not be zero");
  if (!weightBytes(getType()))
    return emitOpError() << "a weight cannot be stored as " << getType();
  if (getTier())
    return success();
  if (!getLayers() || cast<RankedTensorType>(getType()).getRank() != 3)
    return emitOpError("by experts are only matrices of a layer's experts: weights with a * and three dimensions");
  if (getRepack())
    return emitOpError("has no kernel that repacks it: its experts are where plan.experts says");
  return success();
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

LogicalResult ProgramOp::verifyRegions() {
  bool running = false;
  for (Operation &op : getBody().front()) {
    if (!isa<BufferOp, BlockOp, RunOp>(op))
      return op.emitOpError("cannot stand in a plan.program, only buffers, blocks and runs");
    running |= isa<RunOp>(op);
    if (running && !isa<RunOp>(op))
      return op.emitOpError("must stand before the runs of its program");
  }
  if (!running)
    return emitOpError("has no runs");
  return success();
}

bool BlockOp::isLayer() {
  return llvm::any_of(getBody().getOps<WeightOp>(),
                      [](WeightOp weight) { return countLayerMarks(weight.getName()) == 1; });
}

LogicalResult BlockOp::verifyRegions() {
  for (Operation &op : getBody().front())
    if (!isa<WeightOp, BufferOp, StageOp>(op))
      return op.emitOpError("cannot stand in a plan.block, only weights, buffers and stages");
  if (getBody().getOps<StageOp>().empty())
    return emitOpError("has no stages");
  llvm::SmallDenseSet<StringAttr> names;
  for (WeightOp weight : getBody().getOps<WeightOp>()) {
    if ((countLayerMarks(weight.getName()) == 1) != isLayer())
      return weight.emitOpError("of a block that is a layer's has no * in its name");
    if (!names.insert(weight.getNameAttr()).second)
      return weight.emitOpError("stands twice in its block");
  }
  return success();
}

LogicalResult RunOp::verify() {
  if (getLayers() && *getLayers() == 0)
    return emitOpError("the count of layers must not be zero");
  return success();
}

LogicalResult RunOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto block = symbols.lookupNearestSymbolFrom<BlockOp>(*this, getBlockAttr());
  if (!block)
    return emitOpError() << getBlockAttr() << " is not a block of the program";
  if (block.isLayer() != getLayers().has_value())
    return emitOpError() << (block.isLayer() ? "a layer's block runs for layers" : "the block is no layer's");
  return success();
}

LogicalResult StageOp::verifyRegions() {
  for (Operation &op : getBody().front())
    if (!isa<DispatchOp, TransferOp, WaitOp, StreamOp>(op))
      return op.emitOpError("cannot stand in a plan.stage, only dispatches, transfers, waits and streams");

  auto program = (*this)->getParentOfType<ProgramOp>();
  if ((program.getPhase() == Phase::decode) != (getRows() == Rows::step))
    return emitOpError() << "rows " << stringifyRows(getRows()) << " do not exist in a "
                         << stringifyPhase(program.getPhase()) << " program";
  return success();
}

//===----------------------------------------------------------------------===//
// Buffers, weights, dispatches
//===----------------------------------------------------------------------===//

Checked BufferOp::getBytes(ActivationEncoding activations) {
  return rowBytes(getType(), activations) * SettingsOp::lookup(*this).getRowCount(getType().getRows());
}

ArenaOp BufferOp::getArenaOp() {
  return SymbolTable::lookupNearestSymbolFrom<ArenaOp>((*this)->getParentOfType<ModuleOp>(), getArenaAttr());
}

static LogicalResult verifyRole(BufferOp buffer) {
  BufferType type = buffer.getType();
  switch (buffer.getRole()) {
  case Role::intermediate:
    return success();
  case Role::tokens:
  case Role::positions:
  case Role::sequences:
    if (type.getElement() == Element::i32 && type.getColumns() == 1)
      return success();
    return buffer.emitOpError() << "with role " << stringifyRole(buffer.getRole()) << " has one i32 a row";
  case Role::residual:
  case Role::logits:
    if (type.getElement() == Element::f32)
      return success();
    return buffer.emitOpError() << "with role " << stringifyRole(buffer.getRole()) << " has rows of f32";
  }
  llvm_unreachable("all roles have a rule");
}

LogicalResult BufferOp::verify() {
  if (!SettingsOp::lookup(*this))
    return emitOpError("needs the plan.settings of its module");
  bool ofProgram = isa<ProgramOp>((*this)->getParentOp());
  if (ofProgram != (getRole() != Role::intermediate))
    return emitOpError("belongs to a block if its role is intermediate, and to the program if it is not");
  if (failed(verifyRole(*this)))
    return failure();
  Phase phase = (*this)->getParentOfType<ProgramOp>().getPhase();
  if ((phase == Phase::decode) != (getType().getRows() == Rows::step))
    return emitOpError() << "rows " << stringifyRows(getType().getRows()) << " do not exist in a "
                         << stringifyPhase(phase) << " program";
  if (!getOffsets())
    return success();
  if (getOffsets()->getValues().size() != std::size(kActivationEncodings))
    return emitOpError() << "has an offset for i8, i16 and f32, got " << *getOffsets();
  for (int64_t offset : getOffsets()->getValues())
    if (offset % kAlignment != 0)
      return emitOpError() << "offset " << offset << " is not a multiple of " << kAlignment;
  return success();
}

LogicalResult BufferOp::verifySymbolUses(SymbolTableCollection &) {
  ArenaOp arena = getArenaOp();
  ArenaKind kind = arenaOfRows(getType().getRows());
  if (!arena || arena.getKind() != kind)
    return emitOpError() << getArenaAttr() << " is not an arena of kind " << stringifyArenaKind(kind) << ", where "
                         << stringifyRows(getType().getRows()) << " buffers are";
  return success();
}

LogicalResult WeightOp::verify() {
  if (getName().empty() || countLayerMarks(getName()) > 1)
    return emitOpError("a weight has a name, with at most one * in it");
  if (!weightBytes(getType()))
    return emitOpError() << "a weight cannot be stored as " << getType();
  return success();
}

SmallVector<Value> DispatchOp::getOrderedReads() {
  SmallVector<Value> ordered;
  auto present = getReads().begin();
  for (size_t i = 0, count = getReads().size() + getAbsent().size(); i < count; ++i) {
    bool absent = llvm::is_contained(getAbsent(), int32_t(i)) || present == getReads().end();
    ordered.push_back(absent ? Value() : *present++);
  }
  return ordered;
}

bool plan::sees(DeviceKind device, Tier tier) {
  return tier == (device == DeviceKind::host ? Tier::ram : Tier::gpu);
}

bool plan::sees(Rows stage, Rows buffer) {
  if (stage == buffer)
    return true;
  return (stage == Rows::prompt && buffer == Rows::chunk) ||
         ((stage == Rows::chunk || stage == Rows::output) && buffer == Rows::prompt);
}

LogicalResult DispatchOp::verify() {
  // The text cannot say anything else, the generic form can.
  for (auto [index, position] : llvm::enumerate(getAbsent()))
    if (position < 0 || size_t(position) >= getReads().size() + getAbsent().size() ||
        (index != 0 && getAbsent()[index - 1] >= position))
      return emitOpError("absent must have the positions of absent reads, in ascending order");
  auto program = (*this)->getParentOfType<ProgramOp>();
  if ((program.getPhase() == Phase::decode) != (getForm() == Form::few))
    return emitOpError() << "form " << stringifyForm(getForm()) << " does not belong to a "
                         << stringifyPhase(program.getPhase()) << " program";
  Rows stage = cast<StageOp>((*this)->getParentOp()).getRows();
  for (Value operand : getOperands())
    if (auto buffer = dyn_cast<BufferType>(operand.getType()); buffer && !sees(stage, buffer.getRows()))
      return emitOpError() << "a stage over " << stringifyRows(stage) << " rows does not see a buffer of "
                           << stringifyRows(buffer.getRows()) << " rows";
  return verifyOperands(*this);
}
