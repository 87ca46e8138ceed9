// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Rotary position embedding: frequencies and scales, with YaRN.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace strata {

/// The parameters of YaRN ("YaRN: Efficient Context Window Extension of Large Language Models", Peng et al. 2023).
struct Yarn {
  float factor = 1;             ///< rope.scaling.factor, 40
  uint32_t originalContext = 0; ///< rope.scaling.original_context_length, 4096
  float betaFast =
      32; ///< rope.scaling.yarn_beta_fast: rotations in the original context above which a pair keeps its frequency
  float betaSlow = 1;            ///< rope.scaling.yarn_beta_slow: rotations below which it is divided by the factor
  float mscaleAllDimensions = 1; ///< rope.scaling.yarn_log_multiplier / 0.1
};

/// The rotation of pair i per position, base^(-2i / dimensions): `dimensions` / 2 numbers.
std::vector<float> ropeFrequencies(float base, uint32_t dimensions);

/// The first pair that is not kept and the first that is fully divided: 10 and 23 for V3.1.
std::pair<double, double> yarnCorrectionRange(float base, uint32_t dimensions, const Yarn &yarn);

/// The same with YaRN. In f32 and in the order in which Hugging Face transformers computes them, since models are
/// trained and judged with those.
std::vector<float> ropeFrequencies(float base, uint32_t dimensions, const Yarn &yarn);

/// What softmax(scale * q.k) is scaled by: (head size)^-0.5, with YaRN times (1 + 0.1 mscale_all_dim ln factor)^2.
float attentionScale(uint32_t headSize);
float attentionScale(uint32_t headSize, const Yarn &yarn);

} // namespace strata
