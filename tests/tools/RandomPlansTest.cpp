// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Plans of small random models for random machines: the verifier takes what the planner chooses, in the IR that the
// compiler makes of it, and refuses it when one thing in it is changed.

#include "dialects/Plan/PlanOps.h"
#include "passes/Plan/TierUse.h"
#include "tests/compiler/Import/ImportFixture.h"
#include "tests/tools/PlanMutations.h"
#include "tools/compile/MakePlan.h"

#include "mlir/Pass/PassManager.h"

#include <fmt/format.h>
#include <iostream>
#include <map>
#include <random>

namespace strata::compile {
namespace {

using Dice = std::mt19937_64;

uint64_t between(Dice &dice, uint64_t low, uint64_t high) {
  return low + dice() % (high - low + 1);
}

/// ".attn_norm.weight" of "blk.3.attn_norm.weight"; of names without a layer all.
std::string withoutLayer(const std::string &name) {
  return name.starts_with("blk.") ? name.substr(name.find('.', 4)) : name;
}

/// The tiny model with other layers and experts.
gguf::Model randomModel(Dice &dice) {
  gguf::Model tiny = openTiny();
  ModelDescription shape = describeOrThrow(tiny);
  shape.layers = static_cast<uint32_t>(between(dice, 1, 5));
  shape.denseLayers = static_cast<uint32_t>(between(dice, 0, shape.layers - 1));
  shape.experts = static_cast<uint32_t>(between(dice, 2, 12));
  shape.expertsUsed = static_cast<uint32_t>(between(dice, 1, 2));
  gguf::GgufBuilder builder;
  for (const gguf::KeyValue &keyValue : tiny.metadata().keyValues())
    builder.addAgain(keyValue.key, keyValue.value);
  for (auto [key, number] :
       {std::pair("block_count", shape.layers), std::pair("leading_dense_block_count", shape.denseLayers),
        std::pair("expert_count", shape.experts), std::pair("expert_used_count", shape.expertsUsed),
        std::pair("expert_group_count", 1u), std::pair("expert_group_used_count", 1u)})
    builder.set("deepseek2." + std::string(key), number);
  std::map<std::string, Encoding, std::less<>> encodings;
  for (const gguf::TensorInfo &tensor : tiny.tensors())
    encodings[withoutLayer(tensor.name)] = tensor.encoding;
  for (const TensorSpec &spec : tensorTable())
    for (uint32_t layer = 0; layer < (spec.scope == TensorScope::Model ? 1 : shape.layers); ++layer) {
      if (!hasTensor(spec, shape, layer))
        continue;
      std::string name = tensorName(spec, layer);
      auto encoding = encodings.find(withoutLayer(name));
      if (encoding != encodings.end())
        builder.tensor(name, spec.dimensions(shape), encoding->second);
    }
  return openBuilt(builder);
}

/// A model, optimised, with settings and a kind of machine: what is lowered once for many budgets.
struct Group {
  planning::Planned planned;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::unique_ptr<LoweredShapes> shapes;
  Options options;
};

class RandomPlans : public ImportFixture {
protected:
  RandomPlans() { context.loadDialect<plan::PlanDialect>(); }

  Group randomGroup(Dice &dice);
  void chooseBudgets(planning::Planned &planned, const MachineDescription &roomy, Dice &dice);
  /// Null if the plan does not fit.
  mlir::OwningOpRef<mlir::ModuleOp> compile(Group &group, planning::Planned &planned);

  /// What the planner says of a plan that is compiled, beside what the verifier proves.
  static void expectSame(mlir::ModuleOp module, const Plan &plan);

