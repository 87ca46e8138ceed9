// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Conversion/MoeToPlan/EmitProgram.h"

#include <optional>

using namespace mlir;
using namespace strata;
using namespace strata::plan;

namespace {

/// The stages that use a buffer: the first, and whether there are others.
struct BufferUse {
  std::optional<unsigned> stage;
  bool inSeveral = false;
};

class ProgramEmitter {
public:
  ProgramEmitter(OpBuilder &builder, const PlannedProgram &program, const DeviceCaches &caches)
      : builder(builder), program(program), caches(caches),
        form(program.phase == Phase::decode ? Form::few : Form::many) {}

  ProgramOp emit(Location location);

private:
  void emitProgramBuffers(Location location);
  /// True if the host's blocks use one of the program's buffers, or are handed it.
  bool usesOnHost(unsigned buffer) const;
  /// What a block finds at the beginning of its list.
  void takeProgramBuffers(const PlannedBlock &block);
  void emitBlock(const PlannedBlock &block);
  void emitStep(const PlannedDispatch &step);
  void emitDispatch(const PlannedDispatch &dispatch);
  Value emitBuffer(Location location, StringRef name, Role role, Rows rows, int64_t columns, Element element,
                   DeviceKind device);
  Value operand(const PlannedOperand &operand);

  /// For every buffer of the block, who uses it.
  static std::vector<BufferUse> findUses(const PlannedBlock &block);
  Rows rowsOf(const PlannedBlock &block, unsigned buffer, const BufferUse &use) const;

