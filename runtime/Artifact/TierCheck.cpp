// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Where experts are, what tiers have room for, and whether every dispatch sees its operands.

#include "runtime/Artifact/Checks.h"
#include "runtime/Base/Checked.h"
#include "runtime/Schema/SlotBytes.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <vector>

namespace strata::artifact {
namespace {

using Ranges = flatbuffers::Vector<const schema::ExpertRange *>;

/// What an error says of a line of Artifact.experts.
std::string nameOf(const schema::LayerExperts &line) {
  return fmt::format("the experts of layers {} to {}", line.first_layer(),
                     uint64_t(line.first_layer()) + line.layers() - 1);
}

/// A set of experts as flags. Ranges ascend, so that there are at most as many as experts.
Result<std::vector<bool>> expand(const schema::LayerExperts &line, const Ranges *ranges, std::string_view what) {
  std::vector<bool> members(line.experts());
  uint64_t next = 0;
  for (uint32_t i = 0; ranges && i < ranges->size(); ++i) {
    const schema::ExpertRange &range = *ranges->Get(i);
    if (range.first() < next || range.last() < range.first() || range.last() >= line.experts())
      return refuse("A25", fmt::format("{} {} from {} to {}, which is no range above the last one and below {}",
                                       nameOf(line), what, range.first(), range.last(), line.experts()));
    std::fill(members.begin() + range.first(), members.begin() + range.last() + 1, true);
    next = uint64_t(range.last()) + 1;
  }
  return members;
}

bool contains(const std::vector<bool> &outer, const std::vector<bool> &inner) {
  for (size_t i = 0; i < inner.size(); ++i)
    if (inner[i] && !outer[i])
      return false;
  return true;
}

/// What the checks of dispatches need to know of a layer.
struct LayerSets {
  uint32_t experts = 0;
  uint64_t inRam = 0;
  bool gpuDecodes = false, hostDecodes = false;
  bool gpuPrompts = false, hostPrompts = false;
  bool streams = false; ///< A prompt brings experts to the GPU.
};

Result<LayerSets> checkLine(const schema::LayerExperts &line) {
  STRATA_ASSIGN(std::vector<bool> gpu, expand(line, line.gpu(), "in gpu"));
  STRATA_ASSIGN(std::vector<bool> ram, expand(line, line.ram(), "in ram"));
  STRATA_ASSIGN(std::vector<bool> disk, expand(line, line.disk(), "on disk"));
  STRATA_ASSIGN(std::vector<bool> pinned, expand(line, line.pinned(), "pinned"));
  STRATA_ASSIGN(std::vector<bool> decode, expand(line, line.decode_gpu(), "decoded on the gpu"));
  STRATA_ASSIGN(std::vector<bool> prompt, expand(line, line.prompt_gpu(), "of prompts on the gpu"));
  uint64_t inRam = 0, isPinned = 0;
  for (uint32_t expert = 0; expert < line.experts(); ++expert) {
    int tiers = int(gpu[expert]) + int(ram[expert]) + int(disk[expert]);
    if (tiers != 1)
      return refuse("A25", fmt::format("{}: expert {} is in {} tiers and not 1", nameOf(line), expert, tiers));
    inRam += ram[expert] ? 1 : 0;
    isPinned += pinned[expert] ? 1 : 0;
  }
  if (!contains(ram, pinned) || isPinned + line.slots() != inRam)
    return refuse("A25", fmt::format("{}: {} are in ram, and {} pinned ones with {} slots do not make them up",
                                     nameOf(line), inRam, isPinned, line.slots()));
  if (line.policy() == schema::CachePolicy::pinned && line.slots() != 0)
    return refuse("A25", fmt::format("{} have {} slots, and the policy pinned has none", nameOf(line), line.slots()));
  if (decode != gpu)
    return refuse("A25", fmt::format("{}: what the gpu decodes is not what it has", nameOf(line)));
  if (!contains(prompt, gpu))
    return refuse("A25", fmt::format("{}: the host does not see experts of prompts that are in gpu", nameOf(line)));
  auto any = [](const std::vector<bool> &set) { return std::find(set.begin(), set.end(), true) != set.end(); };
  auto all = [](const std::vector<bool> &set) { return std::find(set.begin(), set.end(), false) == set.end(); };
  return LayerSets{line.experts(), inRam, any(decode), !all(decode), any(prompt), !all(prompt), prompt != gpu};
}

class TierWalk {
public:
  explicit TierWalk(const schema::Artifact &walked) : artifact(walked) {}
  Result<void> run();

private:
  Result<void> readExperts();
  Result<void> checkExpertArena() const;
  Result<void> checkProgram(const schema::Program &program);
  Result<void> checkOperand(const schema::Program &program, const schema::Block &block,
                            const schema::Dispatch &dispatch, const schema::Operand &operand) const;
  Result<void> checkWeights(const schema::Program &program, const schema::Run &run, uint32_t layer) const;
  Result<void> checkCache(const schema::Program &program, const schema::Run &run, uint32_t layer) const;
  Result<void> checkExpertWeight(const schema::Program &program, const schema::Run &run, uint32_t layer,
                                 uint32_t slot) const;

