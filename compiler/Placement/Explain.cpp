// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Placement/Explain.h"

#include "compiler/Support/FormatCount.h"
#include "runtime/Base/Size.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace strata {

namespace {

class Explanation {
public:
  Explanation(const Plan &finishedPlan, const ModelWeights &modelWeights, const WeightTensor &explained)
      : plan(finishedPlan), weights(modelWeights), tensor(explained) {}

  std::string ofTensor();
  std::string ofExpert(uint32_t expert);
  std::string ofLayer();

private:
  template <typename... Args> void line(fmt::format_string<Args...> form, Args &&...args) {
    text += fmt::format(form, std::forward<Args>(args)...) + "\n";
  }
  void addRooms();
  void addShares();
  void addPolicy(uint32_t slots);
  void addHostLayer();
  uint64_t room(Tier tier) const { return plan.of(tier).free() + plan.of(tier).expertBytes; }
  const std::array<uint32_t, kTiers> &layerExperts() const { return plan.layers[tensor.layer].experts; }

  const Plan &plan;
  const ModelWeights &weights;
  const WeightTensor &tensor;
  std::string text;
};

std::string Explanation::ofTensor() {
  Tier tier = tensorTier(plan, tensor);
  line("{}: tier {}, {} B", escapeName(tensor.name), tierName(tier), formatCount(tensor.bytes));
  if (tensor.tensorClass == TensorClass::TokenEmbedding) {
    line("  a token needs one row of it, {} B: it is in RAM, unless all of the model fits the GPU{}",
         formatCount(tensor.bytes / std::max(1u, weights.description.vocabulary)),
         tier == Tier::Gpu ? ", as it does" : "");
    return text;
  }
  line("  every token reads all of it, so it is never on the disk");
  if (!plan.hasGpu) {
    line("  the machine has no GPU, so it is in RAM");
    return text;
  }
  const TierUse &gpu = plan.of(Tier::Gpu);
  line(
      "  of the GPU's {}, {} are scratch and {} head room; the rest takes layers from the first on, each with its part "
      "of the KV cache, then the output matrix, then experts of these layers",
      formatBytes(gpu.budget), formatBytes(gpu.scratch), formatBytes(gpu.headRoom));
  uint32_t onGpu = plan.denseLayersIn(Tier::Gpu);
  if (onGpu == plan.layers.size() && plan.output == Tier::Gpu)
    line("  all layers and the output matrix fit");
  else
    line("  {} of {} layers fit; the host computes the others as a whole, and the head after them, from RAM", onGpu,
         plan.layers.size());
  return text;
}

/// How much of each memory experts could have.
void Explanation::addRooms() {
  for (Tier tier : {Tier::Gpu, Tier::Ram}) {
    const TierUse &use = plan.of(tier);
    if (tier == Tier::Gpu && !plan.hasGpu)
      continue;
    line("  {}: {} - dense weights {} - KV cache {} - scratch {} - head room {} = {}: {} experts", tierName(tier),
         formatBytes(use.budget), formatBytes(use.dense), formatBytes(use.kv), formatBytes(use.scratch),
         formatBytes(use.headRoom), formatBytes(room(tier)), formatCount(use.experts));
  }
  line("  disk: the other {} experts", formatCount(plan.of(Tier::Disk).experts));
}

void Explanation::addShares() {
  auto [gpu, ram, disk] = layerExperts();
  uint32_t slots = plan.cacheSlots(tensor.layer);
  if (!plan.usage.empty()) {
    line("  the usage counts rank all experts by their share of their layer's uses; gpu takes the first that fit, ram "
         "the next{}: {}, {} and {} of this layer's",
         slots == 0 ? "" : ", as many of every layer", gpu, ram, disk);
    addPolicy(slots);
    return;
  }
  line("  without usage counts every layer gets the same number, and the first layers with the smallest experts one "
       "more "
       "while there is room");
  line("  layer {}: {} on gpu (the lowest numbers, pinned), {} in ram (the next; {}), {} on disk", tensor.layer, gpu,
       ram, slots == 0 && ram != 0 ? "pinned" : "slots of a cache", disk);
  addPolicy(slots);
}

/// Why no expert of a layer is on the GPU.
void Explanation::addHostLayer() {
  if (plan.hasGpu && plan.layers[tensor.layer].dense == Tier::Ram)
    line("  the host computes layer {}, since the GPU has room for the dense weights of {} of {} layers: none of its "
         "experts is there",
         tensor.layer, plan.denseLayersIn(Tier::Gpu), plan.layers.size());
}

/// What makes room in the cache.
void Explanation::addPolicy(uint32_t slots) {
  if (slots != 0)
    line("  cache policy {}: {} in ram are pinned, {} are slots", cachePolicyName(plan.cachePolicy),
         layerExperts()[static_cast<size_t>(Tier::Ram)] - slots, slots);
}

std::string Explanation::ofLayer() {
  auto [gpu, ram, disk] = layerExperts();
  line("{}: {} experts of {} B, a part of {} B each; {} on gpu, {} in ram, {} on disk", escapeName(tensor.name),
       plan.expertsPerLayer, formatCount(weights.layers[tensor.layer].expert),
       formatCount(tensor.bytes / std::max(1u, plan.expertsPerLayer)), gpu, ram, disk);
  addRooms();
  addHostLayer();
  addShares();
  return text;
}

std::string Explanation::ofExpert(uint32_t expert) {
  Tier tier = plan.expertTier(tensor.layer, expert);
  line("{}, expert {}: tier {}, {} B", escapeName(tensor.name), expert, tierName(tier),
       formatCount(weights.layers[tensor.layer].expert));
  addRooms();
  addHostLayer();
  addShares();
  if (!plan.usage.empty())
    line("  it was used {} times",
         formatCount(plan.usage[size_t{tensor.layer - plan.denseLayers} * plan.expertsPerLayer + expert]));
  bool gpu = plan.decodeDevice(tensor.layer, expert) == ComputeDevice::Gpu;
  line("  decoding: computed by the {}, {}", gpu ? "GPU" : "host's cores",
       tier == Tier::Disk ? "after a read from the disk" : "where it is");
  line("  prompts: computed by the {}", plan.promptDevice() == ComputeDevice::Host ? "host's cores"
                                        : tier == Tier::Gpu ? "GPU"
                                                            : "GPU, to which it is uploaded once per prompt");
  return text;
}

tl::unexpected<Error> unknown(std::string message) {
  return fail(ExitCode::CommandLine, "", std::move(message));
}

} // namespace

