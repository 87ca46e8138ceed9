// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A phase that fails: no model and no option makes one do so, so that a module is spoilt by hand.

#include "tests/compiler/Import/ImportFixture.h"
#include "tools/compile/Phases.h"

#include <fstream>
#include <gmock/gmock.h>
#include <sstream>

namespace strata::compile {
namespace {
using testing::HasSubstr;

class CompilePhasesTest : public ImportFixture {
protected:
  PhaseRun run() const { return {{}, folder.path("m.strata.reproducer.mlir"), ""}; }

  static std::string contents(const std::string &path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  TemporaryFolder folder;
};

TEST_F(CompilePhasesTest, AFailureLeavesAReproducerAndSaysHowToReplayIt) {
  mlir::OwningOpRef<mlir::ModuleOp> module = import(openTiny());
  module->walk([](moe::WeightOp weight) {
    if (weight.getName() == "blk.1.attn_norm.weight")
      weight.setName("blk.1.attn_normal.weight");
  });
  Result<void> result = runPhase(*module, Phase::Verify, run());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ExitCode::Bug);
  const std::string &message = result.error().message;
  EXPECT_THAT(message, HasSubstr("phase verify failed"));
  EXPECT_THAT(message, HasSubstr("layer 1 has no weight 'blk.1.attn_norm.weight'"));
  EXPECT_THAT(message, HasSubstr("strata-opt --run-reproducer " + run().reproducer));
  std::string reproducer = contents(run().reproducer);
  EXPECT_THAT(reproducer, HasSubstr("blk.1.attn_normal.weight"));
  EXPECT_THAT(reproducer, HasSubstr("moe-verify-model")) << "the passes to run";
}

TEST_F(CompilePhasesTest, SuccessLeavesNoReproducer) {
  mlir::OwningOpRef<mlir::ModuleOp> module = import(openTiny());
  ASSERT_TRUE(runPhase(*module, Phase::Verify, run()));
  EXPECT_EQ(contents(run().reproducer), "");
}

TEST_F(CompilePhasesTest, DumpsAreNumberedInTheOrderOfThePhases) {
  mlir::OwningOpRef<mlir::ModuleOp> module = import(openTiny());
  std::string dumps = folder.path("made/for/it");
  ASSERT_TRUE(dumpPhase(*module, Phase::Optimise, dumps));
  EXPECT_EQ(contents(dumps + "/2-optimise.mlir"), print(*module));
}

} // namespace
} // namespace strata::compile
