// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What moe-optimise leaves of imported models.

#include "passes/Moe/Passes.h"
#include "tests/compiler/Import/ImportFixture.h"

#include "mlir/Pass/PassManager.h"

#include <fstream>
#include <gmock/gmock.h>
#include <sstream>

using namespace mlir;

namespace strata {
namespace {
using gguf::GgufBuilder;
using testing::ElementsAre;

class OptimiseTest : public ImportFixture {
protected:
  OwningOpRef<ModuleOp> optimise(const gguf::Model &model) {
    OwningOpRef<ModuleOp> module = import(model);
    PassManager manager(&context);
    manager.addPass(moe::createMoeVerifyModel());
    moe::buildOptimisePipeline(manager);
    if (failed(manager.run(*module)))
      throw std::runtime_error("moe-optimise failed");
    return module;
  }

  /// "dense_layer 0+3": which block the model runs for which layers.
  static std::vector<std::string> runs(ModuleOp module) {
    std::vector<std::string> result;
    module.walk([&](moe::LayersOp layers) {
      result.push_back((layers.getBlock() + " " + Twine(layers.getFirst()) + "+" + Twine(layers.getCount())).str());
    });
    return result;
  }

  static unsigned blocks(ModuleOp module) { return countOps(module)["moe.block"]; }
};

TEST_F(OptimiseTest, V31HasTwoBlocks) {
  OwningOpRef<ModuleOp> module = optimise(openV31());
  EXPECT_EQ(blocks(*module), 2u);
  EXPECT_THAT(runs(*module), ElementsAre("dense_layer 0+3", "moe_layer 3+58"));
}

TEST_F(OptimiseTest, V31IsFusedCompletely) {
  OwningOpRef<ModuleOp> module = optimise(openV31());
  std::map<std::string, unsigned> counts = countOps(*module);
  for (const char *name : {"moe.dequant", "moe.matmul", "moe.head_matmul", "moe.mla", "moe.silu", "moe.mul", "moe.add",
                           "moe.experts", "moe.layer"})
    EXPECT_EQ(counts[name], 0u) << name;
  EXPECT_EQ(counts["moe.latent_attention"], 2u);
  EXPECT_EQ(counts["moe.gated_matmul"], 1u) << "of the dense layers; the shared expert's is in the grouped experts";
  EXPECT_EQ(counts["moe.grouped_experts"], 1u);
}

TEST_F(OptimiseTest, ImatrixListHasThreeBlocks) {
  GgufBuilder builder = GgufBuilder::like(openV31());
  std::ifstream list(STRATA_TEST_MODELS "/data/deepseek-v3.1-q4_0-imatrix-tensors.tsv");
  unsigned changed = 0;
  for (std::string line; std::getline(list, line);) {
    std::istringstream columns(line);
    std::string name, ne0, ne1, ne2, encoding;
    columns >> name >> ne0 >> ne1 >> ne2 >> encoding;
    if (encoding != "Q4_1")
      continue;
    builder.reshape(name, builder.find(name).dimensions, Encoding::Q4_1);
    ++changed;
  }
  ASSERT_EQ(changed, 11u);
  OwningOpRef<ModuleOp> module = optimise(openBuilt(builder));
  EXPECT_EQ(blocks(*module), 3u);
  EXPECT_THAT(runs(*module), ElementsAre("dense_layer 0+3", "moe_layer 3+4", "moe_layer_1 7+54"));
}

TEST_F(OptimiseTest, SizeDoesNotGrowWithTheLayers) {
  GgufBuilder builder = GgufBuilder::like(openTiny());
  builder.set("deepseek2.block_count", 3u);
  OwningOpRef<ModuleOp> three = optimise(openBuilt(builder)), six = optimise(openTiny());
  EXPECT_THAT(runs(*three), ElementsAre("dense_layer 0+1", "moe_layer 1+2"));
  EXPECT_THAT(runs(*six), ElementsAre("dense_layer 0+1", "moe_layer 1+5"));
  EXPECT_EQ(countOps(*three), countOps(*six));
}

} // namespace
} // namespace strata