  /// How many plans of each kind there were.
  std::map<std::string, int> kinds;
  void count(const Plan &plan);
};

Group RandomPlans::randomGroup(Dice &dice) {
  Group group;
  gguf::Model model = randomModel(dice);
  ModelDescription description = describeOrThrow(model);
  WishedSettings settings;
  settings.context = between(dice, 1, 400);
  settings.sequences = between(dice, 1, 3);
  settings.promptTokens = between(dice, 1, *settings.context);
  settings.chunkTokens = between(dice, 1, *settings.promptTokens);
  settings.kvNumberBytes = dice() % 2 ? 2 : 4;
  if (uint64_t activations = dice() % 4; activations < 3)
    settings.activations = schema::EnumValuesActivationEncoding()[activations];
  group.planned.request.settings = valueOrThrow(completeSettings(settings, description));
  group.planned.request.promptTokensGiven = dice() % 2;
  group.planned.weights = valueOrThrow(weighModel(model, description));
  group.planned.machine = valueOrThrow(loadMachine(dice() % 3 ? "v100s-32g" : "host"));
  group.planned.machine.cores = static_cast<uint32_t>(between(dice, 1, 4));
  if (group.planned.machine.gpu)
    group.planned.machine.gpu->reservedBytes = between(dice, 0, 1 << 20);
  group.module = import(model);
  mlir::PassManager manager(&context);
  addPhasePasses(manager, Phase::Optimise, {});
  if (failed(manager.run(*group.module)))
    throw std::runtime_error("the model cannot be optimised");
  group.shapes = std::make_unique<LoweredShapes>(*group.module, group.options, group.planned);
  return group;
}

/// From what one part of the model needs to what all of it does, and a little more.
void RandomPlans::chooseBudgets(planning::Planned &planned, const MachineDescription &roomy, Dice &dice) {
  planned.machine = roomy;
  PlanRequest &request = planned.request;
  request.gpuHeadRoom = between(dice, 0, 1 << 16);
  request.ramHeadRoom = between(dice, 0, 1 << 16);
  planned.machine.ramBytes = uint64_t(1) << 50;
  if (planned.machine.gpu)
    planned.machine.gpu->memoryBytes = uint64_t(1) << 50;
  Plan all = valueOrThrow(makePlan(planned.weights, planned.machine, request));
  uint64_t fixed = planned.weights.total - planned.weights.routedBytes() + all.of(Tier::Gpu).kv + all.of(Tier::Ram).kv;
  uint64_t experts = planned.weights.routedBuffers();
  // Some have room for all but a part of the experts, others for any part.
  auto budget = [&](Tier tier) {
    const TierUse &use = all.of(tier);
    return use.scratch + use.headRoom +
           (dice() % 2 ? fixed + between(dice, 0, experts) : between(dice, 0, fixed + experts + experts / 2));
  };
  if (planned.machine.gpu)
    planned.machine.gpu->memoryBytes = budget(Tier::Gpu);
  planned.machine.ramBytes = budget(Tier::Ram) + (planned.machine.gpu ? between(dice, 0, 1 << 22) : 0);
  if (dice() % 8 == 0)
    planned.machine.disk.reset();
  request.usage.clear();
  if (dice() % 3 == 0)
    for (uint64_t i = 0; i < planned.weights.routedExperts(); ++i)
      request.usage.push_back(dice() % 50);
  request.cachePolicy.reset();
  if (dice() % 2)
    request.cachePolicy = kCachePolicies[between(dice, 0, request.usage.empty() ? 2 : 3)];
}

mlir::OwningOpRef<mlir::ModuleOp> RandomPlans::compile(Group &group, planning::Planned &planned) {
  mlir::OwningOpRef<mlir::ModuleOp> module = group.module->clone();
  if (auto made = makePlanOf(*module, *group.shapes, planned); !made)
    throw std::runtime_error(made.error().message);
  if (planned.plan.shortfall)
    return {};
  mlir::PassManager manager(&context);
  manager.enableVerifier(false); // It takes a third of the time, and comes at the end.
  PipelineOptions options = pipelineOptions(planned.plan.settings, planned.machine);
  for (Phase phase : {Phase::Place, Phase::Schedule})
    addPhasePasses(manager, phase, options);
  if (failed(manager.run(*module)) || failed(verify(*module)))
    throw std::runtime_error("the passes refuse what the planner chose");
  return module;
}

void RandomPlans::expectSame(mlir::ModuleOp module, const Plan &plan) {
  std::array<uint64_t, kTiers> experts = {};
  for (auto line : module.getOps<plan::ExpertsOp>())
    for (plan::Tier tier : {plan::Tier::gpu, plan::Tier::ram, plan::Tier::disk})
      experts[static_cast<size_t>(tier)] += line.getTierSet(tier).size() * line.getLayers();
  for (Tier tier : {Tier::Gpu, Tier::Ram, Tier::Disk})
    EXPECT_EQ(experts[static_cast<size_t>(tier)], plan.inOneTier() ? 0 : plan.of(tier).experts);
  // What the planner counts in a tier is at least what is reserved there and what the arenas take.
  for (auto budget : module.getOps<plan::BudgetOp>())
    if (budget.getTier() != plan::Tier::disk) {
      EXPECT_LE((plan::tierBytes(module, budget.getTier()) + budget.getReserved()).value(),
                plan.of(static_cast<Tier>(budget.getTier())).used());
    }
  // A layer's weights are where the planner has them.
  for (auto tensor : module.getOps<plan::TensorOp>())
    for (uint32_t layer = tensor.getFirstLayer().value_or(0), i = 0; i < tensor.getLayers().value_or(0); ++i)
      if (tensor.getTier()) {
        EXPECT_EQ(static_cast<Tier>(*tensor.getTier()), plan.layers[layer + i].dense);
      }
}

void RandomPlans::count(const Plan &plan) {
  ++kinds["fits"];
  if (plan.inOneTier())
    ++kinds["one tier"];
  else if (!plan.hasGpu)
    ++kinds["host and disk"];
  else if (plan.output == Tier::Gpu)
    ++kinds["gpu and host"];
  else if (plan.denseLayersIn(Tier::Gpu) == 0)
    ++kinds["no layer on the gpu"];
  else
    ++kinds[plan.denseLayersIn(Tier::Ram) == 0 ? "only the head on the host" : "layers on the host"];
}

TEST_F(RandomPlans, TheVerifierTakesThemAndRefusesThemChanged) {
  constexpr int kGroups = 100, kPlans = 100, kMutationEvery = 5;
  PlanMutations mutations(context);
  for (int number = 0; number < kGroups; ++number) {
    Dice dice(static_cast<uint64_t>(number));
    Group group = randomGroup(dice);
    const MachineDescription roomy = group.planned.machine;
    const PlanRequest request = group.planned.request;
    for (int one = 0; one < kPlans; ++one) {
      SCOPED_TRACE(fmt::format("group {}, plan {}", number, one));
      planning::Planned &planned = group.planned;
      planned.request = request;
      chooseBudgets(planned, roomy, dice);
      mlir::OwningOpRef<mlir::ModuleOp> module = compile(group, planned);
      if (!module)
        continue;
      count(planned.plan);
      expectSame(*module, planned.plan);
      if (one % kMutationEvery == 0)
        mutations.expectRefused(*module, dice);
      if (HasFailure())
        return;
    }
  }
  for (const auto &[kind, count] : kinds)
    std::cout << count << " " << kind << "\n";
  for (const char *kind : {"one tier", "host and disk", "gpu and host", "no layer on the gpu",
                           "only the head on the host", "layers on the host"})
    EXPECT_GT(kinds[kind], 50) << kind;
  EXPECT_GT(kinds["fits"], 5000);
  mutations.expectAllTried();
}

} // namespace
} // namespace strata::compile
