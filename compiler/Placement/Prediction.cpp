// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Placement/Prediction.h"

#include "compiler/Placement/CacheModel.h"
#include "compiler/Placement/PromptOverlap.h"
#include "runtime/Base/HostLimits.h"
#include "runtime/Routing/NearlyAllExperts.h"
#include "runtime/Schema/RowBytes.h"

#include <algorithm>
#include <cmath>

namespace strata {

std::string_view costTermName(CostTerm term) {
  constexpr std::array<std::string_view, kCostTerms> kNames = {
      "dense weights", "attention", "experts on the GPU", "experts on the host", "disk reads", "transfers", "products"};
  return kNames[static_cast<size_t>(term)];
}

double skewedHitRate(double residency) {
  return std::pow(residency, 0.43);
}

namespace {

constexpr double kFloat = 4;
/// Of a small transfer between host and GPU, beside its bytes.
constexpr double kTransferLatency = 10e-6;
constexpr uint64_t kPromptLengths[] = {75, 512, 1024, 2048, 8192, 32768};
/// The disk reads what one expert's matrix has, a third of an expert.
constexpr uint64_t kMatrices = 3;

/// Bytes that one core reads directly and checks in a second, beside others that compute (docs/benchmarks.md).
constexpr double kReadByCore = 4e9;

/// How fast the host's cores are with quantised weights, against int8 activations, as docs/benchmarks.md has it.
struct HostSpeed {
  double decoding; ///< Of the memory's bandwidth.
  double prompts;  ///< Of the machine's product rate, which is that of int8.
};

HostSpeed hostSpeed(schema::ActivationEncoding activations) {
  switch (activations) {
  case schema::ActivationEncoding::i8:
    return {1, 1};
  case schema::ActivationEncoding::i16:
    return {0.95, 0.53};
  case schema::ActivationEncoding::f32:
    break;
  }
  return {0.07, 0.015};
}

size_t at(Tier tier) {
  return static_cast<size_t>(tier);
}

double seconds(double amount, const Figure &rate) {
  return amount == 0 ? 0 : amount / rate.value;
}

/// The total of terms that follow each other and of terms that run beside each other, and the largest of those that
/// count.
void conclude(Cost &cost, std::initializer_list<CostTerm> sequential, std::initializer_list<CostTerm> parallel) {
  auto longer = [&](CostTerm a, CostTerm b) { return cost.of(a) < cost.of(b); };
  cost.bottleneck = std::max(parallel, longer);
  cost.total = cost.of(cost.bottleneck);
  for (CostTerm term : sequential) {
    cost.total += cost.of(term);
    if (longer(cost.bottleneck, term))
      cost.bottleneck = term;
  }
}

class Predictor {
public:
  Predictor(const Plan &finishedPlan, const ModelWeights &modelWeights, const MachineDescription &machineDescription)
      : plan(finishedPlan), weights(modelWeights), machine(machineDescription),
        gpu(machineDescription.gpu.value_or(GpuDescription{})) {
    if (machine.disk)
      slabRead = bestRead(*machine.disk, std::max<uint64_t>(1, weights.largestExpert() / kMatrices));
    disk = slabRead.bandwidth;
  }

  /// `expertBytes` by tier, of the reads of one token.
  TokenPrediction token(const std::array<double, kTiers> &expertBytes) const;
  std::array<double, kTiers> uniformBytes() const;
  std::array<double, kTiers> tracedBytes() const;
  std::array<double, kTiers> bytesWithHits(double hitRate) const;
  PromptPrediction prompt(uint64_t tokens) const;
  void load(Prediction &prediction) const;

private:
  /// Operations of attention for one token with `positions` before it, in one layer: absorbed, as every device does it.
  double attentionOperations(double positions) const;
  /// Counts the pass's terms; its time if the host computes it.
  double addPass(double start, double tokens, PromptPrediction &prompt) const;
  double stagingBytes() const;
  double computingShare() const;
  double secondsOfReading(double bytes) const;
  /// Rows of a decoded token that go from one device to the other, one after the other: of the embedding, to and from
  /// the host's experts of every layer of the GPU, and where the host's layers begin.
  double exchangedRows() const;
  /// Seconds in which rows of a prompt's tokens go to the other device, which waits for them.
  double exchangeSeconds(double tokens) const;
  double denseParameters(Tier tier) const;
  uint32_t coldExperts(uint32_t layer) const;

