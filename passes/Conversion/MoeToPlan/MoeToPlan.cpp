// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Conversion/MoeToPlan/EmitProgram.h"
#include "passes/Conversion/MoeToPlan/Legality.h"
#include "passes/Conversion/MoeToPlan/Passes.h"
#include "passes/Conversion/MoeToPlan/SelectDispatches.h"
#include "passes/Statistics.h"

#include "llvm/ADT/MapVector.h"

namespace strata {
#define GEN_PASS_DEF_CONVERTMOETOPLAN
#include "passes/Conversion/MoeToPlan/Passes.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;
using namespace strata::plan;

namespace {

/// Positions of a position block of the KV cache.
constexpr uint32_t kBlockPositions = 64;
/// Rows of a chunk, unless asked otherwise.
constexpr uint32_t kChunkTokens = 512;

/// The model's parts, in the order in which they run.
struct ModelParts {
  std::vector<Operation *> embedding;
  std::vector<moe::LayersOp> layers;
  std::vector<Operation *> head;
  moe::ReturnOp end;
};

FailureOr<ModelParts> splitModel(moe::ModelOp model) {
  ModelParts parts;
  for (Operation &op : model.getBody().front()) {
    if (auto layers = dyn_cast<moe::LayersOp>(op))
      parts.layers.push_back(layers);
    else if (auto end = dyn_cast<moe::ReturnOp>(op))
      parts.end = end;
    else
      (parts.layers.empty() ? parts.embedding : parts.head).push_back(&op);
  }
  if (parts.layers.empty())
    return model.emitError("the model cannot be planned: it has no layers"), failure();
  for (size_t i = 1; i < parts.layers.size(); ++i)
    if (parts.layers[i].getInput() != parts.layers[i - 1].getResult())
      return parts.layers[i].emitError("cannot be planned: its input is not the result of the layers before"),
             failure();
  return parts;
}

class ConvertMoeToPlan : public strata::impl::ConvertMoeToPlanBase<ConvertMoeToPlan> {
public:
  using ConvertMoeToPlanBase::ConvertMoeToPlanBase;
  void runOnOperation() override;

private:
  LogicalResult checkOptions();
  LogicalResult convert(moe::ModelOp model);
  Tier tierOfDevice() const { return device == DeviceKind::host ? Tier::ram : Tier::gpu; }
  /// Reads what plan.experts and the arenas of kind staging say.
  LogicalResult readTiers(moe::ModelOp model, ModelParts &parts);
  LogicalResult findStaging();
  void emitArena(OpBuilder &builder, Location location, ArenaKind kind, DeviceKind owner);
  FailureOr<PlannedProgram> planProgram(Phase phase, moe::ModelOp model, ModelParts &parts);
  void emitMemory(OpBuilder &builder, moe::ModelOp model);
  void emitTensors(OpBuilder &builder, moe::ModelOp model, ModelParts &parts);

