// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// From a model's header to an artifact, and back through the runtime's checks.

#include "compiler/Artifact/ArtifactWriter.h"
#include "compiler/Artifact/PlanSizes.h"
#include "dialects/Plan/PlanOps.h"
#include "passes/Pipelines.h"
#include "runtime/Artifact/LoadedArtifact.h"
#include "tests/compiler/Import/ImportFixture.h"

#include <gmock/gmock.h>

namespace strata {
namespace {
using testing::HasSubstr;

/// A model all the way to its plan.
class ArtifactWriterTest : public ImportFixture {
protected:
  ArtifactWriterTest() { context.loadDialect<plan::PlanDialect>(); }

  /// Leaves `plan` and what an artifact says beside it.
  void compile(gguf::Model source) {
    model.emplace(std::move(source));
    description = describeOrThrow(*model);
    inventory = valueOrThrow(takeInventory(model->tensors(), description));
    module = import(*model);
    PipelineOptions options;
    options.context = 256;
    options.promptTokens = 128;
    options.chunkTokens = 32;
    mlir::PassManager manager(&context);
    for (const PhaseInfo &info : phaseTable())
      addPhasePasses(manager, info.phase, options);
    if (failed(manager.run(*module)))
      throw std::runtime_error("the passes failed");
  }

  Result<std::vector<std::byte>> serialise() {
    return serialiseArtifact(*module,
                             {*model, description, machine, inventory, "models/m.gguf", "1.2.3", "strata-compile m"});
  }

  std::optional<gguf::Model> model;
  ModelDescription description;
  MachineDescription machine{"box", 13, uint64_t(40) << 30, "{}"};
  Inventory inventory;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

TEST_F(ArtifactWriterTest, TinyPassesTheRuntimesChecks) {
  compile(openTiny());
  LoadedArtifact artifact = valueOrThrow(LoadedArtifact::load(valueOrThrow(serialise()), "tiny.strata"));
  const schema::Artifact &root = artifact.root();
  EXPECT_EQ(root.compiler_version()->str(), "1.2.3");
  EXPECT_EQ(root.command_line()->str(), "strata-compile m");
  EXPECT_EQ(root.model()->path()->str(), "models/m.gguf");
  EXPECT_EQ(root.machine()->name()->str(), "box");
  EXPECT_EQ(root.settings()->context(), 256u);
  EXPECT_EQ(root.settings()->prompt_tokens(), 128u);
  EXPECT_EQ(root.settings()->chunk_tokens(), 32u);
  EXPECT_EQ(root.tensors()->size(), model->tensors().size());
  EXPECT_EQ(root.programs()->size(), 2u);
  EXPECT_THAT(root.plan_text()->str(), HasSubstr("plan.dispatch"));
}

TEST_F(ArtifactWriterTest, ThePlansTextIsThePlan) {
  compile(openRouter256());
  LoadedArtifact artifact = valueOrThrow(LoadedArtifact::load(valueOrThrow(serialise()), "router256.strata"));
  EXPECT_EQ(artifact.root().plan_text()->str(), print(*module));
}

TEST_F(ArtifactWriterTest, V31PassesTheRuntimesChecks) {
  compile(openV31());
  LoadedArtifact artifact = valueOrThrow(LoadedArtifact::load(valueOrThrow(serialise()), "v31.strata"));
  EXPECT_EQ(artifact.root().tensors()->size(), 1086u);
  EXPECT_EQ(artifact.root().prediction()->weight_bytes(), 378'060'636'160u);
  EXPECT_EQ(artifact.root().prediction()->bytes_per_token(), 21'210'189'760u);
  EXPECT_EQ(artifact.root().prediction()->expert_bytes(), 24'772'608u);
  EXPECT_EQ(artifact.root().prediction()->kv_bytes_per_token(), 70'272u);
}

TEST_F(ArtifactWriterTest, TheRecordedRamIsWhatTheSizesAddUpTo) {
  compile(openTiny());
  LoadedArtifact artifact = valueOrThrow(LoadedArtifact::load(valueOrThrow(serialise()), "tiny.strata"));
  std::vector<ArenaNeed> arenas = valueOrThrow(arenaNeeds(*module, 0));
  PlanSettings settings{.context = 256, .sequences = 1, .promptTokens = 128, .chunkTokens = 32, .kvNumberBytes = 2};
  RamNeed need = valueOrThrow(ramNeed(description, settings, weightArenaBytes(*module), arenas));
  EXPECT_EQ(artifact.root().prediction()->ram_bytes(), need.total);
}

TEST_F(ArtifactWriterTest, WeightsInTheArenaDoNotOverlap) {
  compile(openTiny());
  LoadedArtifact artifact = valueOrThrow(LoadedArtifact::load(valueOrThrow(serialise()), "tiny.strata"));
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (const schema::Tensor *tensor : *artifact.root().tensors())
    ranges.emplace_back(tensor->arena_offset(), tensor->arena_offset() + tensor->bytes());
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i)
    EXPECT_LE(ranges[i - 1].second, ranges[i].first);
}

TEST_F(ArtifactWriterTest, APlanOfAnotherModelIsOurFault) {
  compile(openTiny());
  model.emplace(openRouter256());
  auto bytes = serialise();
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, ExitCode::Bug);
  EXPECT_THAT(bytes.error().message, HasSubstr("blk."));
}

} // namespace
} // namespace strata
