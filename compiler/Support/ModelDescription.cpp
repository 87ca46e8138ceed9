// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Support/ModelDescription.h"

#include "compiler/Support/ModelKeys.h"
#include "compiler/Support/Rope.h"
#include "compiler/Support/TensorChecks.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fmt/format.h>

namespace strata {

// What DeepSeek published for V3, R1 and V3.1, which older converters left out of the file.
static constexpr uint32_t kV3Layers = 61;
static constexpr uint32_t kV3Experts = 256;
static constexpr ExpertGroups kV3Groups = {8, 4};
static constexpr float kV3YarnLogMultiplier = 0.1f;

Result<ExpertGroups> parseExpertGroups(std::string_view text) {
  if (text == "none")
    return ExpertGroups{};
  ExpertGroups result;
  const char *end = text.data() + text.size();
  auto [slash, error] = std::from_chars(text.data(), end, result.groups);
  bool valid = error == std::errc() && slash != end && *slash == '/';
  if (valid) {
    auto [last, usedError] = std::from_chars(slash + 1, end, result.used);
    valid = usedError == std::errc() && last == end && result.used >= 1 && result.used <= result.groups;
  }
  if (!valid)
    return fail(ExitCode::CommandLine, "",
                fmt::format("--expert-groups={} is neither GROUPS/USED, as 8/4, nor none", escapeName(text)));
  return result;
}

namespace {

/// Fills a description from the keys: applies defaults, checks that keys agree (G45), and collects all errors.
class DescriptionBuilder {
public:
  DescriptionBuilder(const gguf::Model &ggufModel, std::string fileName, const DescribeOptions &describeOptions)
      : model(ggufModel), file(std::move(fileName)), options(describeOptions),
        keys(readModelKeys(ggufModel.metadata(), file, errors)) {}

  tl::expected<ModelDescription, std::vector<Error>> build() {
    copyKeys();
    describeGate();
    describeGroups();
    describeNormalisation();
    checkAttention();
    describeRope();
    checkExperts();
    checkVocabulary();
    // Which tensors there are follows from three keys, their shapes from nearly all: with wrong keys every tensor would
    // seem wrong.
    bool layersKnown =
        keys.blockCount && keys.leadingDenseBlockCount && keys.expertSharedCount && result.denseLayers < result.layers;
    bool keysAgree = std::none_of(errors.begin(), errors.end(),
                                  [](const Error &error) { return error.id == "G44" || error.id == "G45"; });
    if (layersKnown)
      checkTensors(model, file, keysAgree, result, errors);
    if (!errors.empty())
      return tl::unexpected(std::move(errors));
    return std::move(result);
  }

private:
  void refuse(std::string_view id, const std::string &sentence) {
    errors.push_back({ExitCode::Input, std::string(id), fmt::format("{}: {}", file, sentence)});
  }
  void inconsistent(const std::string &sentence) {
    refuse("G45", sentence + "; convert the model again with a current converter");
  }
  void applied(std::string_view key, const std::string &sentence) {
    result.defaults.push_back(fmt::format("{} is absent: {}", modelKey(key), sentence));
  }

  bool hasV3Size() const { return result.layers == kV3Layers && result.experts == kV3Experts; }
  bool isV3Shaped() const { return hasV3Size() && result.gate == GateFunction::Sigmoid; }

  void copyKeys();
  void describeGate();
  void describeGroups();
  void describeNormalisation();
  void checkAttention();
  void describeRope();
  std::optional<Yarn> describeYarn();
  void checkExperts();
  void checkVocabulary();