  Value cache;
  /// Experts are not all where everything else is.
  bool severalTiers = false;
  bool hostExperts = false, streamedExperts = false;
  std::string ring, staging;
  /// For the statistics.
  uint64_t dispatchCount = 0;
  uint64_t sharedQuantiseCount = 0;
};

LogicalResult ConvertMoeToPlan::checkOptions() {
  auto refuse = [&](StringRef sentence) { return emitError(getOperation().getLoc()) << sentence; };
  if (promptTokens == 0)
    promptTokens = context;
  if (chunkTokens == 0)
    chunkTokens = std::min<uint32_t>(kChunkTokens, promptTokens);
  if (context == 0 || sequences == 0)
    return refuse("context and sequences must not be 0");
  if (chunkTokens > promptTokens || promptTokens > context)
    return refuse("chunk-tokens must be at most prompt-tokens, and that at most context");
  if (splitPositions == 0 || splitPositions % kBlockPositions != 0)
    return refuse("split-positions must be a multiple of 64");
  if (uint64_t(sequences) * llvm::divideCeil(context, kBlockPositions) > std::numeric_limits<int32_t>::max())
    return refuse("the KV cache has more than 2^31 - 1 position blocks; choose fewer sequences or a smaller context");
  return success();
}

LogicalResult ConvertMoeToPlan::findStaging() {
  for (auto arena : getOperation().getOps<ArenaOp>())
    if (arena.getKind() == ArenaKind::staging && arena.getDevice() == DeviceKind::gpu)
      (arena.getTier() == Tier::gpu ? staging : ring) = arena.getSymName().str();
  if (ring.empty() || staging.empty())
    return emitError(getOperation().getLoc())
           << "a prompt brings experts to the gpu, and the module has no plan.arena of kind staging for them in "
           << (ring.empty() ? "ram" : "gpu");
  return success();
}

LogicalResult ConvertMoeToPlan::readTiers(moe::ModelOp model, ModelParts &parts) {
  auto lines = getOperation().getOps<ExpertsOp>();
  severalTiers = !lines.empty();
  if (!severalTiers)
    return success();
  for (ExpertsOp line : lines) {
    if (device == DeviceKind::host && line.getGpu().size() + line.getPromptGpu().size() != 0)
      return line.emitOpError("gives experts to a gpu, and the plan is for the host");
    hostExperts |= line.getDecodeGpu().size() != line.getExperts();
    streamedExperts |= line.getPromptGpu().size() > line.getGpu().size();
    if (device == DeviceKind::gpu && line.getPromptGpu().size() != line.getExperts())
      return line.emitOpError("gives experts of a prompt to the host, and with a gpu all are computed there");
  }
  hostExperts &= device == DeviceKind::gpu;
  for (moe::LayersOp layers : parts.layers) {
    auto block = SymbolTable::lookupNearestSymbolFrom<moe::BlockOp>(layers, layers.getBlockAttr());
    auto experts = block.getBody().getOps<moe::GroupedExpertsOp>();
    for (uint64_t layer = layers.getFirst(); !experts.empty() && layer < layers.getFirst() + layers.getCount(); ++layer)
      if (llvm::none_of(lines, [&](ExpertsOp line) { return line.hasLayer(layer); }))
        return block.emitError() << "the experts of layer " << layer << " are in no plan.experts";
  }
  return streamedExperts ? findStaging() : success();
}

void ConvertMoeToPlan::emitArena(OpBuilder &builder, Location location, ArenaKind kind, DeviceKind owner) {
  ArenaOp::create(builder, location, arenaName(kind, owner != device), kind, owner,
                  owner == DeviceKind::host ? Tier::ram : Tier::gpu, SizesAttr(), SizesAttr());
}

void ConvertMoeToPlan::emitMemory(OpBuilder &builder, moe::ModelOp model) {
  MLIRContext *ctx = &getContext();
  Location location = model.getLoc();
  SettingsOp::create(builder, location, context, sequences, promptTokens, chunkTokens, decodeActivations,
                     promptActivations, kv);
  for (ArenaKind kind : {ArenaKind::weights, ArenaKind::kv, ArenaKind::decode, ArenaKind::prompt, ArenaKind::chunk})
    emitArena(builder, location, kind, device);
  if (severalTiers) {
    emitArena(builder, location, ArenaKind::experts, device);
    if (device == DeviceKind::gpu)
      for (ArenaKind kind :
           {ArenaKind::weights, ArenaKind::decode, ArenaKind::prompt, ArenaKind::chunk, ArenaKind::experts})
        emitArena(builder, location, kind, DeviceKind::host);
  }
  moe::HyperParametersAttr numbers = model.getHyperParameters();
  uint32_t perSequence = llvm::divideCeil(context, kBlockPositions);
  auto type = KvType::get(ctx, numbers.getLatent(), numbers.getRope());
  cache = KvCacheOp::create(builder, location, type, stringifyArenaKind(ArenaKind::kv), numbers.getLayers(),
                            sequences * perSequence, perSequence, kBlockPositions);
}

void ConvertMoeToPlan::emitTensors(OpBuilder &builder, moe::ModelOp model, ModelParts &parts) {
  struct Range {
    uint32_t first, count;
    Location location;
  };
  llvm::DenseSet<StringAttr> routed, embedding;
  llvm::MapVector<std::pair<StringAttr, Type>, SmallVector<Range>> table;
  auto collect = [&](Block &body, uint32_t first, uint32_t count) {
    for (auto weight : body.getOps<moe::WeightOp>()) {
      SmallVector<Range> &ranges = table[{weight.getNameAttr(), weight.getType()}];
      if (!ranges.empty() && ranges.back().first + ranges.back().count == first)
        ranges.back().count += count;
      else if (ranges.empty() || count != 0)
        ranges.push_back({first, count, weight.getLoc()});
      for (OpOperand &use : weight->getUses()) {
        if (isa<moe::EmbedOp>(use.getOwner()))
          embedding.insert(weight.getNameAttr());
        if (auto experts = dyn_cast<moe::GroupedExpertsOp>(use.getOwner());
            experts && llvm::is_contained({experts.getGate(), experts.getUp(), experts.getDown()}, use.get()))
          routed.insert(weight.getNameAttr());
      }
    }
  };
  collect(model.getBody().front(), 0, 0);
  for (moe::LayersOp layers : parts.layers)
    collect(SymbolTable::lookupNearestSymbolFrom<moe::BlockOp>(layers, layers.getBlockAttr()).getBody().front(),
            layers.getFirst(), layers.getCount());
  for (auto &[key, ranges] : table)
    for (const Range &range : ranges) {
      auto number = [&](uint32_t value) { return range.count ? builder.getI32IntegerAttr(value) : IntegerAttr(); };
      Tier tier = severalTiers && embedding.contains(key.first) ? Tier::ram : tierOfDevice();
      bool byExperts = severalTiers && routed.contains(key.first);
      TensorOp::create(builder, range.location, key.first, number(range.first), number(range.count),
                       byExperts ? TierAttr() : TierAttr::get(&getContext(), tier), TypeAttr::get(key.second),
                       FlatSymbolRefAttr());
    }
}

FailureOr<PlannedProgram> ConvertMoeToPlan::planProgram(Phase phase, moe::ModelOp model, ModelParts &parts) {
  PlannedProgram program;
  program.phase = phase;
  program.device = device;
  program.embedding = cast<RankedTensorType>(parts.layers.front().getInput().getType()).getDimSize(1);
  program.vocabulary = cast<RankedTensorType>(parts.end.getValue().getType()).getDimSize(1);
  SelectionSettings settings{phase, context, splitPositions, device};
  settings.hostEmbedding = program.hostEmbedding = severalTiers && device == DeviceKind::gpu;
  settings.hostExperts = hostExperts;
  settings.streamedExperts = streamedExperts;
  program.ring = ring;
  program.staging = staging;
  bool decode = phase == Phase::decode;
  int64_t shared = 0;
  auto addBlock = [&](const BlockSource &source) -> LogicalResult {
    FailureOr<PlannedBlock> block = selectDispatches(source, settings, shared);
    if (failed(block))
      return failure();
    for (const PlannedStage &stage : block->stages)
      dispatchCount += stage.dispatches.size();
    program.blocks.push_back(std::move(*block));
    return success();
  };

  Rows rows = decode ? Rows::step : Rows::chunk;
  if (failed(addBlock({"embedding", model.getLoc(), rows, parts.embedding, model.getTokens(), Value(),
                       parts.layers.front().getInput(), kResidual})))
    return failure();
  program.runs.push_back({"embedding", 0, 0});
  llvm::SmallDenseSet<StringAttr> known;
  for (moe::LayersOp layers : parts.layers) {
    auto block = SymbolTable::lookupNearestSymbolFrom<moe::BlockOp>(layers, layers.getBlockAttr());
    std::string name = block.getSymName().str();
    program.runs.push_back({name, layers.getFirst(), layers.getCount()});
    if (!known.insert(block.getSymNameAttr()).second)
      continue;
    std::vector<Operation *> operations;
    for (Operation &op : block.getBody().front().without_terminator())
      operations.push_back(&op);
    Value result = cast<moe::YieldOp>(block.getBody().front().getTerminator()).getValue();
    if (failed(addBlock({name, block.getLoc(), rows, operations, Value(), block.getBodyInput(), result, kResidual})))
      return failure();
    if (block.getBody().getOps<moe::WeightOp>().empty())
      return block.emitError("cannot be planned: a layer without weights does nothing of its own"), failure();
  }
  if (failed(addBlock({"head", model.getLoc(), decode ? Rows::step : Rows::output, parts.head, Value(),
                       parts.layers.back().getResult(), parts.end.getValue(), kLogits})))
    return failure();
  program.runs.push_back({"head", 0, 0});
  sharedQuantiseCount += shared;
  return program;
}

LogicalResult ConvertMoeToPlan::convert(moe::ModelOp model) {
  FailureOr<ModelParts> parts = splitModel(model);
  if (failed(parts))
    return failure();
  if (failed(readTiers(model, *parts)))
    return failure();
  FailureOr<PlannedProgram> decode = planProgram(Phase::decode, model, *parts);
  if (failed(decode))
    return failure();
  FailureOr<PlannedProgram> prompt = planProgram(Phase::prompt, model, *parts);
  if (failed(prompt))
    return failure();
  OpBuilder builder = OpBuilder::atBlockBegin(getOperation().getBody());
  emitMemory(builder, model);
  emitTensors(builder, model, *parts);
  emitProgram(builder, model.getLoc(), *decode, cache);
  emitProgram(builder, model.getLoc(), *prompt, cache);
  return success();
}

void ConvertMoeToPlan::runOnOperation() {
  FailureOr<moe::ModelOp> model = findPlannableModel(getOperation());
  if (failed(model) || failed(checkOptions()) || failed(convert(*model)))
    return signalPassFailure();
  reportStatistics(getOperation(), getArgument(),
                   {{"dispatches", dispatchCount}, {"quantise-shared", sharedQuantiseCount}});
  model->erase();
  for (moe::BlockOp block : llvm::make_early_inc_range(getOperation().getOps<moe::BlockOp>()))
    block.erase();
}

} // namespace
