// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Conversion/MoeToPlan/EmitProgram.h"
#include "passes/Conversion/MoeToPlan/Legality.h"
#include "passes/Conversion/MoeToPlan/Passes.h"
#include "passes/Conversion/MoeToPlan/SelectDispatches.h"
#include "passes/Statistics.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"

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
  static Tier tierOf(DeviceKind owner) { return owner == DeviceKind::host ? Tier::ram : Tier::gpu; }
  bool onGpu(uint32_t layer) const { return device == DeviceKind::gpu && layer < gpuLayers; }
  DeviceKind deviceOf(uint32_t layer) const { return onGpu(layer) ? DeviceKind::gpu : DeviceKind::host; }
  DeviceKind headDevice() const { return splitLayers ? DeviceKind::host : device; }
  DeviceKind embeddingDevice() const;
  /// Reads what plan.experts and the arenas of kind staging say.
  LogicalResult readTiers(moe::ModelOp model, ModelParts &parts);
  LogicalResult readHostLayers(moe::ModelOp model);
  LogicalResult findStaging();
  SelectionSettings settingsFor(Phase phase, DeviceKind owner) const;
  /// Calls `visit` with the first of `count` layers and how many on one device follow it.
  void forEachDevice(uint32_t first, uint32_t count, llvm::function_ref<void(uint32_t, uint32_t)> visit) const;
  void emitArena(OpBuilder &builder, Location location, ArenaKind kind, DeviceKind owner);
  FailureOr<PlannedProgram> planProgram(Phase phase, moe::ModelOp model, ModelParts &parts);
  LogicalResult addLayers(moe::LayersOp layers, PlannedProgram &program, llvm::StringSet<> &known, int64_t &shared);
  void emitMemory(OpBuilder &builder, moe::ModelOp model);
  void emitCache(OpBuilder &builder, moe::ModelOp model);
  void emitTensors(OpBuilder &builder, moe::ModelOp model, ModelParts &parts);

  DeviceCaches caches;
  /// Experts are not all where everything else is.
  bool severalTiers = false;
  /// Of experts of the GPU's layers; those of the host's layers are all brought to it in a prompt.
  bool hostExperts = false, streamedExperts = false;
  /// The host computes the layers from gpuLayers on, and the head.
  bool splitLayers = false;
  bool tied = false; ///< The embedding is the head's matrix too.
  uint32_t gpuLayers = 0;
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

/// Without a plan.host_layers a plan for a GPU has all layers there.
LogicalResult ConvertMoeToPlan::readHostLayers(moe::ModelOp model) {
  gpuLayers = device == DeviceKind::gpu ? uint32_t(model.getHyperParameters().getLayers()) : 0;
  for (HostLayersOp split : getOperation().getOps<HostLayersOp>()) {
    if (device == DeviceKind::host)
      return split.emitOpError("divides layers between a gpu and the host, and the plan is for the host");
    if (split.getLayers() != model.getHyperParameters().getLayers())
      return split.emitOpError() << "is for " << split.getLayers() << " layers, and the model has "
                                 << model.getHyperParameters().getLayers();
    if (getOperation().getOps<ExpertsOp>().empty())
      return split.emitOpError("needs plan.experts: they are in more tiers than one too");
    splitLayers = true;
    gpuLayers = split.getFirstLayer();
  }
  return success();
}

/// The token embedding is in RAM, but for what is the head's too.
DeviceKind ConvertMoeToPlan::embeddingDevice() const {
  if (!severalTiers)
    return device;
  return tied ? headDevice() : DeviceKind::host;
}

LogicalResult ConvertMoeToPlan::readTiers(moe::ModelOp model, ModelParts &parts) {
  if (failed(readHostLayers(model)))
    return failure();
  llvm::DenseSet<StringAttr> embedded;
  for (auto embed : model.getBody().getOps<moe::EmbedOp>())
    if (auto weight = embed.getWeight().getDefiningOp<moe::WeightOp>())
      embedded.insert(weight.getNameAttr());
  for (auto weight : model.getBody().getOps<moe::WeightOp>())
    tied |= embedded.contains(weight.getNameAttr()) &&
            llvm::any_of(weight->getUsers(), [](Operation *user) { return !isa<moe::EmbedOp>(user); });
  auto lines = getOperation().getOps<ExpertsOp>();
  severalTiers = !lines.empty();
  if (!severalTiers)
    return success();
  bool streams = false;
  for (ExpertsOp line : lines) {
    if (device == DeviceKind::host && line.getGpu().size() + line.getPromptGpu().size() != 0)
      return line.emitOpError("gives experts to a gpu, and the plan is for the host");
    bool ofHost = uint64_t(line.getFirstLayer()) + line.getLayers() > gpuLayers;
    if (device == DeviceKind::gpu && ofHost && line.getGpu().size() != 0)
      return line.emitOpError() << "has experts in gpu of layers from " << gpuLayers
                                << " on, which plan.host_layers gives to the host";
    bool brings = line.getPromptGpu().size() > line.getGpu().size();
    streams |= brings;
    if (onGpu(line.getFirstLayer())) {
      hostExperts |= line.getDecodeGpu().size() != line.getExperts();
      streamedExperts |= brings;
    }
    if (device == DeviceKind::gpu && line.getPromptGpu().size() != line.getExperts())
      return line.emitOpError("gives experts of a prompt to the host, and with a gpu all are computed there");
  }
  for (moe::LayersOp layers : parts.layers) {
    auto block = SymbolTable::lookupNearestSymbolFrom<moe::BlockOp>(layers, layers.getBlockAttr());
    auto experts = block.getBody().getOps<moe::GroupedExpertsOp>();
    for (uint64_t layer = layers.getFirst(); !experts.empty() && layer < layers.getFirst() + layers.getCount(); ++layer)
      if (llvm::none_of(lines, [&](ExpertsOp line) { return line.hasLayer(layer); }))
        return block.emitError() << "the experts of layer " << layer << " are in no plan.experts";
  }
  return streams ? findStaging() : success();
}

