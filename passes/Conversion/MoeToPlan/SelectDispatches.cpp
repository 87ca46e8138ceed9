// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Conversion/MoeToPlan/SelectDispatches.h"

#include "dialects/Plan/OperandRules.h"
#include "runtime/Base/Checked.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace strata;
using namespace strata::plan;

namespace {

/// "attn_q_a" for the weight "blk.*.attn_q_a.weight".
StringRef shortName(moe::WeightOp weight) {
  StringRef name = weight.getName();
  name.consume_front("blk.*.");
  name.consume_back(".weight");
  return name;
}

int64_t columnsOf(Value rows) {
  return cast<RankedTensorType>(rows.getType()).getShape().back();
}

class Selector {
public:
  Selector(const BlockSource &source, const SelectionSettings &settings)
      : source(source), settings(settings), block{source.name, source.location, settings.device, {}, {}},
        device(settings.device) {
    block.buffers.resize(kProgramBuffers);
    block.stages.push_back({source.rows, {}});
    if (source.tokens)
      place(source.tokens, kTokens);
    if (source.input)
      place(source.input, kResidual);
    holder = source.input;
  }

  FailureOr<PlannedBlock> run();
  int64_t sharedQuantiseCount = 0;

private:
  // ---- Values and buffers -------------------------------------------------------------------------------------------

  void place(Value value, unsigned buffer) { places[value] = {buffer, unsigned(block.stages.size() - 1)}; }

  /// A buffer of the device that computes the next dispatch.
  unsigned addBuffer(StringRef name, Element element, int64_t columns, bool chunkScratch = false) {
    unsigned &uses = nameUses[name];
    std::string unique = uses == 0 ? name.str() : (name + "_" + Twine(uses)).str();
    ++uses;
    block.buffers.push_back({unique, columns, element, chunkScratch, device});
    return block.buffers.size() - 1;
  }
  /// A buffer of its own for the value.
  PlannedOperand newRows(Value value, StringRef name, Element element = Element::f32) {
    unsigned buffer = addBuffer(name, element, columnsOf(value));
    place(value, buffer);
    return PlannedOperand::of(buffer);
  }
  /// A buffer for a result: the residual's or the block's own result's, if the value that is there is dead, or its own.
  PlannedOperand result(Operation *op, Value value, StringRef name, Value residual = {});
  /// True if nothing reads what the residual's buffer holds after `op`, which may read it once, as a residual.
  bool residualIsFree(Operation *op, Value residual);

  PlannedOperand rows(Value value) { return PlannedOperand::of(places.lookup(value).buffer); }
  PlannedOperand quantised(Value value, Location location);
  /// What a product with these weights reads for `value`.
  PlannedOperand productRows(Value value, Value weight, Location location) {
    return takesActivations(cast<RankedTensorType>(weight.getType())) ? quantised(value, location) : rows(value);
  }

  PlannedOperand weight(Value value) {
    auto op = value ? value.getDefiningOp<moe::WeightOp>() : moe::WeightOp();
    return op ? PlannedOperand::of(op) : PlannedOperand::none();
  }
  StringRef nameOf(Value weight, StringRef otherwise) {
    auto op = weight.getDefiningOp<moe::WeightOp>();
    return op ? shortName(op) : otherwise;
  }

  // ---- Dispatches ---------------------------------------------------------------------------------------------------

  void add(OperationKind kind, Location location, std::vector<PlannedOperand> reads, std::vector<PlannedOperand> writes,
           Attribute parameters = {}) {
    block.stages.back().dispatches.push_back(
        {kind, std::move(reads), std::move(writes), parameters, location, device, 0});
  }
  /// A buffer on another device with the same rows.
  PlannedOperand twin(PlannedOperand operand, DeviceKind owner) {
    PlannedBuffer buffer = block.buffers[operand.buffer];
    std::string name = buffer.name + "." + stringifyDeviceKind(owner).str();
    PlannedOperand result = PlannedOperand::of(addBuffer(name, buffer.element, buffer.columns, buffer.chunkScratch));
    block.buffers.back().device = owner;
    return result;
  }
  /// Copies rows; gives the transfer's event. The device that has them copies.
  unsigned transfer(PlannedOperand from, PlannedOperand to, DeviceKind owner, Location location) {
    block.stages.back().dispatches.push_back(
        {OperationKind::transfer, {from}, {to}, Attribute(), location, owner, eventCount});
    return eventCount++;
  }
  void wait(unsigned event, DeviceKind waiting, Location location) {
    block.stages.back().dispatches.push_back({OperationKind::wait, {}, {}, Attribute(), location, waiting, event});
  }
  /// From here on dispatches run over these rows.
  void enterStage(Rows stageRows) {
    if (block.stages.back().rows != stageRows)
      block.stages.push_back({stageRows, {}});
  }

