// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Artifacts of plans over several tiers: any sets of experts make one that the runtime's checks take, and what is wrong
// with one is refused with the id of its check.

#include "compiler/Artifact/ArtifactWriter.h"
#include "dialects/Kern/KernOps.h"
#include "dialects/Plan/PlanOps.h"
#include "passes/Pipelines.h"
#include "runtime/Artifact/LoadedArtifact.h"
#include "tests/compiler/Import/ImportFixture.h"
#include "tests/runtime/Artifact/TestModel.h"

#include "mlir/Parser/Parser.h"

#include <fmt/format.h>
#include <functional>
#include <gmock/gmock.h>
#include <random>

namespace strata {
namespace {
using testing::HasSubstr;

constexpr uint32_t kDenseLayers = 1, kLayers = 6, kExperts = 32; // Of the tiny model.

class TierArtifact : public ImportFixture {
protected:
  TierArtifact() {
    context.loadDialect<plan::PlanDialect, kern::KernDialect>();
    model.emplace(openTiny());
    description = describeOrThrow(*model);
    inventory = valueOrThrow(takeInventory(model->tensors(), description));
  }

  /// The artifact of the tiny model with these operations at its plan's beginning. There are no real kernels in it.
  std::vector<std::byte> compile(const std::string &tiers, plan::DeviceKind device) {
    mlir::OwningOpRef<mlir::ModuleOp> module = import(*model);
    mlir::OwningOpRef<mlir::ModuleOp> placed = mlir::parseSourceString<mlir::ModuleOp>(tiers, &context);
    if (!placed)
      throw std::runtime_error("the tiers cannot be parsed");
    mlir::Block &body = *module->getBody();
    body.getOperations().splice(body.begin(), placed->getBody()->getOperations());
    PipelineOptions options;
    options.context = 256;
    options.promptTokens = 128;
    options.chunkTokens = 32;
    options.device = device;
    mlir::PassManager manager(&context);
    for (const PhaseInfo &info : phaseTable())
      addPhasePasses(manager, info.phase, options);
    if (failed(manager.run(*module)))
      throw std::runtime_error("the passes failed");
    size_t count = 0;
    for ([[maybe_unused]] auto function : module->getOps<kern::FuncOp>())
      ++count;
    std::vector<CompiledKernel> kernels(count, {"text", "ptx", {std::byte{1}}});
    return valueOrThrow(serialiseArtifact(*module, {.model = *model,
                                                    .description = description,
                                                    .machine = machine,
                                                    .inventory = inventory,
                                                    .modelPath = "m.gguf",
                                                    .compilerVersion = "1",
                                                    .commandLine = "strata-compile",
                                                    .kernels = kernels}));
  }