  const gguf::Model &model;
  std::string file;
  const DescribeOptions &options;
  std::vector<Error> errors;
  ModelKeys keys;
  ModelDescription result;
};

} // namespace

void DescriptionBuilder::copyKeys() {
  result.architecture = "deepseek2";
  if (auto name = model.metadata().getString("general.name"))
    result.name = std::string(*name);
  result.layers = keys.blockCount.value_or(0);
  result.denseLayers = keys.leadingDenseBlockCount.value_or(0);
  result.embedding = keys.embeddingLength.value_or(0);
  result.contextLength = keys.contextLength.value_or(0);
  result.denseWidth = keys.feedForwardLength.value_or(0);
  result.epsilon = keys.epsilon.value_or(0);
  result.heads = keys.headCount.value_or(0);
  result.queryLatent = keys.queryLoraRank.value_or(0);
  result.latent = keys.kvLoraRank.value_or(0);
  result.rope = keys.ropeDimensionCount.value_or(0);
  result.value = keys.valueLengthMla.value_or(0);
  result.experts = keys.expertCount.value_or(0);
  result.expertsUsed = keys.expertUsedCount.value_or(0);
  result.sharedExperts = keys.expertSharedCount.value_or(0);
  result.expertWidth = keys.expertFeedForwardLength.value_or(0);
  result.expertScale = keys.expertWeightsScale.value_or(1);
  result.vocabulary = keys.vocabularySize.value_or(0);
  const gguf::TensorInfo *embedding = model.findTensor("token_embd.weight");
  if (!keys.vocabularySize && embedding)
    result.vocabulary = Checked(embedding->dimensions.front()).as<uint32_t>().value_or(0);
}

void DescriptionBuilder::describeGate() {
  bool reported = !keys.expertGatingFunction && model.find(modelKey("expert_gating_func"));
  if (keys.expertGatingFunction) {
    result.gate = *keys.expertGatingFunction == 2 ? GateFunction::Sigmoid : GateFunction::Softmax;
  } else if (reported) {
    // A value out of range has its error; sigmoid agrees with all other keys, so that no second one follows from it.
    result.gate = GateFunction::Sigmoid;
  } else if (result.experts == kV3Experts) {
    result.gate = GateFunction::Sigmoid;
    applied("expert_gating_func", "sigmoid, as in DeepSeek V3, the model with 256 experts");
  } else {
    applied("expert_gating_func", "softmax, as in DeepSeek V2, whose files lack the key");
  }
  // Sigmoid scores were trained with the bias. A file that has it in some layers and not in others lacks tensors.
  bool anyBias = std::any_of(model.tensors().begin(), model.tensors().end(), [](const gguf::TensorInfo &tensor) {
    return tensor.name.starts_with("blk.") && tensor.name.ends_with(".exp_probs_b.bias");
  });
  result.selectionBias = anyBias || (result.gate == GateFunction::Sigmoid && !reported);
}

void DescriptionBuilder::describeGroups() {
  bool inFile = model.find(modelKey("expert_group_count")) || model.find(modelKey("expert_group_used_count"));
  if (options.expertGroups) {
    result.expertGroups = *options.expertGroups;
    result.defaults.push_back(fmt::format("expert groups: {}/{} as --expert-groups says", result.expertGroups.groups,
                                          result.expertGroups.used));
  } else if (keys.expertGroupCount && keys.expertGroupUsedCount) {
    result.expertGroups = {*keys.expertGroupCount, *keys.expertGroupUsedCount};
  } else if (inFile) {
    // A value out of range is reported already; one key without the other is not.
    for (const char *key : {"expert_group_count", "expert_group_used_count"})
      if (!model.find(modelKey(key)))
        refuse("G44", fmt::format("the key {} is missing though its companion is there; "
                                  "decide with --expert-groups=8/4 or --expert-groups=none",
                                  modelKey(key)));
  } else if (isV3Shaped()) {
    result.expertGroups = kV3Groups;
    applied("expert_group_count", fmt::format("{} groups of which {} are used, as published for DeepSeek V3; "
                                              "--expert-groups decides otherwise",
                                              kV3Groups.groups, kV3Groups.used));
  } else {
    refuse("G47",
           fmt::format("the keys {} and {} are missing, and the model is not DeepSeek V3's ({} layers, {} experts); "
                       "decide with --expert-groups=8/4 or --expert-groups=none",
                       modelKey("expert_group_count"), modelKey("expert_group_used_count"), result.layers,
                       result.experts));
  }
}

void DescriptionBuilder::describeNormalisation() {
  if (keys.expertWeightsNorm) {
    result.normaliseExpertWeights = *keys.expertWeightsNorm;
  } else if (isV3Shaped()) {
    result.normaliseExpertWeights = true;
    applied("expert_weights_norm", "the weights of the chosen experts are normalised, as published for DeepSeek V3");
  } else {
    applied("expert_weights_norm", "the weights of the chosen experts are not normalised");
  }
}

void DescriptionBuilder::checkAttention() {
  if (result.rope % 2 != 0)
    inconsistent(fmt::format("{} is {}, which must be even", modelKey("rope.dimension_count"), result.rope));
  if (keys.keyLengthMla && keys.ropeDimensionCount) {
    if (*keys.keyLengthMla > result.rope)
      result.nope = *keys.keyLengthMla - result.rope;
    else
      inconsistent(fmt::format("{} is {}, which must be more than {}, {}", modelKey("attention.key_length_mla"),
                               *keys.keyLengthMla, modelKey("rope.dimension_count"), result.rope));
  }
  uint32_t cached = result.latent + result.rope;
  if (keys.keyLength && keys.kvLoraRank && keys.ropeDimensionCount && *keys.keyLength != cached)
    inconsistent(fmt::format("{} is {}, but {} + {} is {} + {} = {}", modelKey("attention.key_length"), *keys.keyLength,
                             modelKey("attention.kv_lora_rank"), modelKey("rope.dimension_count"), result.latent,
                             result.rope, cached));
  if (keys.valueLength && keys.kvLoraRank && *keys.valueLength != result.latent)
    inconsistent(fmt::format("{} is {}, but {} is {}", modelKey("attention.value_length"), *keys.valueLength,
                             modelKey("attention.kv_lora_rank"), result.latent));
}

/// Nothing if the model has no YaRN, or not all of its parameters.
std::optional<Yarn> DescriptionBuilder::describeYarn() {
  if (!keys.scalingType && model.find(modelKey("rope.scaling.type")))
    return std::nullopt; // Of the wrong type, which is reported.
  std::string type = keys.scalingType.value_or("none");
  if (type == "none") {
    if (keys.scalingFactor.value_or(1) != 1)
      inconsistent(fmt::format("{} is {:g}, but {} is none or absent", modelKey("rope.scaling.factor"),
                               *keys.scalingFactor, modelKey("rope.scaling.type")));
    return std::nullopt;
  }
  if (type != "yarn") {
    refuse("G44", fmt::format("the key {} is \"{}\", supported are none and yarn; the model cannot be compiled by this "
                              "version",
                              modelKey("rope.scaling.type"), escapeName(type)));
    return std::nullopt;
  }
  for (const char *key : {"rope.scaling.factor", "rope.scaling.original_context_length"})
    if (!model.find(modelKey(key)))
      refuse("G44",
             fmt::format("the key {} is missing, which YaRN needs; convert the model again with a current converter",
                         modelKey(key)));
  Yarn yarn;
  for (auto [key, value, fallback] : {std::tuple("rope.scaling.yarn_beta_fast", &keys.yarnBetaFast, yarn.betaFast),
                                      std::tuple("rope.scaling.yarn_beta_slow", &keys.yarnBetaSlow, yarn.betaSlow)})
    if (!*value)
      applied(key, fmt::format("{:g}, as published for DeepSeek V2 and V3", fallback));
  yarn.betaFast = keys.yarnBetaFast.value_or(yarn.betaFast);
  yarn.betaSlow = keys.yarnBetaSlow.value_or(yarn.betaSlow);
  if (yarn.betaFast <= yarn.betaSlow)
    inconsistent(fmt::format("{} is {:g}, which must be more than {}, {:g}", modelKey("rope.scaling.yarn_beta_fast"),
                             yarn.betaFast, modelKey("rope.scaling.yarn_beta_slow"), yarn.betaSlow));
  constexpr const char *kLogMultiplier = "rope.scaling.yarn_log_multiplier";
  float logMultiplier = keys.yarnLogMultiplier.value_or(kV3YarnLogMultiplier);
  if (!model.find(modelKey(kLogMultiplier))) {
    if (isV3Shaped())
      applied(kLogMultiplier, fmt::format("{:g}, as published for DeepSeek V3", kV3YarnLogMultiplier));
    else
      refuse("G44",
             fmt::format("the key {} is missing, which YaRN needs; convert the model again with a current converter",
                         modelKey(kLogMultiplier)));
  }
  // The key holds 0.1 mscale_all_dim. Files keep no mscale of their own: it is the same in every published model, so
  // that cosine and sine are not scaled.
  yarn.mscaleAllDimensions = logMultiplier / 0.1f;
  if (!keys.scalingFactor || !keys.originalContextLength)
    return std::nullopt;
  yarn.factor = *keys.scalingFactor;
  yarn.originalContext = *keys.originalContextLength;
  return yarn;
}

void DescriptionBuilder::describeRope() {
  std::optional<Yarn> yarn = describeYarn();
  if (!keys.ropeBase || !keys.ropeDimensionCount || !keys.keyLengthMla)
    return;
  uint32_t headSize = result.nope + result.rope;
  result.frequencies =
      yarn ? ropeFrequencies(*keys.ropeBase, result.rope, *yarn) : ropeFrequencies(*keys.ropeBase, result.rope);
  result.softmaxScale = yarn ? attentionScale(headSize, *yarn) : attentionScale(headSize);
}

void DescriptionBuilder::checkExperts() {
  if (keys.blockCount && keys.leadingDenseBlockCount && result.denseLayers >= result.layers)
    inconsistent(fmt::format("{} is {}, which must be less than {}, {}", modelKey("leading_dense_block_count"),
                             result.denseLayers, modelKey("block_count"), result.layers));
  if (!keys.expertCount || !keys.expertUsedCount)
    return;
  if (result.expertsUsed > result.experts)
    return inconsistent(fmt::format("{} is {}, more than {}, {}", modelKey("expert_used_count"), result.expertsUsed,
                                    modelKey("expert_count"), result.experts));
  auto [groups, used] = result.expertGroups;
  if (used > groups)
    return inconsistent(fmt::format("{} is {}, more than {}, {}", modelKey("expert_group_used_count"), used,
                                    modelKey("expert_group_count"), groups));
  if (result.experts % groups != 0)
    return inconsistent(fmt::format("{} experts cannot be divided into {} equal groups ({})", result.experts, groups,
                                    modelKey("expert_group_count")));
  if (result.expertsUsed > uint64_t{result.experts / groups} * used)
    return inconsistent(fmt::format("{} of {} groups hold {} experts, fewer than {}, {}", used, groups,
                                    result.experts / groups * used, modelKey("expert_used_count"), result.expertsUsed));
  // With softmax a group's score is its best expert's, with sigmoid the sum of its two best.
  if (groups > 1 && result.gate == GateFunction::Softmax)
    refuse("", fmt::format("{} is softmax with {} expert groups, which this version does not support; use a model with "
                           "sigmoid gating, as DeepSeek V3",
                           modelKey("expert_gating_func"), groups));
}

/// The rest of the vocabulary is checked by whoever reads it; without one a model still runs on token ids.
void DescriptionBuilder::checkVocabulary() {
  constexpr const char *kTokens = "tokenizer.ggml.tokens";
  if (!model.find(kTokens) || result.vocabulary == 0)
    return;
  auto tokens = model.metadata().getStrings(kTokens);
  if (!tokens)
    errors.push_back(tokens.error());
  else if ((*tokens)->size() != result.vocabulary)
    refuse("G48", fmt::format("the key {} has {} tokens, but the model's vocabulary has {}; get the file again",
                              kTokens, (*tokens)->size(), result.vocabulary));
}

tl::expected<ModelDescription, std::vector<Error>> describeModel(const gguf::Model &model,
                                                                 const DescribeOptions &options) {
  std::string file = escapeName(std::filesystem::path(model.files().front().path).filename().string());
  auto refuse = [&](const std::string &sentence) {
    return tl::unexpected(std::vector<Error>{{ExitCode::Input, "G43", fmt::format("{}: {}", file, sentence)}});
  };
  // Another architecture has other keys and tensors: nothing more can be said of it.
  if (!model.find("general.architecture"))
    return refuse("the key general.architecture is missing; use a GGUF of architecture deepseek2");
  auto architecture = model.metadata().getString("general.architecture");
  if (!architecture)
    return refuse("the key general.architecture is no string; use a GGUF of architecture deepseek2");
  if (*architecture != "deepseek2")
    return refuse(fmt::format("the architecture is \"{}\", supported is deepseek2 (DeepSeek V3, R1, V3.1)",
                              escapeName(*architecture)));
  return DescriptionBuilder(model, std::move(file), options).build();
}

} // namespace strata