  const Plan &plan;
  const ModelWeights &weights;
  const MachineDescription &machine;
  GpuDescription gpu;
  DiskRead slabRead; ///< Of an expert's matrix; nothing without a disk.
  Figure disk;       ///< Its bandwidth.
};

double Predictor::attentionOperations(double positions) const {
  const ModelDescription &description = weights.description;
  return 2.0 * description.heads * positions * (2.0 * description.latent + description.rope);
}

TokenPrediction Predictor::token(const std::array<double, kTiers> &expertBytes) const {
  TokenPrediction token;
  token.expertBytes = expertBytes;
  double all = expertBytes[0] + expertBytes[1] + expertBytes[2];
  token.hitRate = all == 0 ? 1 : 1 - expertBytes[at(Tier::Disk)] / all;
  double position = static_cast<double>(plan.settings.context);
  double layerKv = position * (weights.description.latent + weights.description.rope) *
                   static_cast<double>(plan.settings.kvNumberBytes);
  std::array<double, kTiers> kv = {};
  std::array<double, kTiers> attention = {};
  for (size_t i = 0; i < plan.layers.size(); ++i) {
    size_t tier = at(plan.layers[i].dense);
    token.denseBytes[tier] += static_cast<double>(weights.layers[i].dense);
    kv[tier] += layerKv;
    attention[tier] += attentionOperations(position);
  }
  token.denseBytes[at(plan.output)] += static_cast<double>(weights.output);

  auto &terms = token.cost.seconds;
  const HostFigures &host = machine.host;
  auto term = [&](CostTerm which) -> double & { return terms[static_cast<size_t>(which)]; };
  double hostShare = hostSpeed(plan.settings.decodeActivations).decoding;
  term(CostTerm::DenseWeights) = seconds(token.denseBytes[at(Tier::Gpu)], gpu.bandwidth) +
                                 seconds(token.denseBytes[at(Tier::Ram)] / hostShare, host.memoryBandwidth);
  term(CostTerm::Attention) =
      std::max(seconds(kv[at(Tier::Gpu)], gpu.bandwidth), seconds(attention[at(Tier::Gpu)], gpu.attentionRate)) +
      std::max(seconds(kv[at(Tier::Ram)], host.memoryBandwidth), seconds(attention[at(Tier::Ram)], host.attentionRate));
  term(CostTerm::GpuExperts) = seconds(expertBytes[at(Tier::Gpu)], gpu.bandwidth);
  term(CostTerm::HostExperts) =
      seconds((expertBytes[at(Tier::Ram)] + expertBytes[at(Tier::Disk)]) / hostShare, host.memoryBandwidth);
  term(CostTerm::DiskReads) = seconds(expertBytes[at(Tier::Disk)], disk);
  if (double rows = exchangedRows(); rows != 0)
    term(CostTerm::Transfers) = rows * (seconds(weights.description.embedding * kFloat, gpu.pcie) + kTransferLatency);
  for (Tier tier : {Tier::Gpu, Tier::Ram})
    token.denseBytes[at(tier)] += kv[at(tier)];
  conclude(token.cost, {CostTerm::DenseWeights, CostTerm::Attention, CostTerm::Transfers},
           {CostTerm::DiskReads, CostTerm::HostExperts, CostTerm::GpuExperts});
  return token;
}

double Predictor::exchangedRows() const {
  uint32_t layers = plan.denseLayersIn(Tier::Gpu), expertLayers = 0;
  bool elsewhere = false;
  for (uint32_t layer = plan.denseLayers; layer < layers; ++layer, ++expertLayers)
    elsewhere |= plan.layers[layer].experts[at(Tier::Gpu)] != plan.expertsPerLayer;
  if (layers == 0)
    return 0;
  return (plan.embeddingTier == Tier::Ram ? 1 : 0) + (plan.output == Tier::Ram ? 1 : 0) +
         (elsewhere ? 2.0 * expertLayers : 0);
}

double Predictor::exchangeSeconds(double tokens) const {
  if (!plan.hasGpu)
    return 0;
  uint32_t layers = plan.denseLayersIn(Tier::Gpu);
  double row = weights.description.embedding * kFloat;
  // To the GPU go the normalised row, as products take it, and the router's choice; the sum comes back.
  Checked products =
      valueRowBytes(schema::Element::activation, plan.settings.promptActivations, weights.description.embedding);
  double toGpu = static_cast<double>(products.value()) + weights.description.expertsUsed * 2 * kFloat;
  double bytes = 0;
  if (layers != 0)
    bytes += (plan.embeddingTier == Tier::Ram ? row : 0) + (plan.output == Tier::Ram ? row : 0);
  for (size_t layer = std::max(plan.denseLayers, layers); layer < plan.layers.size(); ++layer)
    bytes += toGpu + row;
  return seconds(tokens * bytes, gpu.pcie);
}

std::array<double, kTiers> Predictor::uniformBytes() const {
  std::array<double, kTiers> bytes = {};
  double share = static_cast<double>(weights.description.expertsUsed) / std::max(1u, weights.description.experts);
  for (size_t i = 0; i < plan.layers.size(); ++i)
    for (size_t tier = 0; tier < kTiers; ++tier)
      bytes[tier] += share * plan.layers[i].experts[tier] * static_cast<double>(weights.layers[i].expert);
  return bytes;
}

/// Each layer's reads divided as its counts are; a layer that was never used counts as uniform.
std::array<double, kTiers> Predictor::tracedBytes() const {
  std::array<double, kTiers> bytes = {};
  for (uint32_t layer = plan.denseLayers; layer < plan.layers.size(); ++layer) {
    std::array<double, kTiers> uses = servedUses(plan, layer);
    double all = uses[0] + uses[1] + uses[2];
    double reads = static_cast<double>(weights.layers[layer].expert) * weights.description.expertsUsed;
    for (size_t tier = 0; tier < kTiers; ++tier)
      bytes[tier] += reads * (all > 0 ? uses[tier] / all
                                      : static_cast<double>(plan.layers[layer].experts[tier]) / plan.expertsPerLayer);
  }
  return bytes;
}

std::array<double, kTiers> Predictor::bytesWithHits(double hitRate) const {
  std::array<double, kTiers> bytes = uniformBytes();
  double resident = bytes[at(Tier::Gpu)] + bytes[at(Tier::Ram)];
  double all = weights.routedBytesPerToken();
  double gpuShare = resident == 0 ? 0 : bytes[at(Tier::Gpu)] / resident;
  return {all * hitRate * gpuShare, all * hitRate * (1 - gpuShare), all * (1 - hitRate)};
}

double Predictor::denseParameters(Tier tier) const {
  double parameters = 0;
  for (size_t i = 0; i < plan.layers.size(); ++i)
    if (plan.layers[i].dense == tier)
      parameters += static_cast<double>(weights.layers[i].denseParameters);
  return parameters;
}

/// Experts that RAM has room for and that loading does not read: the first prompt does.
uint32_t Predictor::coldExperts(uint32_t layer) const {
  return plan.expertsApart && layer >= plan.denseLayers ? plan.cacheSlots(layer) : 0;
}

/// Of the buffers in RAM that experts of all layers pass through.
double Predictor::stagingBytes() const {
  double bytes = 0;
  for (const PlannedArena &arena : plan.arenas)
    if (arena.name == "staging" && arena.tier == Tier::Ram)
      bytes += static_cast<double>(arena.bytes);
  return bytes;
}

/// Of the host's cores, those that compute: figures of the machine are of all.
double Predictor::computingShare() const {
  return plan.expertsApart && machine.disk ? static_cast<double>(coresBesideReads(machine.cores)) / machine.cores : 1;
}

/// What reading takes from computing, where it has no core of its own.
double Predictor::secondsOfReading(double bytes) const {
  return coresBesideReads(machine.cores) < machine.cores ? 0 : bytes / kReadByCore / machine.cores;
}

/// One pass over the model with `tokens` tokens after `start` others. Every touched expert is read once; reads, uploads
/// and compute run beside each other.
double Predictor::addPass(double start, double tokens, PromptPrediction &prompt) const {
  const ModelDescription &description = weights.description;
  auto term = [&](CostTerm which) -> double & { return prompt.cost.seconds[static_cast<size_t>(which)]; };
  double used = static_cast<double>(description.expertsUsed) / std::max(1u, description.experts);
  double touched = 1 - std::pow(1 - used, tokens);
  double diskBytes = 0, uploaded = 0, expertOperations = 0;
  double attention = attentionOperations(start + tokens / 2) * tokens;
  const HostFigures &host = machine.host;
  double computing = computingShare(), hostShare = hostSpeed(plan.settings.promptActivations).prompts * computing;
  std::vector<LayerPass> passes(plan.layers.size());
  // Of caches that are empty a layer has its own to read into, and those of the layers behind it.
  auto emptySlots = [&](size_t layer) { return start == 0 ? coldExperts(static_cast<uint32_t>(layer)) : 0; };
  double room = stagingBytes();
  for (size_t i = 0; i < plan.layers.size(); ++i)
    room += static_cast<double>(emptySlots(i) * weights.layers[i].expertBuffers);
  for (size_t i = 0; i < plan.layers.size(); ++i) {
    const auto &experts = plan.layers[i].experts;
    const LayerWeights &layer = weights.layers[i];
    double bytes = touched * static_cast<double>(layer.expert);
    double read = bytes * (experts[at(Tier::Disk)] + emptySlots(i));
    diskBytes += read;
    uploaded += plan.hasGpu ? bytes * (experts[at(Tier::Ram)] + experts[at(Tier::Disk)]) : 0;
    double operations = 2 * tokens * description.expertsUsed * static_cast<double>(layer.expertParameters);
    expertOperations += operations;
    passes[i].before = seconds(2 * tokens * static_cast<double>(layer.denseParameters) / hostShare, host.productRate) +
                       seconds(attention / computing, host.attentionRate);
    passes[i].experts = seconds(operations / hostShare, host.productRate) + secondsOfReading(read);
    passes[i].reads = seconds(read, disk);
    passes[i].room = read == 0 ? 0 : seconds(room, disk);
    room -= static_cast<double>(emptySlots(i) * layer.expertBuffers);
  }
  double onGpu = attention * plan.denseLayersIn(Tier::Gpu), onHost = attention * plan.denseLayersIn(Tier::Ram);
  prompt.diskBytes += diskBytes;
  term(CostTerm::DiskReads) += seconds(diskBytes, disk);
  double exchanged = exchangeSeconds(tokens);
  prompt.exchangeSeconds += exchanged;
  term(CostTerm::Transfers) += seconds(uploaded, gpu.pcie) + exchanged;
  double onGpuProducts = 2 * tokens * denseParameters(Tier::Gpu),
         onHostProducts = 2 * tokens * denseParameters(Tier::Ram);
  (plan.promptDevice() == ComputeDevice::Gpu ? onGpuProducts : onHostProducts) += expertOperations;
  term(CostTerm::Products) +=
      seconds(onGpuProducts, gpu.productRate) + seconds(onHostProducts / hostShare, host.productRate);
  term(CostTerm::Attention) += seconds(onGpu, gpu.attentionRate) + seconds(onHost / computing, host.attentionRate);
  return overlappedSeconds(
      passes, usesNearlyAllExperts(static_cast<uint64_t>(tokens), description.expertsUsed, description.experts));
}

PromptPrediction Predictor::prompt(uint64_t tokens) const {
  PromptPrediction prompt;
  prompt.tokens = tokens;
  double onHost = 0;
  for (uint64_t start = 0; start < tokens; start += plan.settings.promptTokens, ++prompt.passes)
    onHost += addPass(static_cast<double>(start),
                      static_cast<double>(std::min(plan.settings.promptTokens, tokens - start)), prompt);
  // Beside a GPU, reads and uploads go on while the devices compute; products, attention and rows that change the
  // device follow each other.
  Cost &cost = prompt.cost;
  double compute = cost.of(CostTerm::Products) + cost.of(CostTerm::Attention) + prompt.exchangeSeconds;
  double moved = std::max(cost.of(CostTerm::DiskReads), cost.of(CostTerm::Transfers));
  cost.total = plan.hasGpu ? std::max(compute, moved) : onHost;
  auto larger = [&](CostTerm a, CostTerm b) { return cost.of(a) < cost.of(b) ? b : a; };
  cost.bottleneck = compute > moved ? larger(CostTerm::Products, CostTerm::Attention)
                                    : larger(CostTerm::DiskReads, CostTerm::Transfers);
  return prompt;
}

void Predictor::load(Prediction &prediction) const {
  prediction.disk = disk;
  if (disk.value == 0)
    return;
  prediction.readDepth = slabRead.depth;
  auto dense = static_cast<double>(plan.of(Tier::Gpu).dense), gpuBytes = dense;
  dense += static_cast<double>(plan.of(Tier::Ram).dense);
  gpuBytes += static_cast<double>(plan.of(Tier::Gpu).expertBytes);
  double resident = dense + static_cast<double>(plan.of(Tier::Gpu).expertBytes);
  for (uint32_t layer = plan.denseLayers; layer < plan.layers.size(); ++layer) {
    uint64_t read = plan.layers[layer].experts[static_cast<size_t>(Tier::Ram)] - coldExperts(layer);
    resident += static_cast<double>(read * weights.layers[layer].expert);
  }
  double upload = plan.hasGpu ? seconds(gpuBytes, gpu.pcie) : 0;
  prediction.loadSeconds = std::max(seconds(resident, disk), upload);
  prediction.denseLoadSeconds = seconds(dense, disk);
}

} // namespace

double residency(const Plan &plan) {
  uint64_t resident = plan.of(Tier::Gpu).experts + plan.of(Tier::Ram).experts;
  uint64_t all = resident + plan.of(Tier::Disk).experts;
  return all == 0 ? 1 : static_cast<double>(resident) / static_cast<double>(all);
}

TokenPrediction predictToken(const Plan &plan, const ModelWeights &weights, const MachineDescription &machine,
                             double hitRate) {
  Predictor predictor(plan, weights, machine);
  return predictor.token(predictor.bytesWithHits(hitRate));
}

Prediction predict(const Plan &plan, const ModelWeights &weights, const MachineDescription &machine) {
  Predictor predictor(plan, weights, machine);
  Prediction prediction;
  prediction.uniform = predictor.token(predictor.uniformBytes());
  // What is pinned without knowing who is used most gains nothing from some being used more.
  bool blind = plan.cachePolicy == CachePolicyKind::Pinned && plan.usage.empty();
  prediction.skewed =
      predictor.token(predictor.bytesWithHits(blind ? residency(plan) : skewedHitRate(residency(plan))));
  if (!plan.usage.empty())
    prediction.traced = predictor.token(predictor.tracedBytes());
  for (uint64_t tokens : kPromptLengths)
    if (tokens <= plan.settings.context)
      prediction.prompts.push_back(predictor.prompt(tokens));
  predictor.load(prediction);
  return prediction;
}

} // namespace strata