  std::optional<gguf::Model> model;
  ModelDescription description;
  MachineDescription machine{"box", 13, uint64_t(40) << 30, "{}"};
  Inventory inventory;
};

constexpr const char *kStaging =
    "plan.arena @ring kind staging on gpu in ram bytes <all = 65536> live <all = 65536>\n"
    "plan.arena @staging kind staging on gpu in gpu bytes <all = 4096> live <all = 4096>\n";
constexpr const char *kSplit =
    "plan.budget gpu bytes 67108864 reserved 1048576 head_room 1048576\n"
    "plan.budget ram bytes 67108864 reserved 1048576 head_room 1048576\n"
    "plan.experts layers 1 count 3 of 32 gpu <0 to 5, 9> ram <6 to 8, 10> disk <11 to 31> "
    "pinned <7> slots 3 decode_gpu <0 to 5, 9> prompt_gpu <0 to 31>\n"
    "plan.experts layers 4 count 2 of 32 gpu <> ram <0 to 31> disk <> pinned <0 to 31> slots "
    "0 decode_gpu <> prompt_gpu <0 to 31>\n";

std::string text(const std::vector<bool> &members) {
  std::string result;
  for (uint32_t i = 0; i < members.size();) {
    uint32_t end = i;
    while (end < members.size() && members[end])
      ++end;
    if (end != i)
      result += fmt::format("{}{} to {}", result.empty() ? "" : ", ", i, end - 1);
    i = std::max(end, i + 1);
  }
  return "<" + result + ">";
}

/// A line of plan.experts with random sets.
std::string randomExperts(std::mt19937_64 &random, uint32_t first, uint32_t count, bool gpu) {
  std::vector<bool> sets[3] = {std::vector<bool>(kExperts), std::vector<bool>(kExperts), std::vector<bool>(kExperts)};
  std::vector<bool> pinned(kExperts), all(kExperts, gpu);
  uint64_t slots = 0;
  for (uint32_t expert = 0; expert < kExperts; ++expert) {
    uint64_t tier = gpu ? random() % 3 : 1 + random() % 2;
    sets[tier][expert] = true;
    pinned[expert] = tier == 1 && random() % 2 == 0;
    slots += tier == 1 && !pinned[expert] ? 1 : 0;
  }
  return fmt::format("plan.experts layers {} count {} of {} gpu {} ram {} disk {} pinned {} slots {} decode_gpu {} "
                     "prompt_gpu {}\n",
                     first, count, kExperts, text(sets[0]), text(sets[1]), text(sets[2]), text(pinned), slots,
                     text(sets[0]), text(all));
}

TEST_F(TierArtifact, AnySetsOfExpertsPassTheVerifierAndTheRuntimesChecks) {
  std::mt19937_64 random(1);
  for (int seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    bool gpu = random() % 3 != 0;
    std::string tiers = gpu ? kStaging : "";
    for (uint32_t first = kDenseLayers; first < kLayers;) {
      uint32_t count = 1 + static_cast<uint32_t>(random() % (kLayers - first));
      tiers += randomExperts(random, first, count, gpu);
      first += count;
    }
    SCOPED_TRACE(tiers);
    auto artifact = LoadedArtifact::load(compile(tiers, gpu ? plan::DeviceKind::gpu : plan::DeviceKind::host), "t");
    ASSERT_TRUE(artifact) << artifact.error().message;
    EXPECT_THAT(artifact->root().plan_text()->str(), HasSubstr("by experts"));
  }
}

TEST_F(TierArtifact, WithAGpuNothingRunsItYet) {
  auto artifact = valueOrThrow(
      LoadedArtifact::load(compile(std::string(kStaging) + kSplit, plan::DeviceKind::gpu), "tiers.strata"));
  auto refused = requireRunnable(artifact.root());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ExitCode::Machine);
  EXPECT_EQ(refused.error().id, "A27");
  EXPECT_THAT(refused.error().message, HasSubstr("21 experts in GPU memory, 76 in RAM and 63 on the disk"));
}

using schema::ArtifactT;
using schema::Operation;

/// The block of layers with experts.
schema::BlockT &block(ArtifactT &artifact, size_t program) {
  return *artifact.programs[program]->blocks[2];
}

/// The number-th dispatch of an operation in that block, on a device.
schema::DispatchT &step(ArtifactT &artifact, size_t program, Operation operation, schema::DeviceKind device,
                        size_t number = 0) {
  for (auto &stage : block(artifact, program).stages)
    for (auto &each : stage->dispatches)
      if (each->operation == operation && each->device == device && number-- == 0)
        return *each;
  throw std::out_of_range("no such operation");
}

void erase(ArtifactT &artifact, size_t program, Operation operation, schema::DeviceKind device, size_t number = 0) {
  const schema::DispatchT *found = &step(artifact, program, operation, device, number);
  for (auto &stage : block(artifact, program).stages)
    std::erase_if(stage->dispatches, [&](const auto &each) { return each.get() == found; });
}

schema::ArenaT &arena(ArtifactT &artifact, schema::ArenaKind kind, schema::Tier tier) {
  for (auto &each : artifact.arenas)
    if (each->kind == kind && each->tier == tier)
      return *each;
  throw std::out_of_range("no such arena");
}

schema::TensorT &tensor(ArtifactT &artifact, const std::string &name) {
  for (auto &each : artifact.tensors)
    if (each->name == name)
      return *each;
  throw std::out_of_range("no such tensor");
}

struct Case {
  const char *name; ///< Begins with the id.
  const char *message;
  std::function<void(ArtifactT &)> change;
};

const auto kGpu = schema::DeviceKind::gpu, kHost = schema::DeviceKind::host;

std::vector<Case> cases() {
  using Range = schema::ExpertRange;
  return {
      {"A25_RangeBeyond", "from 9 to 32", [](ArtifactT &a) { a.experts[0]->gpu[1] = Range(9, 32); }},
      {"A25_RangesNotAscending", "from 3 to 4", [](ArtifactT &a) { a.experts[0]->gpu.emplace_back(3, 4); }},
      {"A25_RangeBackwards", "from 7 to 6", [](ArtifactT &a) { a.experts[0]->pinned[0] = Range(7, 6); }},
      {"A25_TwoTiers", "expert 6 is in 2 tiers", [](ArtifactT &a) { a.experts[0]->gpu[0] = Range(0, 6); }},
      {"A25_NoTier", "expert 31 is in 0 tiers", [](ArtifactT &a) { a.experts[0]->disk[0] = Range(11, 30); }},
      {"A25_Slots", "4 are in ram, and 1 pinned ones with 4 slots", [](ArtifactT &a) { a.experts[0]->slots = 4; }},
      {"A25_PinnedSlots", "have 3 slots, and the policy pinned has none",
       [](ArtifactT &a) { a.experts[0]->policy = schema::CachePolicy::pinned; }},
      {"A13_Policy", "the cache policy of a line of experts has the value 9",
       [](ArtifactT &a) { a.experts[0]->policy = static_cast<schema::CachePolicy>(9); }},
      {"A25_PinnedElsewhere", "pinned", [](ArtifactT &a) { a.experts[0]->pinned[0] = Range(11, 11); }},
      {"A25_Decoded", "what the gpu decodes", [](ArtifactT &a) { a.experts[0]->decode_gpu.pop_back(); }},
      {"A25_Prompted", "of prompts that are in gpu", [](ArtifactT &a) { a.experts[0]->prompt_gpu[0] = Range(1, 31); }},
      {"A25_NoLayers", "experts of 0 layers", [](ArtifactT &a) { a.experts[0]->layers = 0; }},
      {"A25_LayerBeyond", "experts of 3 layers from 4 on", [](ArtifactT &a) { a.experts[1]->layers = 3; }},
      {"A25_LayerTwice", "layer 3 are placed twice", [](ArtifactT &a) { a.experts[1]->first_layer = 3; }},
      {"A25_Count", "are 31 and the model has 32", [](ArtifactT &a) { a.experts[0]->experts = 31; }},
      {"A25_Nowhere", "of layer 4 are placed nowhere", [](ArtifactT &a) { a.experts.pop_back(); }},
      {"A25_NotStreamed", "no stream before it", [](ArtifactT &a) { erase(a, 1, Operation::stream, kGpu); }},
      {"A25_Prompt", "computes not all experts",
       [](ArtifactT &a) {
         for (auto &line : a.experts)
           line->prompt_gpu = line->gpu;
       }},
      {"A23_Arena", "the host does not see",
       [](ArtifactT &a) { arena(a, schema::ArenaKind::experts, schema::Tier::ram).tier = schema::Tier::disk; }},
      {"A23_TensorOnDisk", "not matrices of experts",
       [](ArtifactT &a) { tensor(a, "output_norm.weight").tier = schema::Tier::disk; }},
      {"A23_Operand", "does not see the host's decode arena",
       [](ArtifactT &a) { step(a, 0, Operation::experts_gate_up, kHost).device = kGpu; }},
      {"A23_Weight", "does not see the weight blk.*.attn_norm.weight of layer 1 in ram",
       [](ArtifactT &a) {
         tensor(a, "blk.1.attn_norm.weight").tier = schema::Tier::ram;
         tensor(a, "blk.1.attn_norm.weight").arena_offset = 0;
       }},
      {"A23_ExpertsOnTheGpu", "does not see the weight blk.*.ffn_up_exps.weight of layer 2",
       [](ArtifactT &a) {
         tensor(a, "blk.2.ffn_up_exps.weight").tier = schema::Tier::gpu;
         arena(a, schema::ArenaKind::weights, schema::Tier::gpu).bytes[0] = uint64_t(1) << 24;
       }},
      {"A14_NoKernels", "rms_norm",
       [](ArtifactT &a) { step(a, 0, Operation::rms_norm_quantise, kGpu).kernels.clear(); }},
      {"A26_NoWait", "does not wait", [](ArtifactT &a) { erase(a, 0, Operation::wait, kHost); }},
      {"A26_WaitsTooEarly", "expert_ids.host and does not wait",
       [](ArtifactT &a) { step(a, 0, Operation::wait, kHost).parameters.AsEventParameters()->event = 0; }},
      {"A26_GpuWait", "expert_sum.returned and does not wait",
       [](ArtifactT &a) { erase(a, 0, Operation::wait, kGpu); }},
      {"A26_UnknownEvent", "waits for transfer 9 of 3",
       [](ArtifactT &a) { step(a, 0, Operation::wait, kHost).parameters.AsEventParameters()->event = 9; }},
      {"A26_OwnTransfer", "of its own device", [](ArtifactT &a) { step(a, 0, Operation::wait, kHost).device = kGpu; }},
      {"A26_Number", "has not the number 1",
       [](ArtifactT &a) { step(a, 0, Operation::transfer, kGpu, 1).parameters.AsEventParameters()->event = 5; }},
      {"A26_Element", "of another element",
       [](ArtifactT &a) {
         step(a, 0, Operation::transfer, kGpu, 1).writes = step(a, 0, Operation::transfer, kGpu, 2).writes;
       }},
      {"A26_Ring", "two arenas for staging",
       [](ArtifactT &a) { step(a, 1, Operation::stream, kGpu).parameters.AsStreamParameters()->ring = 99; }},
      {"A26_BlockEnds", "ends, and neither device",
       [](ArtifactT &a) {
         erase(a, 0, Operation::wait, kGpu);
         auto &add = step(a, 0, Operation::add, kGpu);
         add.reads[1] = add.reads[0];
       }},
      {"A21_Transfer", "before it is written",
       [](ArtifactT &a) {
         auto &stage = *block(a, 0).stages[0];
         for (size_t i = 0; i < stage.dispatches.size(); ++i)
           if (stage.dispatches[i]->operation == Operation::transfer) {
             std::rotate(stage.dispatches.begin(), stage.dispatches.begin() + static_cast<ptrdiff_t>(i),
                         stage.dispatches.begin() + static_cast<ptrdiff_t>(i) + 1);
             break;
           }
       }},
      {"A30_Budget", "the budget is 2097152", [](ArtifactT &a) { a.budgets[0]->bytes = 2097152; }},
      {"A30_Reserved", "more than 2^64", [](ArtifactT &a) { a.budgets[1]->reserved = ~uint64_t(0); }},
      {"A30_Twice", "the tier gpu has two budgets", [](ArtifactT &a) { a.budgets[1]->tier = schema::Tier::gpu; }},
      {"A13_BudgetTier", "the tier of a budget",
       [](ArtifactT &a) { a.budgets[1]->tier = static_cast<schema::Tier>(7); }},
      {"A09_ArenaTwice", "occurs twice",
       [](ArtifactT &a) { a.arenas.push_back(std::make_unique<schema::ArenaT>(*a.arenas.back())); }},
      {"A24_CopyOverOthers", "share bytes",
       [](ArtifactT &a) {
         auto &sent = step(a, 0, Operation::transfer, kGpu);
         auto &hidden = step(a, 0, Operation::experts_gate_up, kHost);
         a.programs[0]->values[sent.writes[0].index()]->offsets =
             a.programs[0]->values[hidden.writes[0].index()]->offsets;
       }},
  };
}

/// Each change alone makes the loader refuse the artifact, by the rule that its name begins with.
void expectRefused(const LoadedArtifact &sound, const std::vector<Case> &changes) {
  for (const Case &one : changes) {
    SCOPED_TRACE(one.name);
    ArtifactT artifact;
    sound.root().UnPackTo(&artifact);
    one.change(artifact);
    auto loaded = LoadedArtifact::load(test::artifactFile(artifact), "bad.strata");
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().id, std::string(one.name).substr(0, 3)) << loaded.error().message;
    EXPECT_EQ(loaded.error().code, ExitCode::Input);
    EXPECT_THAT(loaded.error().message, HasSubstr(one.message));
  }
}