  LogicalResult select(Operation *op);
  LogicalResult selectMatmul(Operation *op, Value input, Value matrix, Value residual);
  LogicalResult selectHeadMatmul(Operation *op, Value input, Value matrices, uint32_t heads);
  LogicalResult select(moe::EmbedOp op);
  LogicalResult select(moe::RmsNormOp op);
  LogicalResult select(moe::AddOp op);
  LogicalResult select(moe::GatedMatmulOp op);
  LogicalResult select(moe::QueryRopeOp op);
  LogicalResult select(moe::KvAppendOp op);
  LogicalResult select(moe::LatentAttentionOp op);
  LogicalResult select(moe::RouteOp op);
  LogicalResult select(moe::GroupedExpertsOp op);
  LogicalResult selectExpertsStep(moe::GroupedExpertsOp op, ExpertParametersAttr parameters);
  /// The experts of a step on both devices.
  LogicalResult selectSplitExperts(moe::GroupedExpertsOp op, ExpertParametersAttr parameters);
  /// The hidden rows of experts and, quantised if the down weights ask for it, what the down products read.
  PlannedOperand selectHidden(moe::GroupedExpertsOp op, PlannedOperand input, PlannedOperand ids, bool withShared,
                              ExpertParametersAttr parameters);
  PlannedOperand newRows(StringRef name, Element element, int64_t columns) {
    return PlannedOperand::of(addBuffer(name, element, columns));
  }
  /// The scratch of a prompt's experts on the device, which they read and write.
  std::vector<PlannedOperand> promptScratch(moe::GroupedExpertsOp op, ExpertParametersAttr parameters);
  /// A prompt's routed experts on a GPU beside the host, which computes the rest of the layer.
  LogicalResult selectGpuExperts(moe::GroupedExpertsOp op, ExpertParametersAttr parameters);
  /// What the shared expert's down product reads.
  PlannedOperand selectShared(moe::GroupedExpertsOp op, PlannedOperand input, ExpertParametersAttr parameters);
  LogicalResult selectExpertsPrompt(moe::GroupedExpertsOp op, ExpertParametersAttr parameters);
  LogicalResult checkSameProduct(Operation *op, ArrayRef<Value> weights);

  FloatAttr f32(float value) { return Builder(source.location.getContext()).getF32FloatAttr(value); }
  MLIRContext *context() { return source.location.getContext(); }

