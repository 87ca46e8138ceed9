// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tests/compiler/Import/ImportFixture.h"

#include <gmock/gmock.h>
#include <set>

using namespace mlir;

namespace strata {
namespace {
using gguf::GgufBuilder;
using testing::HasSubstr;

class ImportTest : public ImportFixture {};

TEST_F(ImportTest, TinyHasEveryOpOfItsLayers) {
  auto module = import(openTiny());
  // 6 layers, the first one dense. A matmul each for q_a, q_b, kv_a, output; three for a dense or shared network; one
  // for the router; one for the model's output. A dequant for each encoded weight that is not the embedding.
  std::map<std::string, unsigned> expected = {
      {"builtin.module", 1}, {"moe.model", 1},    {"moe.embed", 1},     {"moe.layer", 6},
      {"moe.weight", 106},   {"moe.dequant", 70}, {"moe.rms_norm", 19}, {"moe.matmul", 48},
      {"moe.mla", 6},        {"moe.silu", 6},     {"moe.mul", 6},       {"moe.add", 17},
      {"moe.route", 5},      {"moe.experts", 5},  {"moe.yield", 6},     {"moe.return", 1}};
  EXPECT_EQ(countOps(*module), expected);
}

TEST_F(ImportTest, V31HasSixtyOneLayersAndNoWeights) {
  gguf::Model model = openV31();
  auto module = import(model);
  std::map<std::string, unsigned> counts = countOps(*module);
  EXPECT_EQ(counts["moe.layer"], 61u);
  EXPECT_EQ(counts["moe.weight"], 1086u);
  EXPECT_EQ(counts["moe.mla"], 61u);
  EXPECT_EQ(counts["moe.experts"], 58u);
  std::set<std::string> names;
  module->walk([&](moe::WeightOp weight) { names.insert(weight.getName().str()); });
  EXPECT_EQ(names.size(), 1086u) << "each tensor is used once";
}

TEST_F(ImportTest, HyperParametersAndAttributesAreTheFiles) {
  auto module = import(openV31());
  std::string text = print(*module);
  for (const char *part :
       {"layers = 61, dense_layers = 3, embedding = 7168, vocabulary = 129280, heads = 128, latent = 512, rope = 64",
        "experts = 256, experts_used = 8, shared_experts = 1, expert_groups = 8, expert_groups_used = 4",
        "moe.weight \"blk.3.ffn_gate_exps.weight\" : tensor<256x2048x7168x!moe.q4_0>",
        "moe.weight \"output.weight\" : tensor<129280x7168x!moe.q6_k>",
        "moe.weight \"blk.3.ffn_gate_inp.weight\" : tensor<256x7168xf32>", "moe.route sigmoid",
        "groups 4 of 8 experts 8 scale 2.500000e+00 normalise", "heads 128 nope 128", "!moe.kv<512, 64>"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST_F(ImportTest, AttentionHasTheScaleOfYarn) {
  auto module = import(openV31());
  module->walk([](moe::MlaOp mla) {
    EXPECT_FLOAT_EQ(mla.getScale(), 0.1352337789f);
    EXPECT_EQ(mla.getMagnitude(), 1.0f);
    EXPECT_FLOAT_EQ(mla.getEpsilon(), 1e-6f);
    EXPECT_EQ(mla.getFrequencies().size(), 32u);
  });
}

TEST_F(ImportTest, LocationsCarryTheWeightsNames) {
  auto module = import(openTiny());
  module->walk([](moe::WeightOp weight) {
    auto location = dyn_cast<NameLoc>(weight.getLoc());
    ASSERT_TRUE(location);
    EXPECT_EQ(location.getName(), weight.getName());
  });
  std::set<std::string> products;
  module->walk([&](moe::MatmulOp matmul) { products.insert(cast<NameLoc>(matmul.getLoc()).getName().str()); });
  EXPECT_THAT(products, testing::Contains("blk.2.attn_q_b.weight"));
  EXPECT_THAT(products, testing::Contains("output.weight"));
}

TEST_F(ImportTest, FamilyMemberWithoutGroupsBiasAndSharedExperts) {
  GgufBuilder builder = GgufBuilder::like(openTiny());
  builder.set("deepseek2.expert_gating_func", 1u).set("deepseek2.expert_shared_count", 0u);
  for (int layer = 1; layer < 6; ++layer)
    for (const char *name :
         {"exp_probs_b.bias", "ffn_gate_shexp.weight", "ffn_up_shexp.weight", "ffn_down_shexp.weight"})
      builder.removeTensor("blk." + std::to_string(layer) + "." + name);
  auto module = import(openBuilt(builder), {.expertGroups = ExpertGroups{}});
  module->walk([](moe::RouteOp route) {
    EXPECT_EQ(route.getGate(), moe::Gate::Softmax);
    EXPECT_FALSE(route.getBias());
    EXPECT_EQ(route.getGroups(), 1u);
  });
  EXPECT_EQ(countOps(*module)["moe.silu"], 1u) << "the dense layer's";
}

TEST(Import, MissingTensorIsADiagnosticAndNoModule) {
  MLIRContext context;
  context.loadDialect<moe::MoeDialect>();
  std::string message;
  context.getDiagEngine().registerHandler([&](Diagnostic &diagnostic) { message += diagnostic.str(); });
  GgufBuilder builder = GgufBuilder::like(openTiny());
  builder.removeTensor("blk.2.attn_q_b.weight");
  auto module = importModel(context, describeOrThrow(openTiny()), openBuilt(builder));
  EXPECT_FALSE(module);
  EXPECT_THAT(message, HasSubstr("tensor blk.2.attn_q_b.weight is missing"));
}

} // namespace
} // namespace strata