void ConvertMoeToPlan::forEachDevice(uint32_t first, uint32_t count,
                                     llvm::function_ref<void(uint32_t, uint32_t)> visit) const {
  uint32_t end = first + count, next = onGpu(first) ? std::min(end, gpuLayers) : end;
  if (next != first)
    visit(first, next - first);
  if (next != end)
    visit(next, end - next);
}

void ConvertMoeToPlan::emitArena(OpBuilder &builder, Location location, ArenaKind kind, DeviceKind owner) {
  ArenaOp::create(builder, location, arenaName(kind, owner != device), kind, owner,
                  owner == DeviceKind::host ? Tier::ram : Tier::gpu, SizesAttr(), SizesAttr());
}

void ConvertMoeToPlan::emitMemory(OpBuilder &builder, moe::ModelOp model) {
  Location location = model.getLoc();
  SettingsOp::create(builder, location, context, sequences, promptTokens, chunkTokens, decodeActivations,
                     promptActivations, kv);
  for (ArenaKind kind : {ArenaKind::weights, ArenaKind::kv, ArenaKind::decode, ArenaKind::prompt, ArenaKind::chunk})
    if (kind != ArenaKind::kv || deviceOf(0) == device)
      emitArena(builder, location, kind, device);
  if (severalTiers) {
    emitArena(builder, location, ArenaKind::experts, device);
    if (device == DeviceKind::gpu)
      for (ArenaKind kind : {ArenaKind::weights, ArenaKind::kv, ArenaKind::decode, ArenaKind::prompt, ArenaKind::chunk,
                             ArenaKind::experts})
        if (kind != ArenaKind::kv || gpuLayers < model.getHyperParameters().getLayers())
          emitArena(builder, location, kind, DeviceKind::host);
  }
  emitCache(builder, model);
}

/// One for every device that has layers.
void ConvertMoeToPlan::emitCache(OpBuilder &builder, moe::ModelOp model) {
  moe::HyperParametersAttr numbers = model.getHyperParameters();
  uint32_t perSequence = llvm::divideCeil(context, kBlockPositions);
  auto type = KvType::get(&getContext(), numbers.getLatent(), numbers.getRope());
  forEachDevice(0, numbers.getLayers(), [&](uint32_t first, uint32_t count) {
    DeviceKind owner = deviceOf(first);
    caches[static_cast<size_t>(owner)] =
        KvCacheOp::create(builder, model.getLoc(), type, arenaName(ArenaKind::kv, owner != device), first, count,
                          sequences * perSequence, perSequence, kBlockPositions);
  });
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
      bool byExperts = severalTiers && routed.contains(key.first);
      auto emit = [&](Tier tier, IntegerAttr first, IntegerAttr count) {
        TensorOp::create(builder, range.location, key.first, first, count,
                         byExperts ? TierAttr() : TierAttr::get(&getContext(), tier), TypeAttr::get(key.second),
                         FlatSymbolRefAttr());
      };
      auto number = [&](uint32_t value) { return builder.getI32IntegerAttr(value); };
      if (range.count == 0)
        emit(tierOf(embedding.contains(key.first) ? embeddingDevice() : headDevice()), IntegerAttr(), IntegerAttr());
      else if (byExperts)
        emit(Tier::disk, number(range.first), number(range.count));
      else
        forEachDevice(range.first, range.count, [&](uint32_t first, uint32_t count) {
          emit(tierOf(deviceOf(first)), number(first), number(count));
        });
    }
}

SelectionSettings ConvertMoeToPlan::settingsFor(Phase phase, DeviceKind owner) const {
  SelectionSettings settings{phase, context, splitPositions, owner};
  bool besideGpu = device == DeviceKind::gpu && owner == DeviceKind::host;
  settings.hostEmbedding = owner == DeviceKind::gpu && embeddingDevice() == DeviceKind::host;
  settings.hostExperts = owner == DeviceKind::gpu && hostExperts;
  settings.streamedExperts = besideGpu || streamedExperts;
  settings.gpuExperts = besideGpu;
  return settings;
}

