// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tests/compiler/Support/ModelFixture.h"

#include "compiler/Support/TensorTable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata {
namespace {
using gguf::GgufBuilder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ModelDescription, V31) {
  ModelDescription v31 = describeOrThrow(openV31());
  EXPECT_EQ(v31.name, "DeepSeek V3.1");
  EXPECT_EQ(v31.architecture, "deepseek2");
  EXPECT_EQ(v31.layers, 61u);
  EXPECT_EQ(v31.denseLayers, 3u);
  EXPECT_EQ(v31.embedding, 7168u);
  EXPECT_EQ(v31.vocabulary, 129280u);
  EXPECT_EQ(v31.contextLength, 163840u);
  EXPECT_EQ(v31.denseWidth, 18432u);
  EXPECT_FLOAT_EQ(v31.epsilon, 1e-6f);
  EXPECT_EQ(v31.heads, 128u);
  EXPECT_EQ(v31.queryLatent, 1536u);
  EXPECT_EQ(v31.latent, 512u);
  EXPECT_EQ(v31.rope, 64u);
  EXPECT_EQ(v31.nope, 128u);
  EXPECT_EQ(v31.value, 128u);
  EXPECT_EQ(v31.frequencies.size(), 32u);
  EXPECT_EQ(v31.magnitude, 1.0f);
  EXPECT_FLOAT_EQ(v31.softmaxScale, 0.1352337789f);
  EXPECT_EQ(v31.experts, 256u);
  EXPECT_EQ(v31.expertsUsed, 8u);
  EXPECT_EQ(v31.sharedExperts, 1u);
  EXPECT_EQ(v31.expertWidth, 2048u);
  EXPECT_EQ(v31.expertGroups, (ExpertGroups{8, 4}));
  EXPECT_EQ(v31.gate, GateFunction::Sigmoid);
  EXPECT_TRUE(v31.selectionBias);
  EXPECT_TRUE(v31.normaliseExpertWeights);
  EXPECT_EQ(v31.expertScale, 2.5f);
  EXPECT_THAT(v31.defaults, IsEmpty());
  EXPECT_THAT(v31.notes, IsEmpty());
}

TEST(ModelDescription, TinySplitIsTheSameModel) {
  ModelDescription whole = describeOrThrow(openTiny());
  ModelDescription split = describeOrThrow(openModel(STRATA_TEST_MODELS "/tiny-00001-of-00003.gguf"));
  EXPECT_EQ(whole.layers, 6u);
  EXPECT_EQ(whole.experts, 32u);
  EXPECT_EQ(whole.nope, 32u);
  EXPECT_EQ(split.layers, whole.layers);
  EXPECT_EQ(split.softmaxScale, whole.softmaxScale);
  EXPECT_THAT(whole.defaults, IsEmpty());
}

TEST(ModelDescription, EveryTensorOfV31IsInTheTable) {
  gguf::Model model = openV31();
  ModelDescription v31 = describeOrThrow(model);
  size_t tensors = 0;
  for (const TensorSpec &spec : tensorTable())
    for (uint32_t layer = 0; layer < (spec.scope == TensorScope::Model ? 1 : v31.layers); ++layer)
      tensors += hasTensor(spec, v31, layer);
  EXPECT_EQ(tensors, 1086u);
  EXPECT_EQ(tensors, model.tensors().size());
}

TEST(TensorTable, NamesAreTakenApart) {
  auto layered = parseTensorName("blk.12.attn_q_a.weight");
  ASSERT_TRUE(layered);
  EXPECT_EQ(layered->spec->name, "attn_q_a.weight");
  EXPECT_EQ(layered->layer, 12u);
  EXPECT_TRUE(parseTensorName("blk.0.ffn_norm.weight"));
  EXPECT_TRUE(parseTensorName("output.weight"));
  for (const char *name :
       {"", "blk.", "blk.1", "blk.1.", "blk..attn_norm.weight", "blk.01.attn_norm.weight", "blk.-1.attn_norm.weight",
        "blk.99999999999.attn_norm.weight", "attn_norm.weight", "blk.1.output.weight", "blk.1.attn_norm.weigh"})
    EXPECT_FALSE(parseTensorName(name)) << name;
}

TEST(ExpertGroups, AreParsed) {
  EXPECT_EQ(parseExpertGroups("8/4").value(), (ExpertGroups{8, 4}));
  EXPECT_EQ(parseExpertGroups("none").value(), (ExpertGroups{1, 1}));
  for (const char *text : {"", "8", "8/", "/4", "4/8", "8/0", "0/0", "8/4x", "-8/4", "8/4294967296"}) {
    auto groups = parseExpertGroups(text);
    ASSERT_FALSE(groups) << text;
    EXPECT_EQ(groups.error().code, ExitCode::CommandLine);
    EXPECT_THAT(groups.error().message, HasSubstr("--expert-groups=")) << text;
  }
}

// ---- Defaults ---------------------------------------------------------------------------------------------------

