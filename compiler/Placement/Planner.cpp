// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Placement/Planner.h"

#include "compiler/Placement/ArenaEstimate.h"
#include "compiler/Placement/ExpertPlacement.h"
#include "runtime/Base/Size.h"

#include <algorithm>
#include <fmt/format.h>

namespace strata {

std::string_view tierName(Tier tier) {
  constexpr std::array<std::string_view, kTiers> kNames = {"gpu", "ram", "disk"};
  return kNames[static_cast<size_t>(tier)];
}

uint32_t Plan::denseLayersIn(Tier tier) const {
  return static_cast<uint32_t>(
      std::count_if(layers.begin(), layers.end(), [&](const LayerPlacement &layer) { return layer.dense == tier; }));
}

uint32_t Plan::cacheSlots(uint32_t layer) const {
  if (pinnedInRam.empty())
    return 0;
  auto first = pinnedInRam.begin() + static_cast<ptrdiff_t>(size_t{layer - denseLayers} * expertsPerLayer);
  auto pinned = static_cast<uint32_t>(std::count(first, first + expertsPerLayer, true));
  return layers[layer].experts[static_cast<size_t>(Tier::Ram)] - pinned;
}

uint64_t Plan::cacheSlots() const {
  return of(Tier::Ram).experts - static_cast<uint64_t>(std::count(pinnedInRam.begin(), pinnedInRam.end(), true));
}

std::span<const uint64_t> Plan::usageOf(uint32_t layer) const {
  if (usage.empty())
    return {};
  return std::span(usage).subspan(size_t{layer - denseLayers} * expertsPerLayer, expertsPerLayer);
}

std::vector<uint32_t> Plan::mostUsed(uint32_t layer, Tier tier) const {
  std::vector<uint32_t> order;
  for (uint32_t expert = 0; expert < expertsPerLayer; ++expert)
    if (expertTier(layer, expert) == tier)
      order.push_back(expert);
  if (std::span<const uint64_t> counts = usageOf(layer); !counts.empty())
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return counts[a] > counts[b]; });
  return order;
}

bool Plan::inOneTier() const {
  Tier tier = hasGpu ? Tier::Gpu : Tier::Ram;
  return output == tier && embeddingTier == tier && denseLayersIn(tier) == layers.size() &&
         std::all_of(expertTiers.begin(), expertTiers.end(), [&](Tier one) { return one == tier; });
}

Tier tensorTier(const Plan &plan, const WeightTensor &tensor) {
  if (tensor.tensorClass == TensorClass::TokenEmbedding)
    return plan.embeddingTier;
  return tensor.scope == TensorScope::Model ? plan.output : plan.layers[tensor.layer].dense;
}

namespace {

/// One plan in the making. The steps are in the order in which place() takes them.
class Planner {
public:
  Planner(const ModelWeights &modelWeights, const MachineDescription &machineDescription,
          const PlanRequest &planRequest)
      : weights(modelWeights), machine(machineDescription), request(planRequest) {}

  Result<Plan> make();

private:
  Result<void> checkSizes() const;
  Result<void> checkUsage() const;
  void choosePromptTokens();
  void addArenas();
  void addArena(std::string name, Tier tier, Checked bytes);
  void addHostLayerArenas();
  void placeDense();
  bool placeExperts();
  void addStaging();
  void placeEmbedding();
  bool checkFixed(Tier tier);
  void checkExperts();
  void checkDisk();

  bool hasGpu() const { return machine.gpu.has_value(); }
  uint64_t layerKv() const { return kvTotal / std::max<uint64_t>(1, weights.layers.size()); }
  Checked promptArena(uint64_t promptTokens) const;
  Checked chunkArena() const;
  Checked decodeArena() const;
  Checked hostArenas(uint64_t promptTokens) const;
  uint64_t fixedBytes(uint64_t promptTokens) const;
  Checked gpuScratch(uint64_t promptTokens) const;
  Checked hostLayersBytes(uint64_t promptTokens) const;
  uint64_t expertBudget(Tier tier) const { return plan.of(tier).free(); }