TEST_F(TierArtifact, WhatIsWrongIsRefused) {
  std::vector<std::byte> file = compile(std::string(kStaging) + kSplit, plan::DeviceKind::gpu);
  LoadedArtifact sound = valueOrThrow(LoadedArtifact::load(file, "sound.strata"));
  expectRefused(sound, cases());
}

constexpr const char *kHostLayers =
    "plan.host_layers from 3 of 6\n"
    "plan.experts layers 1 count 2 of 32 gpu <0 to 5, 9> ram <6 to 8, 10> disk <11 to 31> "
    "pinned <7> slots 3 decode_gpu <0 to 5, 9> prompt_gpu <0 to 31>\n"
    "plan.experts layers 3 count 3 of 32 gpu <> ram <0 to 3> disk <4 to 31> pinned <> slots 4 decode_gpu <> "
    "prompt_gpu <0 to 31>\n";

/// The block of a name.
schema::BlockT &named(ArtifactT &artifact, size_t program, const std::string &name) {
  for (auto &each : artifact.programs[program]->blocks)
    if (each->name == name)
      return *each;
  throw std::out_of_range("no such block");
}

schema::ValueT &value(ArtifactT &artifact, size_t program, const std::string &name) {
  for (auto &each : artifact.programs[program]->values)
    if (each->name == name)
      return *each;
  throw std::out_of_range("no such value");
}