  OpBuilder &builder;
  const PlannedProgram &program;
  const DeviceCaches &caches;
  Form form;
  std::array<std::array<Value, kProgramBuffers>, 2> programBuffers; ///< By DeviceKind.
  SmallVector<Value> buffers;                                       ///< Of the program, then of the running block.
  DeviceKind device = DeviceKind::host;                             ///< Of the running block.
  llvm::DenseMap<Operation *, Value> weights;
  SmallVector<Value> events; ///< Of the running block.
};

std::vector<BufferUse> ProgramEmitter::findUses(const PlannedBlock &block) {
  std::vector<BufferUse> uses(block.buffers.size());
  for (auto [number, stage] : llvm::enumerate(block.stages))
    for (const PlannedDispatch &dispatch : stage.dispatches)
      for (const auto *operands : {&dispatch.reads, &dispatch.writes})
        for (const PlannedOperand &operand : *operands) {
          if (operand.kind != PlannedOperand::Kind::Buffer)
            continue;
          BufferUse &use = uses[operand.buffer];
          use.inSeveral |= use.stage && *use.stage != number;
          use.stage = number;
        }
  return uses;
}

Rows ProgramEmitter::rowsOf(const PlannedBlock &block, unsigned buffer, const BufferUse &use) const {
  if (program.phase == Phase::decode)
    return Rows::step;
  if (block.buffers[buffer].chunkScratch)
    return Rows::chunk;
  return use.inSeveral ? Rows::prompt : block.stages[*use.stage].rows;
}

Value ProgramEmitter::emitBuffer(Location location, StringRef name, Role role, Rows rows, int64_t columns,
                                 Element element, DeviceKind owner) {
  auto type = BufferType::get(builder.getContext(), rows, columns, element);
  std::string arenaSymbol = arenaName(arenaOfRows(rows), owner != program.device);
  return BufferOp::create(builder, location, type, builder.getStringAttr(name),
                          RoleAttr::get(builder.getContext(), role),
                          FlatSymbolRefAttr::get(builder.getContext(), arenaSymbol), SizesAttr());
}

bool ProgramEmitter::usesOnHost(unsigned buffer) const {
  for (const PlannedBlock &block : program.blocks)
    for (const PlannedStage &stage : block.stages)
      for (const PlannedDispatch &dispatch : stage.dispatches)
        for (const auto *operands : {&dispatch.reads, &dispatch.writes})
          for (const PlannedOperand &operand : *operands) {
            if (operand.kind != PlannedOperand::Kind::Buffer)
              continue;
            bool handed = buffer == kResidual && operand.buffer == kHandedResidual;
            if (handed || (operand.buffer == buffer && block.device == DeviceKind::host))
              return true;
          }
  return false;
}

void ProgramEmitter::emitProgramBuffers(Location location) {
  bool decode = program.phase == Phase::decode;
  Rows rows = decode ? Rows::step : Rows::prompt;
  DeviceKind first = program.blocks.front().device, last = program.blocks.back().device;
  auto emit = [&](ProgramBuffer which, Role role, DeviceKind owner, Rows bufferRows, int64_t columns, Element element) {
    auto on = [&](DeviceKind one, StringRef suffix) {
      programBuffers[static_cast<size_t>(one)][which] =
          emitBuffer(location, (stringifyRole(role) + suffix).str(), role, bufferRows, columns, element, one);
    };
    on(owner, "");
    // Tokens and logits are where they are read and written; the others belong to every device with layers.
    if (owner != DeviceKind::host && which != kTokens && which != kLogits && usesOnHost(which))
      on(DeviceKind::host, ".host");
  };
  emit(kTokens, Role::tokens, program.tokens, rows, 1, Element::i32);
  emit(kPositions, Role::positions, first, rows, 1, Element::i32);
  emit(kSequences, Role::sequences, first, rows, 1, Element::i32);
  emit(kResidual, Role::residual, first, rows, program.embedding, Element::f32);
  emit(kLogits, Role::logits, last, decode ? Rows::step : Rows::output, program.vocabulary, Element::f32);
}

void ProgramEmitter::takeProgramBuffers(const PlannedBlock &block) {
  device = block.device;
  const auto &own = programBuffers[static_cast<size_t>(device)];
  buffers.assign(own.begin(), own.end());
  buffers[kTokens] = programBuffers[static_cast<size_t>(program.tokens)][kTokens];
  buffers[kHandedResidual] = programBuffers[static_cast<size_t>(DeviceKind::host)][kResidual];
}

Value ProgramEmitter::operand(const PlannedOperand &operand) {
  switch (operand.kind) {
  case PlannedOperand::Kind::None:
    return {};
  case PlannedOperand::Kind::Buffer:
    return buffers[operand.buffer];
  case PlannedOperand::Kind::Weight: {
    moe::WeightOp weight = operand.weight;
    return weights.lookup(weight);
  }
  case PlannedOperand::Kind::Kv:
    return caches[static_cast<size_t>(device)];
  }
  llvm_unreachable("all kinds have an operand");
}

void ProgramEmitter::emitStep(const PlannedDispatch &step) {
  MLIRContext *context = builder.getContext();
  auto read = [&](size_t index) { return operand(step.reads[index]); };
  switch (step.kind) {
  case OperationKind::transfer:
    events.push_back(
        TransferOp::create(builder, step.location, EventType::get(context), read(0), operand(step.writes[0])));
    return;
  case OperationKind::wait:
    WaitOp::create(builder, step.location, events[step.event], DeviceKindAttr::get(context, step.device));
    return;
  case OperationKind::stream:
    StreamOp::create(builder, step.location, read(0), read(1), read(2), FlatSymbolRefAttr::get(context, program.ring),
                     FlatSymbolRefAttr::get(context, program.staging));
    return;
  default:
    emitDispatch(step);
  }
}

void ProgramEmitter::emitDispatch(const PlannedDispatch &dispatch) {
  SmallVector<Value> reads, writes;
  SmallVector<int32_t> absent;
  for (auto [position, read] : llvm::enumerate(dispatch.reads)) {
    if (Value value = operand(read))
      reads.push_back(value);
    else
      absent.push_back(position);
  }
  for (const PlannedOperand &write : dispatch.writes)
    writes.push_back(operand(write));
  MLIRContext *context = builder.getContext();
  DispatchOp::create(builder, dispatch.location, OperationKindAttr::get(context, dispatch.kind),
                     FormAttr::get(context, form), DeviceKindAttr::get(context, dispatch.device), reads,
                     builder.getDenseI32ArrayAttr(absent), dispatch.parameters, writes, /*schedules=*/ArrayAttr(),
                     /*kernels=*/ArrayAttr());
}

void ProgramEmitter::emitBlock(const PlannedBlock &block) {
  OpBuilder::InsertionGuard guard(builder);
  auto op = BlockOp::create(builder, block.location, builder.getStringAttr(block.name));
  builder.createBlock(&op.getBody());
  takeProgramBuffers(block);
  for (const PlannedStage &stage : block.stages)
    for (const PlannedDispatch &dispatch : stage.dispatches)
      for (const PlannedOperand &read : dispatch.reads) {
        moe::WeightOp weight = read.weight;
        if (!weight || weights.contains(weight))
          continue;
        weights[weight] = WeightOp::create(builder, weight.getLoc(), weight.getType(), weight.getNameAttr());
      }
  std::vector<BufferUse> uses = findUses(block);
  for (unsigned buffer = kProgramBuffers; buffer < block.buffers.size(); ++buffer) {
    const PlannedBuffer &planned = block.buffers[buffer];
    Value value;
    if (uses[buffer].stage)
      value = emitBuffer(block.location, planned.name, Role::intermediate, rowsOf(block, buffer, uses[buffer]),
                         planned.columns, planned.element, planned.device);
    buffers.push_back(value);
  }
  for (const PlannedStage &stage : block.stages) {
    auto stageOp = StageOp::create(builder, block.location, RowsAttr::get(builder.getContext(), stage.rows));
    OpBuilder::InsertionGuard stageGuard(builder);
    builder.createBlock(&stageOp.getBody());
    for (const PlannedDispatch &dispatch : stage.dispatches)
      emitStep(dispatch);
  }
  weights.clear();
  events.clear();
}

ProgramOp ProgramEmitter::emit(Location location) {
  OpBuilder::InsertionGuard guard(builder);
  auto op = ProgramOp::create(builder, location, builder.getStringAttr(stringifyPhase(program.phase) + "_step"),
                              PhaseAttr::get(builder.getContext(), program.phase));
  builder.createBlock(&op.getBody());
  emitProgramBuffers(location);
  for (const PlannedBlock &block : program.blocks)
    emitBlock(block);
  for (const PlannedRun &run : program.runs) {
    auto number = [&](uint32_t value) { return run.count ? builder.getI32IntegerAttr(value) : IntegerAttr(); };
    RunOp::create(builder, location, FlatSymbolRefAttr::get(builder.getContext(), run.block), number(run.first),
                  number(run.count));
  }
  return op;
}

} // namespace

std::string strata::arenaName(ArenaKind kind, bool besideGpu) {
  return (stringifyArenaKind(kind) + (besideGpu ? "_host" : "")).str();
}

ProgramOp strata::emitProgram(OpBuilder &builder, Location location, const PlannedProgram &program,
                              const DeviceCaches &caches) {
  return ProgramEmitter(builder, program, caches).emit(location);
}
