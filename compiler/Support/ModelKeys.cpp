// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Support/ModelKeys.h"

#include <fmt/format.h>
#include <type_traits>
#include <variant>

namespace strata {

namespace {

using Member = std::variant<std::optional<uint32_t> ModelKeys::*, std::optional<float> ModelKeys::*,
                            std::optional<bool> ModelKeys::*, std::optional<std::string> ModelKeys::*>;

/// One key: its type is its member's, its value must be in [least, most] (numbers only; NaN is in no range).
struct KeySpec {
  std::string_view key;
  Member member;
  bool required;
  double least = 0;
  double most = 0;
  std::string_view remedy = "convert the model again with a current converter";
};

constexpr bool kRequired = true;
constexpr bool kOptional = false;
// Positions are rotated as f32 numbers, which are exact up to here.
constexpr double kMostPositions = 1 << 24;
constexpr double kMostWidth = 1 << 20;
constexpr std::string_view kNoQueryLora =
    "models without query compression (attn_q.weight instead of attn_q_a.weight) are not supported by this version";
constexpr std::string_view kNoSplitKvB = "files with attn_kv_b.weight, as converters wrote them before April 2025, are "
                                         "not supported by this version; convert "
                                         "the model again with a current converter";

// 0 is in range only where it means something.
constexpr KeySpec kKeys[] = {
    {"block_count", &ModelKeys::blockCount, kRequired, 1, 1024},
    {"leading_dense_block_count", &ModelKeys::leadingDenseBlockCount, kRequired, 0, 1024},
    {"context_length", &ModelKeys::contextLength, kRequired, 1, kMostPositions},
    {"embedding_length", &ModelKeys::embeddingLength, kRequired, 1, kMostWidth},
    {"feed_forward_length", &ModelKeys::feedForwardLength, kRequired, 1, kMostWidth},
    {"vocab_size", &ModelKeys::vocabularySize, kOptional, 1, 1 << 24},
    {"nextn_predict_layers", &ModelKeys::nextnPredictLayers, kOptional, 0, 0,
     "layers for multi-token prediction are not supported by this version; convert the model without them"},
    {"attention.head_count", &ModelKeys::headCount, kRequired, 1, 4096},
    {"attention.head_count_kv", &ModelKeys::headCountKv, kRequired, 1, 1, kNoSplitKvB},
    {"attention.q_lora_rank", &ModelKeys::queryLoraRank, kRequired, 1, kMostWidth, kNoQueryLora},
    {"attention.kv_lora_rank", &ModelKeys::kvLoraRank, kRequired, 1, 65536},
    {"attention.key_length", &ModelKeys::keyLength, kRequired, 1, 131072},
    {"attention.value_length", &ModelKeys::valueLength, kRequired, 1, 65536},
    {"attention.key_length_mla", &ModelKeys::keyLengthMla, kRequired, 1, 131072, kNoSplitKvB},
    {"attention.value_length_mla", &ModelKeys::valueLengthMla, kRequired, 1, 65536, kNoSplitKvB},
    {"attention.layer_norm_rms_epsilon", &ModelKeys::epsilon, kRequired, 1e-12, 1e-1},
    {"rope.dimension_count", &ModelKeys::ropeDimensionCount, kRequired, 2, 65536},
    {"rope.freq_base", &ModelKeys::ropeBase, kRequired, 2, 1e12},
    {"rope.scaling.type", &ModelKeys::scalingType, kOptional},
    {"rope.scaling.factor", &ModelKeys::scalingFactor, kOptional, 1, 4096},
    {"rope.scaling.original_context_length", &ModelKeys::originalContextLength, kOptional, 1, kMostPositions},
    {"rope.scaling.yarn_log_multiplier", &ModelKeys::yarnLogMultiplier, kOptional, 1e-6, 10},
    {"rope.scaling.yarn_beta_fast", &ModelKeys::yarnBetaFast, kOptional, 1e-3, 1e6},
    {"rope.scaling.yarn_beta_slow", &ModelKeys::yarnBetaSlow, kOptional, 1e-3, 1e6},
    {"expert_count", &ModelKeys::expertCount, kRequired, 1, 65536},
    {"expert_used_count", &ModelKeys::expertUsedCount, kRequired, 1, 65536},
    {"expert_shared_count", &ModelKeys::expertSharedCount, kRequired, 0, 1024},
    {"expert_feed_forward_length", &ModelKeys::expertFeedForwardLength, kRequired, 1, kMostWidth},
    {"expert_group_count", &ModelKeys::expertGroupCount, kOptional, 1, 65536},
    {"expert_group_used_count", &ModelKeys::expertGroupUsedCount, kOptional, 1, 65536},
    {"expert_gating_func", &ModelKeys::expertGatingFunction, kOptional, 1, 2,
     "1 is softmax, 2 is sigmoid; others are not supported by this version"},
    {"expert_weights_scale", &ModelKeys::expertWeightsScale, kRequired, 1e-6, 1e6},
    {"expert_weights_norm", &ModelKeys::expertWeightsNorm, kOptional},
};

/// Reads one key into its member.
class KeyReader {
public:
  KeyReader(const gguf::Metadata &metadataOfFile, std::string_view fileName, ModelKeys &keysToFill,
            std::vector<Error> &errorList)
      : metadata(metadataOfFile), file(fileName), keys(keysToFill), errors(errorList) {}