std::vector<Case> hostLayerCases() {
  return {
      {"A22_GpuLayers", "has 7 layers on the GPU of 6", [](ArtifactT &a) { a.kv->gpu_layers = 7; }},
      {"A19_SmallCache", "the cache does not fit into it",
       [](ArtifactT &a) { arena(a, schema::ArenaKind::kv, schema::Tier::ram).bytes[1] -= 1; }},
      {"A23_OtherLayers", "does not see the cache of layer 2",
       [](ArtifactT &a) {
         a.kv->gpu_layers = 2;
         for (uint64_t &bytes : arena(a, schema::ArenaKind::kv, schema::Tier::ram).bytes)
           bytes *= 2;
         a.prediction->ram_bytes *= 2;
       }},
      {"A09_TwoPositions", "2 values for positions and not 1 for each device",
       [](ArtifactT &a) { value(a, 0, "positions.host").arena = value(a, 0, "positions").arena; }},
      {"A22_HandOverComputes", "must begin and end with a run that is no layer's",
       [](ArtifactT &a) {
         auto &steps = named(a, 0, "hand_over").stages[0]->dispatches;
         schema::Operand residual = steps[0]->reads[0];
         steps.push_back(std::make_unique<schema::DispatchT>(step(a, 0, Operation::add, kGpu)));
         steps.back()->reads = {residual, residual};
         steps.back()->writes = {residual};
       }},
      {"A26_HandOverWaits", "does not wait",
       [](ArtifactT &a) {
         std::erase_if(named(a, 0, "hand_over").stages[0]->dispatches,
                       [](const auto &each) { return each->operation == Operation::wait; });
       }},
      {"A23_HeadOnTheGpu", "does not see the host's decode arena",
       [](ArtifactT &a) { named(a, 0, "head").stages[0]->dispatches[0]->device = kGpu; }},
  };
}

TEST_F(TierArtifact, WhatIsWrongWithTheHostsLayersIsRefused) {
  std::vector<std::byte> file = compile(std::string(kStaging) + kHostLayers, plan::DeviceKind::gpu);
  LoadedArtifact sound = valueOrThrow(LoadedArtifact::load(file, "sound.strata"));
  EXPECT_EQ(sound.root().kv()->gpu_layers(), 3u);
  EXPECT_EQ(requireRunnable(sound.root()).error().id, "A27");
  expectRefused(sound, hostLayerCases());
}

} // namespace
} // namespace strata