TEST(Defaults, G47V3ShapedFilesGetThePublishedGroups) {
  GgufBuilder builder = GgufBuilder::like(openV31());
  builder.remove("deepseek2.expert_group_count").remove("deepseek2.expert_group_used_count");
  gguf::Model model = openBuilt(builder);
  ModelDescription description = describeOrThrow(model);
  EXPECT_EQ(description.expertGroups, (ExpertGroups{8, 4}));
  EXPECT_THAT(description.defaults,
              ElementsAre(HasSubstr("deepseek2.expert_group_count is absent: 8 groups of which 4")));

  description = describeOrThrow(model, {.expertGroups = ExpertGroups{}});
  EXPECT_EQ(description.expertGroups, ExpertGroups{});
  EXPECT_THAT(description.defaults, ElementsAre("expert groups: 1/1 as --expert-groups says"));
}

TEST(Defaults, G47TheFlagDecidesForOtherFiles) {
  GgufBuilder builder = GgufBuilder::like(openTiny());
  builder.remove("deepseek2.expert_group_count").remove("deepseek2.expert_group_used_count");
  ModelDescription description = describeOrThrow(openBuilt(builder), {.expertGroups = ExpertGroups{8, 4}});
  EXPECT_EQ(description.expertGroups, (ExpertGroups{8, 4}));
  EXPECT_THAT(description.defaults, ElementsAre("expert groups: 8/4 as --expert-groups says"));
}

TEST(Defaults, OldV31FilesAreCompletedAsPublished) {
  GgufBuilder builder = GgufBuilder::like(openV31());
  for (const char *key :
       {"expert_gating_func", "expert_weights_norm", "expert_group_count", "expert_group_used_count",
        "rope.scaling.yarn_log_multiplier", "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow", "vocab_size"})
    builder.remove("deepseek2." + std::string(key));
  ModelDescription old = describeOrThrow(openBuilt(builder));
  ModelDescription current = describeOrThrow(openV31());
  EXPECT_EQ(old.gate, GateFunction::Sigmoid);
  EXPECT_TRUE(old.normaliseExpertWeights);
  EXPECT_EQ(old.expertGroups, current.expertGroups);
  EXPECT_EQ(old.frequencies, current.frequencies);
  EXPECT_EQ(old.softmaxScale, current.softmaxScale);
  EXPECT_EQ(old.vocabulary, current.vocabulary);
  EXPECT_THAT(old.defaults,
              ElementsAre(HasSubstr("expert_gating_func is absent: sigmoid"), HasSubstr("expert_group_count is absent"),
                          HasSubstr("expert_weights_norm is absent"), HasSubstr("yarn_beta_fast is absent: 32"),
                          HasSubstr("yarn_beta_slow is absent: 1"), HasSubstr("yarn_log_multiplier is absent: 0.1")));
}

TEST(Defaults, SmallModelsAreSoftmaxUnlessTheySay) {
  GgufBuilder builder = GgufBuilder::like(openTiny());
  builder.remove("deepseek2.expert_gating_func").remove("deepseek2.expert_weights_norm");
  ModelDescription description = describeOrThrow(openBuilt(builder), {.expertGroups = ExpertGroups{}});
  EXPECT_EQ(description.gate, GateFunction::Softmax);
  EXPECT_FALSE(description.normaliseExpertWeights);
  EXPECT_TRUE(description.selectionBias) << "the file has exp_probs_b.bias";
  EXPECT_THAT(description.defaults,
              ElementsAre(HasSubstr("softmax"), HasSubstr("--expert-groups"), HasSubstr("are not normalised")));
}

TEST(ModelDescription, FamilyMembersThatDifferInTheRouterOnly) {
  GgufBuilder builder = GgufBuilder::like(openTiny());
  builder.set("deepseek2.expert_gating_func", 1u).set("deepseek2.expert_group_count", 1u);
  builder.set("deepseek2.expert_group_used_count", 1u).set("deepseek2.expert_shared_count", 0u);
  builder.set("deepseek2.rope.scaling.type", std::string("none")).set("deepseek2.rope.scaling.factor", 1.0f);
  for (int layer = 1; layer < 6; ++layer)
    for (const char *name :
         {"exp_probs_b.bias", "ffn_gate_shexp.weight", "ffn_up_shexp.weight", "ffn_down_shexp.weight"})
      builder.removeTensor("blk." + std::to_string(layer) + "." + name);
  ModelDescription description = describeOrThrow(openBuilt(builder));
  EXPECT_EQ(description.gate, GateFunction::Softmax);
  EXPECT_FALSE(description.selectionBias);
  EXPECT_EQ(description.sharedExperts, 0u);
  EXPECT_FLOAT_EQ(description.softmaxScale, 0.125f) << "no YaRN: 64^-0.5";
}

TEST(ModelDescription, G46UnusedTensorsAreListedAndIgnored) {
  GgufBuilder builder = GgufBuilder::like(openTiny());
  builder.tensor("rope_freqs.weight", {16}, Encoding::F32).tensor("blk.0.exp_probs_b.bias", {32}, Encoding::F32);
  builder.tensor("blk.6.attn_norm.weight", {256}, Encoding::F32).tensor("blk.7.attn_norm.weight", {256}, Encoding::F32);
  gguf::Model model = openBuilt(builder);
  EXPECT_THAT(
      describeOrThrow(model).notes,
      ElementsAre("changed.gguf: tensor rope_freqs.weight: not used by the model, ignored",
                  "changed.gguf: tensor blk.0.exp_probs_b.bias: not used by the model, ignored",
                  "changed.gguf: tensors blk.*.attn_norm.weight of layers 6-7: not used by the model, ignored"));
}

} // namespace
} // namespace strata