  void read(const KeySpec &spec) {
    std::string key = modelKey(spec.key);
    if (metadata.find(key))
      std::visit([&](auto member) { readPresent(spec, key, member); }, spec.member);
    else if (spec.required)
      refuse(fmt::format("the key {} is missing; {}", key, spec.remedy));
  }

private:
  template <typename T>
  void readPresent(const KeySpec &spec, const std::string &key, std::optional<T> ModelKeys::*member) {
    if constexpr (std::is_same_v<T, bool>)
      take(metadata.getBool(key), [&](bool flag) { keys.*member = flag; });
    else if constexpr (std::is_same_v<T, std::string>)
      take(metadata.getString(key), [&](std::string_view text) { keys.*member = std::string(text); });
    else if constexpr (std::is_same_v<T, uint32_t>)
      take(metadata.getUnsigned(key), [&](uint64_t number) {
        if (inRange(spec, key, static_cast<double>(number)))
          keys.*member = static_cast<uint32_t>(number);
      });
    else
      take(metadata.getFloat(key), [&](double number) {
        if (inRange(spec, key, number))
          keys.*member = static_cast<float>(number);
      });
  }

  template <typename T, typename Use> void take(const Result<T> &value, Use use) {
    if (value)
      use(*value);
    else
      errors.push_back(value.error());
  }

  bool inRange(const KeySpec &spec, const std::string &key, double number) {
    if (number >= spec.least && number <= spec.most)
      return true;
    refuse(spec.least == spec.most
               ? fmt::format("the key {} is {:g}, it must be {:g}; {}", key, number, spec.least, spec.remedy)
               : fmt::format("the key {} is {:g}, it must be between {:g} and {:g}; {}", key, number, spec.least,
                             spec.most, spec.remedy));
    return false;
  }

  void refuse(const std::string &sentence) {
    errors.push_back({ExitCode::Input, "G44", fmt::format("{}: {}", file, sentence)});
  }

  const gguf::Metadata &metadata;
  std::string_view file;
  ModelKeys &keys;
  std::vector<Error> &errors;
};

} // namespace

std::string modelKey(std::string_view key) {
  return "deepseek2." + std::string(key);
}

ModelKeys readModelKeys(const gguf::Metadata &metadata, std::string_view file, std::vector<Error> &errors) {
  ModelKeys keys;
  KeyReader reader(metadata, file, keys, errors);
  for (const KeySpec &spec : kKeys)
    reader.read(spec);
  return keys;
}

} // namespace strata