Result<std::string> explain(const Plan &plan, const ModelWeights &weights, std::string_view what) {
  std::string_view name = what.substr(0, what.find('/'));
  auto found = std::find_if(weights.tensors.begin(), weights.tensors.end(),
                            [&](const WeightTensor &tensor) { return tensor.name == name; });
  if (found == weights.tensors.end())
    return unknown(fmt::format("--explain={}: the model uses no tensor of that name; names are those of the file, as "
                               "blk.3.ffn_gate_exps.weight/31",
                               escapeName(what)));
  if (plan.shortfall)
    return fail(ExitCode::Machine, "",
                fmt::format("--explain={}: the plan does not fit, so nothing has its place; see the plan itself",
                            escapeName(what)));
  Explanation explanation(plan, weights, *found);
  bool routed = found->tensorClass == TensorClass::RoutedExperts;
  if (name.size() == what.size())
    return routed ? explanation.ofLayer() : explanation.ofTensor();
  std::string_view number = what.substr(name.size() + 1);
  uint32_t expert = 0;
  auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), expert);
  bool valid = error == std::errc() && end == number.data() + number.size() && routed && expert < plan.expertsPerLayer;
  if (!valid)
    return unknown(fmt::format("--explain={}: {}", escapeName(what),
                               routed ? fmt::format("experts are numbered 0 to {}", plan.expertsPerLayer - 1)
                                      : "only tensors of routed experts have numbers behind them"));
  return explanation.ofExpert(expert);
}

} // namespace strata
