// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a GGUF file says about its model: the hyper-parameters of architecture deepseek2.
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Weights/Gguf.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// How the router turns a logit into a score.
enum class GateFunction : uint8_t { Softmax, Sigmoid };

/// The experts are divided into `groups` equal groups, of which a token uses `used`. 1/1 is no division.
struct ExpertGroups {
  uint32_t groups = 1;
  uint32_t used = 1;
  bool operator==(const ExpertGroups &) const = default;
};

/// The value of --expert-groups: "8/4" or "none". Exit code 2.
Result<ExpertGroups> parseExpertGroups(std::string_view text);

/// The hyper-parameters. The comments give the GGUF key, without "deepseek2.", and V3.1's value.
struct ModelDescription {
  std::string name;         ///< general.name, empty if absent
  std::string architecture; ///< general.architecture, "deepseek2"

  uint32_t layers = 0;        ///< block_count, 61
  uint32_t denseLayers = 0;   ///< leading_dense_block_count, 3
  uint32_t embedding = 0;     ///< embedding_length, 7168
  uint32_t vocabulary = 0;    ///< vocab_size or the rows of token_embd.weight, 129280
  uint32_t contextLength = 0; ///< context_length, 163840
  uint32_t denseWidth = 0;    ///< feed_forward_length, 18432
  float epsilon = 0;          ///< attention.layer_norm_rms_epsilon, 1e-6

  uint32_t heads = 0;             ///< attention.head_count, 128
  uint32_t queryLatent = 0;       ///< attention.q_lora_rank, 1536
  uint32_t latent = 0;            ///< attention.kv_lora_rank, 512
  uint32_t rope = 0;              ///< rope.dimension_count, 64
  uint32_t nope = 0;              ///< attention.key_length_mla - rope, 128
  uint32_t value = 0;             ///< attention.value_length_mla, 128
  std::vector<float> frequencies; ///< rope / 2 rotation angles per position, YaRN applied.
  float magnitude = 1;            ///< Factor of cosine and sine.
  float softmaxScale = 0;         ///< Factor of query times key, 0.1352337789

  uint32_t experts = 0;                      ///< expert_count, 256
  uint32_t expertsUsed = 0;                  ///< expert_used_count, 8
  uint32_t sharedExperts = 0;                ///< expert_shared_count, 1
  uint32_t expertWidth = 0;                  ///< expert_feed_forward_length, 2048
  ExpertGroups expertGroups;                 ///< expert_group_count, expert_group_used_count, 8/4
  GateFunction gate = GateFunction::Softmax; ///< expert_gating_func, sigmoid
  bool selectionBias = false;                ///< Layers have exp_probs_b.bias.
  bool normaliseExpertWeights = false;       ///< expert_weights_norm, true
  float expertScale = 1;                     ///< expert_weights_scale, 2.5

  std::vector<std::string> defaults; ///< One sentence for every default that was applied.
  std::vector<std::string> notes;    ///< What is odd but harmless: tensors that the model does not use.
};

struct DescribeOptions {
  std::optional<ExpertGroups> expertGroups; ///< Overrides the file's keys.
};

/// Reads and checks keys, tensor names, shapes and encodings (G31, G43 to G47) and the number of tokens (G48). All that
/// is wrong is reported at once; every error names the file and the key or tensor and has exit code 1. No weight is
/// read.
tl::expected<ModelDescription, std::vector<Error>> describeModel(const gguf::Model &model,
                                                                 const DescribeOptions &options = {});

} // namespace strata
