// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Artifact/Sections.h"

#include "dialects/Moe/MoeTypes.h"

#include "llvm/ADT/DenseMap.h"

#include <fmt/format.h>

namespace strata {

namespace {

/// Writes one program; remembers which value, weight slot and block a handle of the dialect became.
class ProgramWriter {
public:
  ProgramWriter(plan::ProgramOp program, const TensorSection &tensors, const SymbolIndices &symbolIndices)
      : source(program), tensorSection(tensors), indices(symbolIndices) {}

  Result<schema::ProgramT> write();

private:
  Result<void> addBuffer(plan::BufferOp buffer);
  Result<void> addBlock(plan::BlockOp block);
  Result<void> addRun(plan::RunOp run);
  Result<schema::Operand> operandOf(mlir::Value handle) const;
  Result<std::unique_ptr<schema::DispatchT>> dispatchOf(plan::DispatchOp dispatch) const;
  Result<std::unique_ptr<schema::DispatchT>> stepOf(mlir::Operation &step);

  plan::ProgramOp source;
  const TensorSection &tensorSection;
  const SymbolIndices &indices;
  schema::ProgramT program;
  llvm::DenseMap<mlir::Value, uint32_t> values;
  llvm::DenseMap<mlir::Value, uint32_t> slots;
  llvm::DenseMap<mlir::Value, uint32_t> events; ///< Of the running stage.
  llvm::StringMap<uint32_t> blocks;
};

} // namespace

Result<void> ProgramWriter::addBuffer(plan::BufferOp buffer) {
  auto type = mlir::cast<plan::BufferType>(buffer.getResult().getType());
  if (!buffer.getOffsets())
    return planError(fmt::format("buffer \"{}\" has no offset", buffer.getName().str()));
  auto value = std::make_unique<schema::ValueT>();
  value->name = buffer.getName().str();
  value->role = mirror<schema::Role>(buffer.getRole());
  value->rows = mirror<schema::Rows>(type.getRows());
  value->element = mirror<schema::Element>(type.getElement());
  value->columns = static_cast<uint64_t>(type.getColumns());
  value->arena = indices.arenas.lookup(buffer.getArena());
  for (int64_t offset : buffer.getOffsets()->getValues())
    value->offsets.push_back(static_cast<uint64_t>(offset));
  values[buffer.getResult()] = static_cast<uint32_t>(program.values.size());
  program.values.push_back(std::move(value));
  return {};
}

Result<schema::Operand> ProgramWriter::operandOf(mlir::Value handle) const {
  if (!handle)
    return schema::Operand(schema::OperandKind::none, 0);
  if (mlir::isa<plan::KvType>(handle.getType()))
    return schema::Operand(schema::OperandKind::kv, 0);
  if (auto value = values.find(handle); value != values.end())
    return schema::Operand(schema::OperandKind::value, value->second);
  if (auto slot = slots.find(handle); slot != slots.end())
    return schema::Operand(schema::OperandKind::weight, slot->second);
  return planError("an operand of a dispatch is neither a buffer nor a weight of its block");
}

/// The name that an op's location carries, for the runtime's messages.
static std::string locationName(mlir::Location location) {
  std::string name;
  location->walk([&](mlir::Location part) {
    auto named = mlir::dyn_cast<mlir::NameLoc>(part);
    if (!named)
      return mlir::WalkResult::advance();
    name = named.getName().str();
    return mlir::WalkResult::interrupt();
  });
  return name;
}

Result<std::unique_ptr<schema::DispatchT>> ProgramWriter::dispatchOf(plan::DispatchOp dispatch) const {
  auto entry = std::make_unique<schema::DispatchT>();
  entry->operation = mirror<schema::Operation>(dispatch.getKind());
  entry->form = mirror<schema::Form>(dispatch.getForm());
  entry->device = mirror<schema::DeviceKind>(dispatch.getDevice());
  for (mlir::Value read : dispatch.getOrderedReads()) {
    STRATA_ASSIGN(schema::Operand operand, operandOf(read));
    entry->reads.push_back(operand);
  }
  for (mlir::Value write : dispatch.getWrites()) {
    STRATA_ASSIGN(schema::Operand operand, operandOf(write));
    entry->writes.push_back(operand);
  }
  entry->parameters = parametersOf(dispatch);
  entry->location = locationName(dispatch.getLoc());
  if (dispatch.getKernels())
    for (auto kernel : dispatch.getKernels()->getAsRange<mlir::FlatSymbolRefAttr>())
      entry->kernels.push_back(indices.kernels.lookup(kernel.getValue()));
  return entry;
}

/// A dispatch, or what the schema writes like one: a transfer, a wait, a stream.
Result<std::unique_ptr<schema::DispatchT>> ProgramWriter::stepOf(mlir::Operation &step) {
  if (auto dispatch = mlir::dyn_cast<plan::DispatchOp>(step))
    return dispatchOf(dispatch);
  auto entry = std::make_unique<schema::DispatchT>();
  entry->form = program.phase == schema::Phase::decode ? schema::Form::few : schema::Form::many;
  entry->location = locationName(step.getLoc());
  schema::EventParametersT event;
  if (auto transfer = mlir::dyn_cast<plan::TransferOp>(step)) {
    entry->operation = schema::Operation::transfer;
    entry->device = mirror<schema::DeviceKind>(transfer.getDevice());
    STRATA_ASSIGN(schema::Operand source, operandOf(transfer.getSource()));
    STRATA_ASSIGN(schema::Operand destination, operandOf(transfer.getDestination()));
    entry->reads.push_back(source);
    entry->writes.push_back(destination);
    event.event = static_cast<uint32_t>(events.size());
    events[transfer.getEvent()] = event.event;
    entry->parameters.Set(std::move(event));
  } else if (auto wait = mlir::dyn_cast<plan::WaitOp>(step)) {
    entry->operation = schema::Operation::wait;
    entry->device = mirror<schema::DeviceKind>(wait.getDevice());
    event.event = events.lookup(wait.getEvent());
    entry->parameters.Set(std::move(event));
  } else {
    auto stream = mlir::cast<plan::StreamOp>(step);
    entry->operation = schema::Operation::stream;
    entry->device = schema::DeviceKind::gpu;
    for (mlir::Value weight : stream.getOperands()) {
      STRATA_ASSIGN(schema::Operand operand, operandOf(weight));
      entry->reads.push_back(operand);
    }
    schema::StreamParametersT arenas;
    arenas.ring = indices.arenas.lookup(stream.getRing());
    arenas.staging = indices.arenas.lookup(stream.getStaging());
    entry->parameters.Set(std::move(arenas));
  }
  return entry;
}

Result<void> ProgramWriter::addBlock(plan::BlockOp block) {
  auto entry = std::make_unique<schema::BlockT>();
  entry->name = block.getSymName().str();
  for (auto weight : block.getOps<plan::WeightOp>()) {
    auto type = mlir::cast<mlir::RankedTensorType>(weight.getResult().getType());
    auto slot = std::make_unique<schema::WeightSlotT>();
    slot->name = weight.getName().str();
    slot->encoding = static_cast<uint32_t>(*moe::encodingOf(type.getElementType()));
    slot->dimensions.assign(type.getShape().begin(), type.getShape().end());
    slots[weight.getResult()] = static_cast<uint32_t>(entry->weights.size());
    entry->weights.push_back(std::move(slot));
  }
  for (auto buffer : block.getOps<plan::BufferOp>())
    STRATA_TRY(addBuffer(buffer));
  for (auto stage : block.getOps<plan::StageOp>()) {
    auto stageEntry = std::make_unique<schema::StageT>();
    stageEntry->rows = mirror<schema::Rows>(stage.getRows());
    events.clear();
    for (mlir::Operation &step : stage.getBody().front()) {
      STRATA_ASSIGN(auto dispatchEntry, stepOf(step));
      stageEntry->dispatches.push_back(std::move(dispatchEntry));
    }
    entry->stages.push_back(std::move(stageEntry));
  }
  blocks[entry->name] = static_cast<uint32_t>(program.blocks.size());
  program.blocks.push_back(std::move(entry));
  return {};
}

Result<void> ProgramWriter::addRun(plan::RunOp run) {
  auto entry = std::make_unique<schema::RunT>();
  entry->block = blocks.lookup(run.getBlock());
  entry->per_layer = run.getLayers().has_value();
  entry->first_layer = run.getFirstLayer().value_or(0);
  entry->layers = run.getLayers().value_or(1);
  const schema::BlockT &block = *program.blocks[entry->block];
  for (uint32_t layer = entry->first_layer; layer < entry->first_layer + entry->layers; ++layer)
    for (const auto &slot : block.weights) {
      std::string name = nameInLayer(slot->name, layer);
      std::optional<uint32_t> tensor = tensorSection.find(name);
      if (!tensor)
        return planError(fmt::format("block \"{}\" uses \"{}\", which the weight table lacks", block.name, name));
      const schema::TensorT &found = *tensorSection.tensors[*tensor];
      if (found.encoding != slot->encoding || found.dimensions != slot->dimensions)
        return planError(fmt::format("block \"{}\" uses \"{}\" with another type than it has", block.name, name));
      entry->tensors.push_back(*tensor);
    }
  program.runs.push_back(std::move(entry));
  return {};
}

Result<schema::ProgramT> ProgramWriter::write() {
  program.phase = mirror<schema::Phase>(source.getPhase());
  for (auto buffer : source.getOps<plan::BufferOp>())
    STRATA_TRY(addBuffer(buffer));
  for (auto block : source.getOps<plan::BlockOp>())
    STRATA_TRY(addBlock(block));
  for (auto run : source.getOps<plan::RunOp>())
    STRATA_TRY(addRun(run));
  return std::move(program);
}

Result<schema::ProgramT> programSection(plan::ProgramOp program, const TensorSection &tensors,
                                        const SymbolIndices &indices) {
  return ProgramWriter(program, tensors, indices).write();
}

} // namespace strata