  const ModelWeights &weights;
  const MachineDescription &machine;
  const PlanRequest &request;
  Plan plan;
  uint64_t kvTotal = 0;
};

Checked Planner::promptArena(uint64_t promptTokens) const {
  Checked row = request.arenas ? Checked(request.arenas->promptRow) : promptRowBytes(weights.description);
  return row * promptTokens;
}

Checked Planner::chunkArena() const {
  return request.arenas ? Checked(request.arenas->chunk)
                        : chunkRowBytes(weights.description) * request.settings.chunkTokens;
}

Checked Planner::decodeArena() const {
  return request.arenas ? Checked(request.arenas->decode)
                        : decodeBytes(weights.description, request.settings.sequences);
}

/// What the host needs beside a GPU, if that is known exactly.
Checked Planner::hostArenas(uint64_t promptTokens) const {
  return request.arenas ? Checked(request.arenas->hostPromptRow) * promptTokens + request.arenas->host : Checked();
}

/// Everything that the steps add up, added up once with care: if this is valid, no later sum overflows.
Result<void> Planner::checkSizes() const {
  const PlanSettings &settings = request.settings;
  Checked kv = kvBytes(weights.description, settings.kvNumberBytes, settings.context, settings.sequences);
  Checked arenas = promptArena(settings.promptTokens) * 2 + chunkArena() * 2 + decodeArena() * 2 +
                   ringBytes(weights, settings.sequences) * 2;
  Checked total = kv + arenas + weights.total + request.gpuHeadRoom + request.ramHeadRoom + kGpuProcessBytes +
                  kPinnedRingBytes + hostArenas(settings.promptTokens) + (hasGpu() ? machine.gpu->reservedBytes : 0);
  if (!total.valid())
    return fail(
        ExitCode::CommandLine, "",
        fmt::format("--context={} with --sequences={}, --prompt-tokens={} and --chunk-tokens={} needs more than "
                    "2^64 bytes; choose smaller ones",
                    settings.context, settings.sequences, settings.promptTokens, settings.chunkTokens));
  return {};
}

Result<void> Planner::checkUsage() const {
  if (request.cachePolicy == CachePolicyKind::PinnedLru && request.usage.empty())
    return fail(
        ExitCode::CommandLine, "",
        "--cache-policy=pinned-lru pins the experts that are used most, and nothing says which they are; give a "
        "routing trace or a usage file of strata-run with --trace");
  if (request.usage.empty() || request.usage.size() == weights.routedExperts())
    return {};
  return fail(ExitCode::Input, "",
              fmt::format("the usage counts are for {} experts and the model has {}: they are another model's; count "
                          "again with this one",
                          request.usage.size(), weights.routedExperts()));
}

/// What must fit into the memory of the device that computes prompts.
uint64_t Planner::fixedBytes(uint64_t promptTokens) const {
  const PlanSettings &settings = request.settings;
  Checked bytes = promptArena(promptTokens) + chunkArena() + decodeArena() + kvTotal;
  bytes += weights.total - weights.routedBytes() - weights.embedding;
  bytes += hasGpu() ? machine.gpu->reservedBytes : kHostProcessBytes + weights.embedding;
  bool allResident = !hasGpu() && !machine.disk;
  bytes += allResident ? weights.routedBytes()
                       : std::min(ringBytes(weights, settings.sequences).value(), weights.routedBuffers());
  return bytes.value();
}

/// What the GPU needs beside weights and cache.
Checked Planner::gpuScratch(uint64_t promptTokens) const {
  uint64_t ring = std::min(ringBytes(weights, request.settings.sequences).value(), weights.routedBuffers());
  return promptArena(promptTokens) + chunkArena() + decodeArena() + machine.gpu->reservedBytes + ring;
}

/// What RAM needs at most beside a GPU that has not all layers, experts left out.
Checked Planner::hostLayersBytes(uint64_t promptTokens) const {
  Checked arenas = request.arenas ? hostArenas(promptTokens)
                                  : promptRowBytes(weights.description) * promptTokens + chunkArena() + decodeArena();
  uint64_t ring = std::max(ringBytes(weights, request.settings.sequences).value(), kPinnedRingBytes);
  return arenas + (weights.total - weights.routedBytes()) + kvTotal + kGpuProcessBytes +
         std::min(ring, weights.routedBuffers());
}

void Planner::choosePromptTokens() {
  plan.settings = request.settings;
  plan.promptTokensWished = request.settings.promptTokens;
  if (request.promptTokensGiven)
    return;
  uint64_t budget = hasGpu() ? machine.gpu->memoryBytes : machine.ramBytes;
  uint64_t headRoom = hasGpu() ? request.gpuHeadRoom : request.ramHeadRoom;
  uint64_t &tokens = plan.settings.promptTokens;
  auto halveWhile = [&](auto &&tooMany) {
    while (tokens / 2 >= plan.settings.chunkTokens && tooMany())
      tokens /= 2;
  };
  halveWhile([&] { return fixedBytes(tokens) + headRoom > budget; });
  if (!hasGpu() || fixedBytes(tokens) + headRoom <= budget)
    return;
  // Layers go to the host in any case: then a prompt need not pay for those that stay, as every pass reads all experts.
  tokens = request.settings.promptTokens;
  halveWhile([&] {
    Checked ram = hostLayersBytes(tokens) + request.ramHeadRoom;
    return !(promptArena(tokens) * 4).atMost(budget) || !(gpuScratch(tokens) + headRoom).atMost(budget) ||
           !ram.atMost(machine.ramBytes);
  });
}

void Planner::addArena(std::string name, Tier tier, Checked bytes) {
  plan.of(tier).scratch += bytes.value();
  plan.arenas.push_back({std::move(name), tier, bytes.value()});
}

/// What the host needs for the layers that it computes beside a GPU, or for the head alone.
void Planner::addHostLayerArenas() {
  if (request.arenas)
    return; // They are in what the host needs.
  bool layers = plan.denseLayersIn(Tier::Ram) != 0;
  Checked row = layers ? promptRowBytes(weights.description) : residualRowBytes(weights.description);
  addArena("prompt", Tier::Ram, row * plan.settings.promptTokens);
  addArena("chunk", Tier::Ram, layers ? chunkArena() : residualRowBytes(weights.description));
  addArena("decode", Tier::Ram, decodeArena());
}

void Planner::addArenas() {
  Tier device = hasGpu() ? Tier::Gpu : Tier::Ram;
  addArena("process", Tier::Ram, hasGpu() ? kGpuProcessBytes : kHostProcessBytes);
  addArena("prompt", device, promptArena(plan.settings.promptTokens));
  if (!hasGpu()) {
    addArena("chunk", Tier::Ram, chunkArena());
    addArena("decode", Tier::Ram, decodeArena());
    return;
  }
  Checked ring = ringBytes(weights, plan.settings.sequences);
  addArena("driver", Tier::Gpu, machine.gpu->reservedBytes);
  addArena("chunk", Tier::Gpu, chunkArena());
  addArena("decode", Tier::Gpu, decodeArena());
  addArena("staging", Tier::Gpu, std::min(ring.value(), weights.routedBuffers()));
  addArena("staging", Tier::Ram, std::min(std::max(ring.value(), kPinnedRingBytes), weights.routedBuffers()));
  if (Checked host = hostArenas(plan.settings.promptTokens); !host.atMost(0))
    addArena("host", Tier::Ram, host);
}

/// The first layers that fit, each with its part of the cache, and after all layers the output matrix. What does not
/// fit is a whole layer, so that a token goes from the GPU to the host once.
void Planner::placeDense() {
  plan.layers.resize(weights.layers.size());
  plan.embedding = weights.embedding;
  plan.of(Tier::Ram).dense = weights.embedding;
  bool open = hasGpu();
  auto place = [&](uint64_t dense, uint64_t kv) {
    open = open && dense + kv <= plan.of(Tier::Gpu).free();
    Tier tier = open ? Tier::Gpu : Tier::Ram;
    plan.of(tier).dense += dense;
    plan.of(tier).kv += kv;
    return tier;
  };
  for (size_t i = 0; i < plan.layers.size(); ++i)
    plan.layers[i].dense = place(weights.layers[i].dense, layerKv());
  plan.output = place(weights.output, 0);
  if (hasGpu() && plan.output == Tier::Ram)
    addHostLayerArenas();
}

/// False, with a shortfall, if the fixed parts alone are too much for a tier.
bool Planner::checkFixed(Tier tier) {
  const TierUse &use = plan.of(tier);
  uint64_t need = use.used() + use.headRoom;
  if (need <= use.budget)
    return true;
  plan.shortfall =
      Shortfall{tier, need - use.budget,
                fmt::format("dense weights {}, KV cache {}, scratch {} and head room {}", formatBytes(use.dense),
                            formatBytes(use.kv), formatBytes(use.scratch), formatBytes(use.headRoom))};
  return false;
}

/// True if all are in memory.
bool Planner::placeExperts() {
  distributeExperts(plan, weights, expertBudget(Tier::Gpu), expertBudget(Tier::Ram));
  return std::find(plan.expertTiers.begin(), plan.expertTiers.end(), Tier::Disk) == plan.expertTiers.end();
}

/// Without a GPU only experts that are read from disk need staging; it comes out of what the experts would have had.
void Planner::addStaging() {
  bool fixedFits = plan.of(Tier::Ram).used() + plan.of(Tier::Ram).headRoom <= machine.ramBytes;
  plan.expertsApart = hasGpu();
  if (hasGpu() || !machine.disk || (fixedFits && placeExperts()))
    return;
  plan.expertsApart = true;
  Checked ring = ringBytes(weights, plan.settings.sequences);
  addArena("staging", Tier::Ram, std::min(ring.value(), weights.routedBuffers()));
}

/// Where all else is on the GPU, the embedding goes there too, if it fits: then the host has nothing to do.
void Planner::placeEmbedding() {
  uint64_t onGpu = plan.of(Tier::Gpu).experts;
  if (!hasGpu() || plan.output != Tier::Gpu || plan.denseLayersIn(Tier::Ram) != 0 || onGpu != plan.expertTiers.size() ||
      weights.embedding > plan.of(Tier::Gpu).free())
    return;
  plan.embeddingTier = Tier::Gpu;
  plan.of(Tier::Gpu).dense += weights.embedding;
  plan.of(Tier::Ram).dense -= weights.embedding;
}

/// Where nothing can be read from a disk, what no memory holds is missing.
void Planner::checkExperts() {
  if (machine.disk || plan.of(Tier::Disk).experts == 0)
    return;
  uint64_t left = 0;
  for (uint32_t layer = 0; layer < weights.expertLayers(); ++layer)
    left += plan.layers[plan.denseLayers + layer].experts[static_cast<size_t>(Tier::Disk)] *
            expertBytes(plan, weights.layers[plan.denseLayers + layer], Tier::Ram);
  if (plan.shortfall) {
    plan.shortfall->bytes += left;
    plan.shortfall->why += " with all experts, since the machine has no disk to read them from";
  } else {
    plan.shortfall = Shortfall{Tier::Ram, left - plan.of(Tier::Ram).free(),
                               fmt::format("experts of {} that neither memory holds, since the machine has no disk to "
                                           "read them from",
                                           formatBytes(left))};
  }
}

/// Weights stay in the model's files, so the disk must hold all of them, whatever else is in memory.
void Planner::checkDisk() {
  if (plan.shortfall || !machine.disk || machine.disk->capacityBytes == 0 ||
      weights.fileBytes <= machine.disk->capacityBytes)
    return;
  plan.shortfall = Shortfall{Tier::Disk, weights.fileBytes - machine.disk->capacityBytes,
                             fmt::format("the model's files of {}", formatBytes(weights.fileBytes))};
}

Result<Plan> Planner::make() {
  STRATA_TRY(checkSizes());
  STRATA_TRY(checkUsage());
  const ModelDescription &description = weights.description;
  plan.denseLayers = std::min(description.denseLayers, description.layers);
  plan.expertsPerLayer = description.experts;
  plan.hasGpu = hasGpu();
  plan.usage = request.usage;
  plan.trace = request.trace;
  plan.cachePolicy =
      request.cachePolicy.value_or(request.usage.empty() ? CachePolicyKind::Lru : CachePolicyKind::Pinned);
  kvTotal = kvBytes(description, request.settings.kvNumberBytes, request.settings.context, request.settings.sequences)
                .value();
  plan.of(Tier::Gpu).budget = hasGpu() ? machine.gpu->memoryBytes : 0;
  plan.of(Tier::Gpu).headRoom = hasGpu() ? request.gpuHeadRoom : 0;
  plan.of(Tier::Ram).budget = machine.ramBytes;
  plan.of(Tier::Ram).headRoom = request.ramHeadRoom;
  plan.of(Tier::Disk).budget = machine.disk ? machine.disk->capacityBytes : 0;

  choosePromptTokens();
  addArenas();
  if (!checkFixed(Tier::Gpu))
    return plan;
  placeDense();
  addStaging();
  if (!checkFixed(Tier::Ram) && machine.disk)
    return plan;
  placeExperts();
  countExperts(plan, weights);
  placeEmbedding();
  checkExperts();
  checkDisk();
  return plan;
}

} // namespace

Result<Plan> makePlan(const ModelWeights &weights, const MachineDescription &machine, const PlanRequest &request) {
  return Planner(weights, machine, request).make();
}

} // namespace strata
