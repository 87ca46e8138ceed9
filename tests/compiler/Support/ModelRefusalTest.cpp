// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What describeModel refuses: each case is tiny.Q4_0.gguf with one thing changed, named after its id in the checklist.

#include "tests/compiler/Support/ModelFixture.h"

#include <cmath>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

namespace strata {
namespace {
using gguf::GgufBuilder;
using testing::HasSubstr;

constexpr const char *kConvert = "convert the model again with a current converter";

struct Refusal {
  std::string name; ///< Begins with the id.
  std::function<void(GgufBuilder &)> change;
  std::vector<std::string> sentence; ///< Parts of it: the place, and the remedy.
  size_t errors = 1;

  std::string id() const { return name.substr(0, 3); }
};

/// What GoogleTest prints of a case.
void PrintTo(const Refusal &refusal, std::ostream *out) {
  *out << refusal.name;
}

std::string key(const std::string &name) {
  return "deepseek2." + name;
}

/// A case whose key gets another value.
template <typename T>
Refusal keyRefusal(const std::string &name, const std::string &changed, T value, const std::string &remedy = kConvert) {
  return {name, [=](GgufBuilder &builder) { builder.set(key(changed), value); }, {key(changed), remedy}};
}

std::vector<Refusal> architectureCases() {
  const std::string remedy = "use a GGUF of architecture deepseek2";
  return {
      {"G43ArchitectureMissing",
       [](GgufBuilder &b) { b.remove("general.architecture"); },
       {"general.architecture", remedy}},
      {"G43ArchitectureIsANumber",
       [](GgufBuilder &b) { b.set("general.architecture", 2u); },
       {"general.architecture", remedy}},
      {"G43OtherArchitecture",
       [](GgufBuilder &b) { b.set("general.architecture", std::string("llama")); },
       {"\"llama\"", "supported is deepseek2"}},
      {"G43NameIsEscaped",
       [](GgufBuilder &b) { b.set("general.architecture", std::string("a\x1b[2J")); },
       {"\\x1b", "supported is deepseek2"}},
  };
}

const char *const kRequiredKeys[] = {"block_count",
                                     "leading_dense_block_count",
                                     "context_length",
                                     "embedding_length",
                                     "feed_forward_length",
                                     "attention.head_count",
                                     "attention.head_count_kv",
                                     "attention.q_lora_rank",
                                     "attention.kv_lora_rank",
                                     "attention.key_length",
                                     "attention.value_length",
                                     "attention.key_length_mla",
                                     "attention.value_length_mla",
                                     "attention.layer_norm_rms_epsilon",
                                     "rope.dimension_count",
                                     "rope.freq_base",
                                     "rope.scaling.factor",
                                     "rope.scaling.original_context_length",
                                     "rope.scaling.yarn_log_multiplier",
                                     "expert_count",
                                     "expert_used_count",
                                     "expert_shared_count",
                                     "expert_feed_forward_length",
                                     "expert_weights_scale"};

const char *const kOptionalKeys[] = {
    "vocab_size",         "rope.scaling.type",       "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow",
    "expert_group_count", "expert_group_used_count", "expert_gating_func",          "expert_weights_norm"};

/// "BlockCount" for "block_count".
std::string camelCase(const std::string &text) {
  std::string result;
  bool upper = true;
  for (char character : text) {
    bool separator = character == '_' || character == '.';
    if (!separator)
      result += upper ? static_cast<char>(std::toupper(character)) : character;
    upper = separator;
  }
  return result;
}

std::vector<Refusal> keyCases() {
  std::vector<Refusal> cases;
  for (const char *name : kRequiredKeys)
    cases.push_back(
        {"G44Missing" + camelCase(name), [=](GgufBuilder &b) { b.remove(key(name)); }, {key(name) + " is missing"}});
  for (const auto &keys : {std::vector<const char *>(std::begin(kRequiredKeys), std::end(kRequiredKeys)),
                           std::vector<const char *>(std::begin(kOptionalKeys), std::end(kOptionalKeys))})
    for (const char *name : keys)
      cases.push_back(keyRefusal("G44WrongType" + camelCase(name), name, std::vector<int32_t>{1}));
  for (const char *name :
       {"block_count", "context_length", "embedding_length", "feed_forward_length", "attention.head_count",
        "attention.kv_lora_rank", "attention.key_length", "attention.value_length", "rope.dimension_count",
        "rope.scaling.original_context_length", "expert_count", "expert_used_count", "expert_feed_forward_length",
        "expert_group_count", "expert_group_used_count", "vocab_size"}) {
    cases.push_back(keyRefusal("G44Zero" + camelCase(name), name, 0u));
    cases.push_back(keyRefusal("G44Huge" + camelCase(name), name, 0xFFFFFFFFu));
    cases.push_back(keyRefusal("G44Wide" + camelCase(name), name, uint64_t(1) << 32 | 1));
    cases.push_back(keyRefusal("G44Negative" + camelCase(name), name, int32_t(-1)));
  }
  for (const char *name :
       {"attention.layer_norm_rms_epsilon", "rope.freq_base", "rope.scaling.factor", "rope.scaling.yarn_log_multiplier",
        "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow", "expert_weights_scale"}) {
    cases.push_back(keyRefusal("G44NotANumber" + camelCase(name), name, std::nanf("")));
    cases.push_back(keyRefusal("G44Infinite" + camelCase(name), name, INFINITY));
    cases.push_back(keyRefusal("G44Zero" + camelCase(name), name, 0.0f));
    cases.push_back(keyRefusal("G44Negative" + camelCase(name), name, -1.0f));
  }
  cases.push_back(keyRefusal("G44HeadCountKvOfOldFiles", "attention.head_count_kv", 8u, "attn_kv_b.weight"));
  cases.push_back(keyRefusal("G44UnknownGate", "expert_gating_func", 3u, "1 is softmax, 2 is sigmoid"));
  cases.push_back(keyRefusal("G44NextnLayers", "nextn_predict_layers", 1u, "convert the model without them"));
  cases.push_back(
      keyRefusal("G44UnknownRopeScaling", "rope.scaling.type", std::string("linear"), "supported are none and yarn"));
  cases.push_back({"G44HalfOfTheGroups",
                   [](GgufBuilder &b) { b.remove(key("expert_group_count")); },
                   {key("expert_group_count"), "--expert-groups=8/4"}});
  cases.push_back({"G44OtherHalfOfTheGroups",
                   [](GgufBuilder &b) { b.remove(key("expert_group_used_count")); },
                   {key("expert_group_used_count"), "--expert-groups=8/4"}});
  return cases;
}

std::vector<Refusal> consistencyCases() {
  auto reshape = [](const char *name, std::vector<uint64_t> dimensions, Encoding encoding = Encoding::F32) {
    return [=](GgufBuilder &builder) { builder.reshape(name, dimensions, encoding); };
  };
  return {
      keyRefusal("G45MoreUsedThanExperts", "expert_used_count", 33u),
      keyRefusal("G45ExpertsDoNotDivide", "expert_group_count", 7u),
      keyRefusal("G45MoreGroupsUsedThanGroups", "expert_group_used_count", 9u),
      {"G45GroupsHoldTooFew",
       [](GgufBuilder &b) { b.set(key("expert_group_used_count"), 1u).set(key("expert_used_count"), 5u); },
       {key("expert_used_count"), "1 of 8 groups hold 4 experts", kConvert}},
      keyRefusal("G45KeyLength", "attention.key_length", 161u),
      keyRefusal("G45ValueLength", "attention.value_length", 127u),
      keyRefusal("G45KeyLengthMla", "attention.key_length_mla", 32u),
      {"G45OddRope",
       [](GgufBuilder &b) { b.set(key("rope.dimension_count"), 31u).set(key("attention.key_length"), 159u); },
       {key("rope.dimension_count"), "must be even", kConvert}},
      keyRefusal("G45NoExpertLayer", "leading_dense_block_count", 6u),
      keyRefusal("G45MoreDenseLayersThanLayers", "leading_dense_block_count", 7u),
      keyRefusal("G45YarnBetas", "rope.scaling.yarn_beta_fast", 1.0f),
      {"G45FactorWithoutType",
       [](GgufBuilder &b) { b.remove(key("rope.scaling.type")); },
       {key("rope.scaling.factor"), "none or absent", kConvert}},
      {"G45VocabularyDiffersFromItsTensors",
       [](GgufBuilder &b) { b.set(key("vocab_size"), 1023u).remove("tokenizer.ggml.tokens"); },
       {"token_embd.weight: shape [1024, 256], but the keys call for [1023, 256]", "output.weight: shape [1024, 256]"},
       2},
      {"G48TokensDifferFromTheVocabulary",
       [](GgufBuilder &b) { b.set("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b"}); },
       {"tokenizer.ggml.tokens has 2 tokens, but the model's vocabulary has 1024", "get the file again"}},
      {"G44TokensAreNoStrings", [](GgufBuilder &b) { b.set("tokenizer.ggml.tokens", 5u); }, {"tokenizer.ggml.tokens"}},
      {"G45ShapeOfOneTensor",
       reshape("blk.2.attn_k_b.weight", {8, 128, 64}, Encoding::Q4_0),
       {"changed.gguf: tensor blk.2.attn_k_b.weight: shape [8, 128, 64], but the keys call for [8, 128, 32]",
        "the file is damaged or no deepseek2 model"}},
      {"G45TransposedTensor",
       reshape("blk.1.ffn_gate_inp.weight", {256, 32}),
       {"blk.1.ffn_gate_inp.weight: shape [256, 32]", "the file is damaged"}},
      {"G45RankOfATensor",
       reshape("blk.1.ffn_down_exps.weight", {8192, 64}, Encoding::Q4_0),
       {"blk.1.ffn_down_exps.weight: shape [8192, 64]", "[32, 256, 64]"}},
  };
}

std::vector<Refusal> tensorCases() {
  auto remove = [](std::vector<std::string> names) {
    return [=](GgufBuilder &builder) {
      for (const std::string &name : names)
        builder.removeTensor(name);
    };
  };
  auto encode = [](const char *name, std::vector<uint64_t> dimensions, Encoding encoding) {
    return [=](GgufBuilder &builder) { builder.reshape(name, dimensions, encoding); };
  };
  return {
      {"G46MissingTensor",
       remove({"blk.3.attn_q_a.weight"}),
       {"changed.gguf: tensor blk.3.attn_q_a.weight: missing", kConvert}},
      {"G46MissingInSeveralLayers",
       remove({"blk.1.exp_probs_b.bias", "blk.2.exp_probs_b.bias", "blk.4.exp_probs_b.bias"}),
       {"tensors blk.*.exp_probs_b.bias of layers 1-2, 4: missing", kConvert}},
      {"G46MissingBiasInAllLayers",
       remove({"blk.1.exp_probs_b.bias", "blk.2.exp_probs_b.bias", "blk.3.exp_probs_b.bias", "blk.4.exp_probs_b.bias",
               "blk.5.exp_probs_b.bias"}),
       {"blk.*.exp_probs_b.bias of layers 1-5: missing"}},
      {"G46MissingEmbedding", remove({"token_embd.weight"}), {"tensor token_embd.weight: missing", kConvert}},
      {"G46EachMissingTensorIsNamed",
       remove({"output_norm.weight", "blk.0.ffn_up.weight"}),
       {"tensor output_norm.weight: missing", "tensor blk.0.ffn_up.weight: missing"},
       2},
      {"G46SharedOutput",
       remove({"output.weight"}),
       {"tensor output.weight: missing", "token_embd.weight in its place"}},
      {"G46OldAttention",
       [](GgufBuilder &b) {
         b.removeTensor("blk.2.attn_k_b.weight").removeTensor("blk.2.attn_v_b.weight");
         b.tensor("blk.2.attn_kv_b.weight", {512, 128}, Encoding::Q4_0);
       },
       {"blk.2.attn_k_b.weight: missing, and attn_kv_b.weight in its place is not supported", "blk.2.attn_v_b.weight",
        kConvert},
       2},
      {"G46QueryWithoutCompression",
       [](GgufBuilder &b) {
         b.removeTensor("blk.2.attn_q_a.weight").tensor("blk.2.attn_q.weight", {512, 256}, Encoding::Q4_0);
       },
       {"blk.2.attn_q_a.weight: missing, and attn_q.weight in its place is not supported"}},
      {"G31NormIsNotF32",
       encode("blk.0.attn_norm.weight", {256}, Encoding::F16),
       {"blk.0.attn_norm.weight: stored as F16", "only F32 is supported here"}},
  };
}

std::vector<Refusal> groupCases() {
  auto withoutGroups = [](GgufBuilder &b) {
    b.remove(key("expert_group_count")).remove(key("expert_group_used_count"));
  };
  return {{"G47NoGroupKeys",
           withoutGroups,
           {key("expert_group_count"), "--expert-groups=8/4 or --expert-groups=none", "6 layers, 32 experts"}}};
}

class ModelRefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(ModelRefusalTest, IsOneClearSentence) {
  const Refusal &refusal = GetParam();
  GgufBuilder builder = GgufBuilder::like(openTiny());
  refusal.change(builder);
  auto description = describeModel(openBuilt(builder));
  ASSERT_FALSE(description);
  std::string all;
  for (const Error &error : description.error()) {
    EXPECT_EQ(error.code, ExitCode::Input);
    EXPECT_EQ(error.id, refusal.id()) << error.message;
    EXPECT_THAT(error.message, HasSubstr("changed.gguf"));
    EXPECT_NE(error.message.back(), '.') << error.message;
    all += error.message + "\n";
  }
  EXPECT_EQ(description.error().size(), refusal.errors) << all;
  for (const std::string &part : refusal.sentence)
    EXPECT_THAT(all, HasSubstr(part));
}

std::vector<Refusal> allCases() {
  std::vector<Refusal> all;
  for (const auto &cases : {architectureCases(), keyCases(), consistencyCases(), tensorCases(), groupCases()})
    all.insert(all.end(), cases.begin(), cases.end());
  return all;
}

INSTANTIATE_TEST_SUITE_P(Checklist, ModelRefusalTest, testing::ValuesIn(allCases()),
                         [](const auto &info) { return info.param.name; });

TEST(ModelRefusal, SoftmaxWithGroupsIsNotSupportedYet) {
  GgufBuilder builder = GgufBuilder::like(openTiny());
  builder.set(key("expert_gating_func"), 1u);
  auto description = describeModel(openBuilt(builder));
  ASSERT_FALSE(description);
  ASSERT_EQ(description.error().size(), 1u);
  EXPECT_THAT(description.error().front().message, HasSubstr("softmax with 8 expert groups"));
}

TEST(ModelRefusal, G44ModelWithoutQueryCompressionIsOneSentence) {
  GgufBuilder builder = GgufBuilder::like(openTiny());
  builder.remove(key("attention.q_lora_rank"));
  for (int layer = 0; layer < 6; ++layer) {
    std::string prefix = "blk." + std::to_string(layer) + ".";
    for (const char *name : {"attn_q_a.weight", "attn_q_a_norm.weight", "attn_q_b.weight"})
      builder.removeTensor(prefix + name);
    builder.tensor(prefix + "attn_q.weight", {512, 256}, Encoding::Q4_0);
  }
  auto description = describeModel(openBuilt(builder));
  ASSERT_FALSE(description);
  ASSERT_EQ(description.error().size(), 1u);
  EXPECT_THAT(description.error().front().message, HasSubstr("models without query compression (attn_q.weight"));
}

TEST(ModelRefusal, OneReportHasEverything) {
  GgufBuilder builder = GgufBuilder::like(openTiny());
  builder.remove(key("context_length")).set(key("expert_used_count"), 33u).removeTensor("output.weight");
  builder.remove(key("expert_group_count")).remove(key("expert_group_used_count"));
  builder.reshape("blk.0.attn_norm.weight", {256}, Encoding::F16);
  auto description = describeModel(openBuilt(builder));
  ASSERT_FALSE(description);
  std::set<std::string> ids;
  for (const Error &error : description.error())
    ids.insert(error.id);
  EXPECT_EQ(ids, (std::set<std::string>{"G31", "G44", "G45", "G46", "G47"}));
}

} // namespace
} // namespace strata