/// The residual goes from the GPU, whose layers are done, to the host.
static PlannedBlock handOver(Phase phase, Location location) {
  PlannedBlock block{"hand_over", location, DeviceKind::gpu, std::vector<PlannedBuffer>(kProgramBuffers), {}};
  block.stages.push_back({phase == Phase::decode ? Rows::step : Rows::prompt, {}});
  block.stages.back().dispatches.push_back({OperationKind::transfer,
                                            {PlannedOperand::of(kResidual)},
                                            {PlannedOperand::of(kHandedResidual)},
                                            Attribute(),
                                            location,
                                            DeviceKind::gpu,
                                            0});
  block.stages.back().dispatches.push_back({OperationKind::wait, {}, {}, Attribute(), location, DeviceKind::host, 0});
  return block;
}

/// Runs of the layers on each device, and the blocks that are new.
LogicalResult ConvertMoeToPlan::addLayers(moe::LayersOp layers, PlannedProgram &program, llvm::StringSet<> &known,
                                          int64_t &shared) {
  auto block = SymbolTable::lookupNearestSymbolFrom<moe::BlockOp>(layers, layers.getBlockAttr());
  std::vector<Operation *> operations;
  for (Operation &op : block.getBody().front().without_terminator())
    operations.push_back(&op);
  Value result = cast<moe::YieldOp>(block.getBody().front().getTerminator()).getValue();
  Rows rows = program.phase == Phase::decode ? Rows::step : Rows::chunk;
  LogicalResult done = success();
  forEachDevice(layers.getFirst(), layers.getCount(), [&](uint32_t first, uint32_t count) {
    DeviceKind owner = deviceOf(first);
    if (splitLayers && first == gpuLayers && first != 0) {
      program.blocks.push_back(handOver(program.phase, block.getLoc()));
      program.runs.push_back({"hand_over", 0, 0});
    }
    std::string name = block.getSymName().str() + (owner == device ? "" : "_host");
    program.runs.push_back({name, first, count});
    if (failed(done) || !known.insert(name).second)
      return;
    FailureOr<PlannedBlock> selected =
        selectDispatches({name, block.getLoc(), rows, operations, Value(), block.getBodyInput(), result, kResidual},
                         settingsFor(program.phase, owner), shared);
    done = LogicalResult(selected);
    if (succeeded(done))
      program.blocks.push_back(std::move(*selected));
  });
  if (succeeded(done) && block.getBody().getOps<moe::WeightOp>().empty())
    return block.emitError("cannot be planned: a layer without weights does nothing of its own");
  return done;
}

FailureOr<PlannedProgram> ConvertMoeToPlan::planProgram(Phase phase, moe::ModelOp model, ModelParts &parts) {
  PlannedProgram program;
  program.phase = phase;
  program.device = device;
  program.tokens = embeddingDevice();
  program.embedding = cast<RankedTensorType>(parts.layers.front().getInput().getType()).getDimSize(1);
  program.vocabulary = cast<RankedTensorType>(parts.end.getValue().getType()).getDimSize(1);
  program.ring = ring;
  program.staging = staging;
  bool decode = phase == Phase::decode;
  int64_t shared = 0;
  auto addEnd = [&](const BlockSource &source, DeviceKind owner) {
    FailureOr<PlannedBlock> block = selectDispatches(source, settingsFor(phase, owner), shared);
    if (failed(block))
      return failure();
    program.blocks.push_back(std::move(*block));
    program.runs.push_back({source.name, 0, 0});
    return success();
  };
  if (failed(addEnd({"embedding", model.getLoc(), decode ? Rows::step : Rows::chunk, parts.embedding, model.getTokens(),
                     Value(), parts.layers.front().getInput(), kResidual},
                    deviceOf(0))))
    return failure();
  llvm::StringSet<> known;
  for (moe::LayersOp layers : parts.layers)
    if (failed(addLayers(layers, program, known, shared)))
      return failure();
  if (splitLayers && gpuLayers == model.getHyperParameters().getLayers()) {
    program.blocks.push_back(handOver(phase, model.getLoc()));
    program.runs.push_back({"hand_over", 0, 0});
  }
  if (failed(addEnd({"head", model.getLoc(), decode ? Rows::step : Rows::output, parts.head, Value(),
                     parts.layers.back().getResult(), parts.end.getValue(), kLogits},
                    headDevice())))
    return failure();
  for (const PlannedBlock &block : program.blocks)
    for (const PlannedStage &stage : block.stages)
      dispatchCount += stage.dispatches.size();
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
  emitProgram(builder, model.getLoc(), *decode, caches);
  emitProgram(builder, model.getLoc(), *prompt, caches);
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