  struct Place {
    unsigned buffer = 0;
    unsigned stage = 0;
  };
  const BlockSource &source;
  const SelectionSettings &settings;
  PlannedBlock block;
  llvm::DenseMap<Value, Place> places;
  llvm::DenseMap<Value, unsigned> activations;
  llvm::StringMap<unsigned> nameUses;
  Value holder;      ///< Whose rows the residual's buffer has now.
  DeviceKind device; ///< Of the next dispatch.
  unsigned eventCount = 0;
};

bool Selector::residualIsFree(Operation *op, Value residual) {
  if (!holder)
    return true;
  unsigned usesHere = 0;
  for (OpOperand &use : holder.getUses()) {
    if (use.getOwner() == op)
      ++usesHere;
    else if (!use.getOwner()->isBeforeInBlock(op))
      return false;
  }
  return usesHere == 0 || (usesHere == 1 && residual == holder);
}

PlannedOperand Selector::result(Operation *op, Value value, StringRef name, Value residual) {
  if (value == source.result && source.resultBuffer != kResidual) {
    place(value, source.resultBuffer);
    return PlannedOperand::of(source.resultBuffer);
  }
  bool carries = value == source.result || (residual && residual == holder);
  if (!carries || !residualIsFree(op, residual))
    return newRows(value, name);
  place(value, kResidual);
  holder = value;
  return PlannedOperand::of(kResidual);
}

PlannedOperand Selector::quantised(Value value, Location location) {
  auto [found, isNew] = activations.try_emplace(value, 0);
  if (!isNew) {
    ++sharedQuantiseCount;
    return PlannedOperand::of(found->second);
  }
  Place from = places.lookup(value);
  std::string name = from.buffer < kProgramBuffers ? "residual" : block.buffers[from.buffer].name;
  found->second = addBuffer(name + ".quantised", Element::activation, columnsOf(value));
  block.buffers.back().device = settings.device;
  // A later stage reads the activation, not the f32 rows: those then need not outlive their own stage.
  block.stages[from.stage].dispatches.push_back({OperationKind::quantise,
                                                 {PlannedOperand::of(from.buffer)},
                                                 {PlannedOperand::of(found->second)},
                                                 Attribute(),
                                                 location,
                                                 settings.device,
                                                 0});
  return PlannedOperand::of(found->second);
}

LogicalResult Selector::checkSameProduct(Operation *op, ArrayRef<Value> weights) {
  for (Value weight : weights)
    if (weight && takesActivations(cast<RankedTensorType>(weight.getType())) !=
                      takesActivations(cast<RankedTensorType>(weights.front().getType())))
      return op->emitError(
          "cannot be one dispatch: some of its weights are quantised in blocks and some are not, but they "
          "multiply the same rows; quantise the model again with one type for them");
  return success();
}

LogicalResult Selector::select(moe::EmbedOp op) {
  PlannedOperand tokens = rows(op.getTokens());
  PlannedOperand embedded = result(op, op.getResult(), "embedding");
  if (!settings.hostEmbedding) {
    add(OperationKind::embed, op.getLoc(), {tokens, weight(op.getWeight())}, {embedded});
    return success();
  }
  device = DeviceKind::host;
  PlannedOperand onHost = newRows("embedding.host", Element::f32, columnsOf(op.getResult()));
  add(OperationKind::embed, op.getLoc(), {tokens, weight(op.getWeight())}, {onHost});
  device = settings.device;
  wait(transfer(onHost, embedded, DeviceKind::host, op.getLoc()), device, op.getLoc());
  return success();
}

LogicalResult Selector::select(moe::RmsNormOp op) {
  PlannedOperand input = rows(op.getInput());
  add(OperationKind::rms_norm, op.getLoc(), {input, weight(op.getWeight())},
      {result(op, op.getResult(), nameOf(op.getWeight(), "norm"))},
      NormParametersAttr::get(context(), f32(op.getEpsilon())));
  return success();
}

LogicalResult Selector::select(moe::AddOp op) {
  PlannedOperand lhs = rows(op.getLhs()), rhs = rows(op.getRhs());
  Value residual = op.getLhs() == holder ? op.getLhs() : op.getRhs();
  add(OperationKind::add, op.getLoc(), {lhs, rhs}, {result(op, op.getResult(), "sum", residual)});
  return success();
}

LogicalResult Selector::selectMatmul(Operation *op, Value input, Value matrix, Value residual) {
  PlannedOperand product = productRows(input, matrix, op->getLoc());
  PlannedOperand addend = residual ? rows(residual) : PlannedOperand::none();
  PlannedOperand target = result(op, op->getResult(0), nameOf(matrix, "product"), residual);
  add(OperationKind::matmul, op->getLoc(), {product, weight(matrix), addend}, {target});
  return success();
}

LogicalResult Selector::selectHeadMatmul(Operation *op, Value input, Value matrices, uint32_t heads) {
  PlannedOperand product = productRows(input, matrices, op->getLoc());
  PlannedOperand target = result(op, op->getResult(0), nameOf(matrices, "product"));
  add(OperationKind::head_matmul, op->getLoc(), {product, weight(matrices)}, {target},
      HeadParametersAttr::get(context(), heads));
  return success();
}

LogicalResult Selector::select(moe::GatedMatmulOp op) {
  if (failed(checkSameProduct(op, {op.getGate(), op.getUp()})))
    return failure();
  PlannedOperand product = productRows(op.getInput(), op.getGate(), op.getLoc());
  add(OperationKind::gated_matmul, op.getLoc(), {product, weight(op.getGate()), weight(op.getUp())},
      {result(op, op.getResult(), nameOf(op.getGate(), "hidden"))});
  return success();
}

LogicalResult Selector::select(moe::QueryRopeOp op) {
  PlannedOperand query = rows(op.getQuery());
  auto parameters =
      RopeParametersAttr::get(context(), op.getHeads(), op.getNope(), op.getFrequenciesAttr(), f32(op.getMagnitude()));
  add(OperationKind::query_rope, op.getLoc(), {query, PlannedOperand::of(kPositions)},
      {newRows(op.getNopeQuery(), "query_nope"), newRows(op.getRopeQuery(), "query_rope")}, parameters);
  return success();
}

LogicalResult Selector::select(moe::KvAppendOp op) {
  auto parameters =
      KvAppendParametersAttr::get(context(), f32(op.getEpsilon()), op.getFrequenciesAttr(), f32(op.getMagnitude()));
  add(OperationKind::kv_append, op.getLoc(),
      {rows(op.getKvA()), weight(op.getNorm()), PlannedOperand::of(kPositions), PlannedOperand::of(kSequences)},
      {PlannedOperand::kv()}, parameters);
  return success();
}

LogicalResult Selector::select(moe::LatentAttentionOp op) {
  auto parameters = AttentionParametersAttr::get(context(), op.getHeads(), f32(op.getScale()), settings.splitPositions);
  std::vector<PlannedOperand> reads = {rows(op.getLatentQuery()), rows(op.getRopeQuery()), PlannedOperand::kv(),
                                       PlannedOperand::of(kPositions), PlannedOperand::of(kSequences)};
  if (settings.phase == Phase::prompt) {
    add(OperationKind::attention, op.getLoc(), std::move(reads), {newRows(op.getResult(), "attention")}, parameters);
    return success();
  }
  int64_t latent = columnsOf(op.getResult()) / op.getHeads();
  uint64_t splits = llvm::divideCeil(uint64_t(settings.context), settings.splitPositions);
  std::optional<int64_t> columns = (Checked(op.getHeads()) * splits * (Checked(latent) + 2)).as<int64_t>();
  if (!columns)
    return op.emitError("has too many partial results; choose a smaller --context");
  PlannedOperand partial = PlannedOperand::of(addBuffer("attention.splits", Element::f32, *columns));
  add(OperationKind::attention_splits, op.getLoc(), std::move(reads), {partial}, parameters);
  add(OperationKind::attention_combine, op.getLoc(), {partial, PlannedOperand::of(kPositions)},
      {newRows(op.getResult(), "attention")}, parameters);
  return success();
}

LogicalResult Selector::select(moe::RouteOp op) {
  auto gate = static_cast<Gate>(static_cast<uint32_t>(op.getGate()));
  auto parameters = RouteParametersAttr::get(context(), gate, op.getGroups(), op.getGroupsUsed(), op.getExpertsUsed(),
                                             f32(op.getScale()), Builder(context()).getBoolAttr(op.getNormalise()));
  PlannedOperand logits = rows(op.getLogits());
  add(OperationKind::route, op.getLoc(), {logits, weight(op.getBias())},
      {newRows(op.getIds(), "expert_ids", Element::i32), newRows(op.getWeights(), "expert_weights")}, parameters);
  return success();
}

LogicalResult Selector::select(moe::GroupedExpertsOp op) {
  if (failed(checkSameProduct(op, {op.getGate(), op.getUp(), op.getSharedGate(), op.getSharedUp()})) ||
      failed(checkSameProduct(op, {op.getDown(), op.getSharedDown()})))
    return failure();
  ArrayRef<int64_t> gate = cast<RankedTensorType>(op.getGate().getType()).getShape();
  int64_t shared = op.getSharedGate() ? cast<RankedTensorType>(op.getSharedGate().getType()).getDimSize(0) : 0;
  int64_t used = columnsOf(op.getIds());
  for (int64_t size : {gate[0], gate[1], shared, used})
    if (!Checked(size).as<uint32_t>())
      return op.emitError("has sizes beyond 32 bits");
  auto parameters = ExpertParametersAttr::get(context(), gate[0], used, gate[1], shared);
  if (settings.phase == Phase::prompt)
    return selectExpertsPrompt(op, parameters);
  return settings.hostExperts ? selectSplitExperts(op, parameters) : selectExpertsStep(op, parameters);
}

PlannedOperand Selector::selectHidden(moe::GroupedExpertsOp op, PlannedOperand input, PlannedOperand ids,
                                      bool withShared, ExpertParametersAttr parameters) {
  StringRef suffix = device == settings.device ? "" : ".host";
  Checked columns = Checked(parameters.getExpertsUsed()) * parameters.getWidth() + parameters.getSharedWidth();
  PlannedOperand hidden = newRows(("expert_hidden" + suffix).str(), Element::f32, columns.value());
  add(OperationKind::experts_gate_up, op.getLoc(),
      {input, ids, weight(op.getGate()), weight(op.getUp()), withShared ? weight(op.getSharedGate()) : PlannedOperand(),
       withShared ? weight(op.getSharedUp()) : PlannedOperand()},
      {hidden}, parameters);
  if (!takesActivations(cast<RankedTensorType>(op.getDown().getType())))
    return hidden;
  PlannedOperand product =
      newRows(("expert_hidden" + suffix + ".quantised").str(), Element::activation, columns.value());
  add(OperationKind::quantise, op.getLoc(), {hidden}, {product});
  return product;
}

PlannedOperand Selector::selectShared(moe::GroupedExpertsOp op, PlannedOperand input, ExpertParametersAttr parameters) {
  if (!op.getSharedGate())
    return {};
  Location location = op.getLoc();
  PlannedOperand hidden = newRows("shared_hidden", Element::f32, parameters.getSharedWidth());
  add(OperationKind::gated_matmul, location, {input, weight(op.getSharedGate()), weight(op.getSharedUp())}, {hidden});
  if (!takesActivations(cast<RankedTensorType>(op.getSharedDown().getType())))
    return hidden;
  PlannedOperand product = newRows("shared_hidden.quantised", Element::activation, parameters.getSharedWidth());
  add(OperationKind::quantise, location, {hidden}, {product});
  return product;
}

/// The host gets what it needs, both compute, and the host's sum comes back. In program order the GPU's work stands
/// first: who walks the steps has then started it before the host is busy.
LogicalResult Selector::selectSplitExperts(moe::GroupedExpertsOp op, ExpertParametersAttr parameters) {
  Location location = op.getLoc();
  auto routed = ExpertParametersAttr::get(context(), parameters.getExperts(), parameters.getExpertsUsed(),
                                          parameters.getWidth(), 0);
  int64_t embedding = columnsOf(op.getResult());
  PlannedOperand input = productRows(op.getInput(), op.getGate(), location);
  PlannedOperand ids = rows(op.getIds()), weights = rows(op.getWeights()), down = weight(op.getDown());
  PlannedOperand hostInput = twin(input, DeviceKind::host), hostIds = twin(ids, DeviceKind::host),
                 hostWeights = twin(weights, DeviceKind::host);
  transfer(input, hostInput, settings.device, location);
  transfer(ids, hostIds, settings.device, location);
  unsigned sent = transfer(weights, hostWeights, settings.device, location);

  PlannedOperand sum = PlannedOperand::of(addBuffer("expert_sum", Element::f32, embedding));
  PlannedOperand hidden = selectHidden(op, input, ids, false, routed);
  add(OperationKind::experts_down, location, {hidden, ids, weights, down, {}, {}}, {sum}, routed);
  PlannedOperand sharedHidden = selectShared(op, input, parameters);

  device = DeviceKind::host;
  wait(sent, device, location);
  PlannedOperand hostSum = newRows("expert_sum.host", Element::f32, embedding);
  PlannedOperand hostHidden = selectHidden(op, hostInput, hostIds, false, routed);
  add(OperationKind::experts_down, location, {hostHidden, hostIds, hostWeights, down, {}, {}}, {hostSum}, routed);
  device = settings.device;
  PlannedOperand returned = newRows("expert_sum.returned", Element::f32, embedding);
  unsigned back = transfer(hostSum, returned, DeviceKind::host, location);
  wait(back, device, location);
  add(OperationKind::add, location, {sum, returned}, {sum});
  if (op.getSharedGate())
    add(OperationKind::matmul, location, {sharedHidden, weight(op.getSharedDown()), sum}, {sum});
  PlannedOperand residual = rows(op.getResidual());
  add(OperationKind::add, location, {sum, residual}, {result(op, op.getResult(), "experts", op.getResidual())});
  return success();
}

LogicalResult Selector::selectExpertsStep(moe::GroupedExpertsOp op, ExpertParametersAttr parameters) {
  PlannedOperand product =
      selectHidden(op, productRows(op.getInput(), op.getGate(), op.getLoc()), rows(op.getIds()), true, parameters);
  PlannedOperand residual = rows(op.getResidual());
  add(OperationKind::experts_down, op.getLoc(),
      {product, rows(op.getIds()), rows(op.getWeights()), weight(op.getDown()), weight(op.getSharedDown()), residual},
      {result(op, op.getResult(), "experts", op.getResidual())}, parameters);
  return success();
}

std::vector<PlannedOperand> Selector::promptScratch(moe::GroupedExpertsOp op, ExpertParametersAttr parameters) {
  int64_t width = std::max(parameters.getWidth(), parameters.getSharedWidth());
  std::vector<PlannedOperand> scratch = {newRows("expert_sum", Element::f32, columnsOf(op.getResult()))};
  bool grouped = device == DeviceKind::gpu;
  auto addScratch = [&](StringRef name, Element element, int64_t columns, bool ofChunk) {
    scratch.push_back(PlannedOperand::of(addBuffer(name.str(), element, columns, ofChunk)));
  };
  if (grouped) {
    addScratch("expert_pairs", Element::i32, parameters.getExpertsUsed(), false);
    addScratch("expert_places", Element::i32, parameters.getExpertsUsed(), false);
    addScratch("expert_offsets", Element::i32, int64_t(parameters.getExperts()) + 1, true);
  } else {
    addScratch("expert_rows", Element::i32, 1, false);
  }
  addScratch("expert_hidden", Element::f32, width, true);
  addScratch("expert_hidden.quantised", Element::activation, width, true);
  if (grouped)
    addScratch("expert_partial", Element::f32, columnsOf(op.getResult()), true);
  return scratch;
}

/// The GPU gets rows, ids and weights of the whole prompt, and the sum over its experts comes back. The shared expert
/// and the residual, chunk by chunk, are the host's again.
LogicalResult Selector::selectGpuExperts(moe::GroupedExpertsOp op, ExpertParametersAttr parameters) {
  Location location = op.getLoc();
  auto routed = ExpertParametersAttr::get(context(), parameters.getExperts(), parameters.getExpertsUsed(),
                                          parameters.getWidth(), 0);
  PlannedOperand input = productRows(op.getInput(), op.getGate(), location);
  PlannedOperand ids = rows(op.getIds()), weights = rows(op.getWeights());
  enterStage(Rows::prompt);
  PlannedOperand gpuInput = twin(input, DeviceKind::gpu), gpuIds = twin(ids, DeviceKind::gpu),
                 gpuWeights = twin(weights, DeviceKind::gpu);
  transfer(input, gpuInput, settings.device, location);
  transfer(ids, gpuIds, settings.device, location);
  unsigned sent = transfer(weights, gpuWeights, settings.device, location);
  device = DeviceKind::gpu;
  wait(sent, device, location);
  PlannedOperand sum = newRows("expert_result", Element::f32, columnsOf(op.getResult()));
  std::vector<PlannedOperand> reads = {
      gpuInput, gpuIds, gpuWeights, weight(op.getGate()), weight(op.getUp()), weight(op.getDown()), {}, {}, {}, {}};
  std::vector<PlannedOperand> writes = {sum};
  std::vector<PlannedOperand> scratch = promptScratch(op, routed);
  reads.insert(reads.end(), scratch.begin(), scratch.end());
  writes.insert(writes.end(), scratch.begin(), scratch.end());
  if (settings.streamedExperts)
    add(OperationKind::stream, location, {weight(op.getGate()), weight(op.getUp()), weight(op.getDown())}, {});
  add(OperationKind::experts_grouped, location, std::move(reads), std::move(writes), routed);
  device = settings.device;
  PlannedOperand returned = twin(sum, device);
  wait(transfer(sum, returned, DeviceKind::gpu, location), device, location);
  enterStage(source.rows);
  PlannedOperand sharedHidden = selectShared(op, input, parameters);
  if (op.getSharedGate())
    add(OperationKind::matmul, location, {sharedHidden, weight(op.getSharedDown()), returned}, {returned});
  PlannedOperand residual = rows(op.getResidual());
  add(OperationKind::add, location, {returned, residual}, {result(op, op.getResult(), "experts", op.getResidual())});
  return success();
}

LogicalResult Selector::selectExpertsPrompt(moe::GroupedExpertsOp op, ExpertParametersAttr parameters) {
  int64_t width = std::max(parameters.getWidth(), parameters.getSharedWidth());
  if (width % kActivationBlock != 0)
    return op.emitError() << "has " << width << " hidden numbers, which is no multiple of " << kActivationBlock;
  if (settings.gpuExperts)
    return selectGpuExperts(op, parameters);
  PlannedOperand input = productRows(op.getInput(), op.getGate(), op.getLoc());
  PlannedOperand residual = rows(op.getResidual());
  enterStage(Rows::prompt);
  std::vector<PlannedOperand> reads = {input,
                                       rows(op.getIds()),
                                       rows(op.getWeights()),
                                       weight(op.getGate()),
                                       weight(op.getUp()),
                                       weight(op.getDown()),
                                       weight(op.getSharedGate()),
                                       weight(op.getSharedUp()),
                                       weight(op.getSharedDown()),
                                       residual};
  std::vector<PlannedOperand> scratch = promptScratch(op, parameters);
  std::vector<PlannedOperand> writes = {result(op, op.getResult(), "experts", op.getResidual())};
  if (settings.streamedExperts)
    add(OperationKind::stream, op.getLoc(), {weight(op.getGate()), weight(op.getUp()), weight(op.getDown())}, {});
  reads.insert(reads.end(), scratch.begin(), scratch.end());
  writes.insert(writes.end(), scratch.begin(), scratch.end());
  add(device == DeviceKind::gpu ? OperationKind::experts_grouped : OperationKind::experts, op.getLoc(),
      std::move(reads), std::move(writes), parameters);
  return success();
}

LogicalResult Selector::select(Operation *op) {
  if (isa<moe::WeightOp>(op))
    return success();
  if (!isa<moe::GroupedExpertsOp>(op))
    enterStage(source.rows);
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<moe::EmbedOp, moe::RmsNormOp, moe::AddOp, moe::GatedMatmulOp, moe::QueryRopeOp, moe::KvAppendOp,
            moe::LatentAttentionOp, moe::RouteOp, moe::GroupedExpertsOp>(
          [&](auto selected) { return select(selected); })
      .Case([&](moe::MatmulOp matmul) { return selectMatmul(op, matmul.getInput(), matmul.getWeight(), {}); })
      .Case([&](moe::DequantMatmulOp matmul) {
        return selectMatmul(op, matmul.getInput(), matmul.getWeight(), matmul.getResidual());
      })
      .Case([&](moe::HeadMatmulOp matmul) {
        return selectHeadMatmul(op, matmul.getInput(), matmul.getWeight(), matmul.getHeads());
      })
      .Case([&](moe::DequantHeadMatmulOp matmul) {
        return selectHeadMatmul(op, matmul.getInput(), matmul.getWeight(), matmul.getHeads());
      })
      .Default([](Operation *other) { return other->emitError("cannot stand here in a model that is planned"); });
}

FailureOr<PlannedBlock> Selector::run() {
  for (Operation *op : source.operations)
    if (failed(select(op)))
      return failure();
  auto found = places.find(source.result);
  if (found == places.end() || found->second.buffer != source.resultBuffer) {
    emitError(source.location) << "the result of " << source.name
                               << " cannot replace its input: the input is used after it";
    return failure();
  }
  return std::move(block);
}

} // namespace

FailureOr<PlannedBlock> strata::selectDispatches(const BlockSource &source, const SelectionSettings &settings,
                                                 int64_t &sharedQuantiseCount) {
  Selector selector(source, settings);
  FailureOr<PlannedBlock> block = selector.run();
  sharedQuantiseCount += selector.sharedQuantiseCount;
  return block;
}