  const schema::Artifact &artifact;
  std::vector<LayerSets> layers; ///< By layer; no experts where no line has it.
};

Result<void> TierWalk::readExperts() {
  layers.resize(artifact.kv()->layers());
  for (const schema::LayerExperts *line : *artifact.experts()) {
    uint64_t end = uint64_t(line->first_layer()) + line->layers();
    if (line->layers() == 0 || end > layers.size())
      return refuse("A25", fmt::format("experts of {} layers from {} on are placed, and there are {} layers",
                                       line->layers(), line->first_layer(), layers.size()));
    if (line->experts() == 0 || line->experts() != artifact.model()->experts())
      return refuse("A25", fmt::format("{} are {} and the model has {}", nameOf(*line), line->experts(),
                                       artifact.model()->experts()));
    STRATA_ASSIGN(LayerSets sets, checkLine(*line));
    for (uint64_t layer = line->first_layer(); layer < end; ++layer) {
      if (layers[layer].experts != 0)
        return refuse("A25", fmt::format("the experts of layer {} are placed twice", layer));
      layers[layer] = sets;
    }
  }
  return {};
}

/// What a device computes with, it must see; a transfer takes values to the other one.
Result<void> TierWalk::checkOperand(const schema::Program &program, const schema::Block &block,
                                    const schema::Dispatch &dispatch, const schema::Operand &operand) const {
  const schema::Arena *arena = nullptr;
  if (operand.kind() == schema::OperandKind::value)
    arena = artifact.arenas()->Get(program.values()->Get(operand.index())->arena());
  if (!arena || arena->device() == dispatch.device())
    return {};
  return refuse("A23",
                fmt::format("{} runs on the {}, which does not see the {}'s {} arena",
                            describe(program, block, dispatch), schema::EnumNameDeviceKind(dispatch.device()),
                            schema::EnumNameDeviceKind(arena->device()), schema::EnumNameArenaKind(arena->kind())));
}

bool isExpertOperation(schema::Operation operation) {
  using enum schema::Operation;
  return operation == experts_gate_up || operation == experts_down || operation == experts ||
         operation == experts_grouped;
}

/// A weight whose experts are each in a tier of its own: who reads it computes what it is given, and all is computed.
Result<void> TierWalk::checkExpertWeight(const schema::Program &program, const schema::Run &run, uint32_t layer,
                                         uint32_t slot) const {
  const schema::Block &block = *program.blocks()->Get(run.block());
  std::string weight = printable(block.weights()->Get(slot)->name());
  const LayerSets &sets = layers[layer];
  if (sets.experts == 0 || block.weights()->Get(slot)->dimensions()->Get(0) != sets.experts)
    return refuse("A25", fmt::format("the experts of the weight {} of layer {} are placed nowhere", weight, layer));
  bool decodes = program.phase() == schema::Phase::decode;
  bool onGpu = false, onHost = false;
  for (const schema::Stage *stage : *block.stages()) {
    bool streamed = false;
    for (const schema::Dispatch *dispatch : *stage->dispatches()) {
      bool reads = std::any_of(dispatch->reads()->begin(), dispatch->reads()->end(), [&](const auto *operand) {
        return operand->kind() == schema::OperandKind::weight && operand->index() == slot;
      });
      if (!reads)
        continue;
      streamed |= dispatch->operation() == schema::Operation::stream;
      if (dispatch->operation() == schema::Operation::stream)
        continue;
      if (!isExpertOperation(dispatch->operation()))
        return refuse("A25", fmt::format("{} reads the weight {} as a whole, whose experts are in several tiers",
                                         describe(program, block, *dispatch), weight));
      bool isGpu = dispatch->device() == schema::DeviceKind::gpu;
      (isGpu ? onGpu : onHost) = true;
      if (isGpu && !decodes && sets.streams && !streamed)
        return refuse("A25", fmt::format("{} computes experts of layer {} that are not in gpu, and no stream before it "
                                         "brings them",
                                         describe(program, block, *dispatch), layer));
    }
  }
  if (((decodes ? sets.gpuDecodes : sets.gpuPrompts) && !onGpu) ||
      ((decodes ? sets.hostDecodes : sets.hostPrompts) && !onHost))
    return refuse("A25", fmt::format("the {} program computes not all experts of the weight {} of layer {}",
                                     schema::EnumNamePhase(program.phase()), weight, layer));
  return {};
}

Result<void> TierWalk::checkWeights(const schema::Program &program, const schema::Run &run, uint32_t layer) const {
  const schema::Block &block = *program.blocks()->Get(run.block());
  uint32_t count = block.weights() ? block.weights()->size() : 0;
  std::vector<schema::Tier> tiers(count);
  for (uint32_t slot = 0; slot < count; ++slot) {
    uint64_t entry = uint64_t(layer - run.first_layer()) * count + slot;
    tiers[slot] = artifact.tensors()->Get(run.tensors()->Get(static_cast<uint32_t>(entry)))->tier();
    if (tiers[slot] == schema::Tier::disk)
      STRATA_TRY(checkExpertWeight(program, run, layer, slot));
  }
  for (const schema::Stage *stage : *block.stages())
    for (const schema::Dispatch *dispatch : *stage->dispatches()) {
      bool byExperts = false;
      for (const schema::Operand *operand : *dispatch->reads()) {
        if (operand->kind() != schema::OperandKind::weight)
          continue;
        schema::Tier tier = tiers[operand->index()];
        byExperts |= tier == schema::Tier::disk;
        bool stream = dispatch->operation() == schema::Operation::stream;
        if (stream ? tier != schema::Tier::disk : tier != schema::Tier::disk && !sees(dispatch->device(), tier))
          return refuse("A23",
                        fmt::format("{} runs on the {}, which does not see the weight {} of layer {} in {}",
                                    describe(program, block, *dispatch), schema::EnumNameDeviceKind(dispatch->device()),
                                    printable(block.weights()->Get(operand->index())->name()), layer,
                                    schema::EnumNameTier(tier)));
      }
      bool hasKernels = dispatch->kernels() && dispatch->kernels()->size() != 0;
      bool needsKernels =
          dispatch->device() == schema::DeviceKind::gpu && !byExperts && !isTransfer(dispatch->operation());
      if (needsKernels != hasKernels)
        return refuse("A14", fmt::format("{} has {} kernels on the {}", describe(program, block, *dispatch),
                                         hasKernels ? dispatch->kernels()->size() : 0,
                                         schema::EnumNameDeviceKind(dispatch->device())));
    }
  return {};
}

/// A layer's part of the cache is where the device is that computes the layer.
Result<void> TierWalk::checkCache(const schema::Program &program, const schema::Run &run, uint32_t layer) const {
  const schema::Block &block = *program.blocks()->Get(run.block());
  auto device = layer < artifact.kv()->gpu_layers() ? schema::DeviceKind::gpu : schema::DeviceKind::host;
  for (const schema::Stage *stage : *block.stages())
    for (const schema::Dispatch *dispatch : *stage->dispatches())
      for (const auto *operands : {dispatch->reads(), dispatch->writes()})
        for (const schema::Operand *operand : *operands)
          if (operand->kind() == schema::OperandKind::kv && dispatch->device() != device)
            return refuse("A23", fmt::format("{} runs on the {}, which does not see the cache of layer {}",
                                             describe(program, block, *dispatch),
                                             schema::EnumNameDeviceKind(dispatch->device()), layer));
  return {};
}

Result<void> TierWalk::checkProgram(const schema::Program &program) {
  auto check = [&](const schema::Block &block, const schema::Stage &,
                   const schema::Dispatch &dispatch) -> Result<void> {
    for (const schema::Operand *operand : *dispatch.reads())
      STRATA_TRY(checkOperand(program, block, dispatch, *operand));
    if (dispatch.operation() == schema::Operation::transfer)
      return {}; // TransferCheck.cpp: it writes what is on another device.
    for (const schema::Operand *operand : *dispatch.writes())
      STRATA_TRY(checkOperand(program, block, dispatch, *operand));
    return {};
  };
  STRATA_TRY(forEachDispatch(program, check));
  for (const schema::Run *run : *program.runs())
    for (uint32_t layer = run->first_layer(); layer < run->first_layer() + run->layers(); ++layer) {
      STRATA_TRY(checkWeights(program, *run, layer));
      STRATA_TRY(checkCache(program, *run, layer));
    }
  return {};
}

/// Experts in RAM have buffers of their own, which the experts arena accounts for.
Result<void> TierWalk::checkExpertArena() const {
  Checked needed;
  const schema::Program &program = *artifact.programs()->Get(0); // Each layer's tensors are in it once.
  for (const schema::Run *run : *program.runs()) {
    uint32_t slots = run->tensors() ? run->tensors()->size() / run->layers() : 0;
    for (uint32_t i = 0; i < slots * run->layers(); ++i) {
      const schema::Tensor &tensor = *artifact.tensors()->Get(run->tensors()->Get(i));
      const LayerSets &sets = layers[run->first_layer() + i / slots];
      if (tensor.tier() == schema::Tier::disk && sets.experts != 0)
        needed += slabBufferBytes(tensor.bytes() / sets.experts) * sets.inRam;
    }
  }
  uint64_t bytes = 0;
  for (const schema::Arena *arena : *artifact.arenas())
    if (arena->kind() == schema::ArenaKind::experts && arena->tier() == schema::Tier::ram)
      bytes = arena->bytes()->Get(0);
  if (needed.atMost(bytes))
    return {};
  return refuse("A19", fmt::format("the experts arena in ram has {} bytes and its experts take {}", bytes,
                                   needed.valid() ? std::to_string(needed.value()) : "more than 2^64"));
}

Result<void> TierWalk::run() {
  STRATA_TRY(readExperts());
  STRATA_TRY(checkExpertArena());
  for (const schema::Program *program : *artifact.programs())
    STRATA_TRY(checkProgram(*program));
  return {};
}

/// As the artifact's own settings encode activations and cache; F16 checks what others need.
uint64_t plannedBytes(const schema::Artifact &artifact, const schema::Arena &arena) {
  const schema::Settings &settings = *artifact.settings();
  switch (arena.kind()) {
  case schema::ArenaKind::kv:
    return arena.bytes()->Get(static_cast<uint32_t>(settings.kv()));
  case schema::ArenaKind::decode:
    return arena.bytes()->Get(static_cast<uint32_t>(settings.decode_activations()));
  case schema::ArenaKind::prompt:
  case schema::ArenaKind::chunk:
    return arena.bytes()->Get(static_cast<uint32_t>(settings.prompt_activations()));
  default:
    return arena.bytes()->Get(0);
  }
}

Result<void> checkBudgets(const schema::Artifact &artifact) {
  if (!artifact.budgets())
    return {};
  std::map<schema::Tier, bool> known;
  for (const schema::TierBudget *budget : *artifact.budgets()) {
    std::string tier = schema::EnumNameTier(budget->tier());
    if (!known.emplace(budget->tier(), true).second)
      return refuse("A30", fmt::format("the tier {} has two budgets", tier));
    if (budget->tier() == schema::Tier::disk)
      continue; // Its files are the model's: LocateModel finds out whether they are there.
    Checked sum = Checked(budget->reserved()) + budget->head_room();
    for (const schema::Arena *arena : *artifact.arenas())
      if (arena->tier() == budget->tier())
        sum += plannedBytes(artifact, *arena);
    if (!sum.atMost(budget->bytes()))
      return refuse("A30",
                    fmt::format("its arenas in {} with reserved bytes and head room have {} bytes, and the budget "
                                "is {}",
                                tier, sum.valid() ? std::to_string(sum.value()) : "more than 2^64", budget->bytes()));
  }
  return {};
}

} // namespace

Result<void> checkTiers(const schema::Artifact &artifact) {
  STRATA_TRY(checkBudgets(artifact));
  if (hasSeveralTiers(artifact))
    STRATA_TRY(TierWalk(artifact).run());
  return checkTransfers(artifact);
}

} // namespace strata::artifact
