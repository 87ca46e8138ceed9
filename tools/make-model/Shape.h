// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a made-up model consists of: its sizes, its tensors in the order of the file, its metadata.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace strata::making {

struct Shape {
  uint32_t denseLayers = 3, moeLayers = 58;
  uint32_t experts = 256, expertsUsed = 8, groups = 8, groupsUsed = 4;
  uint32_t vocabulary = 129280;
  uint32_t embedding = 7168, feedForward = 18432, expertFeedForward = 2048;
  uint32_t heads = 128, queryRank = 1536, latent = 512, nope = 128, rope = 64, value = 128;
  uint64_t seed = 1;
};

/// The smallest vocabulary: special tokens and one token per byte.
inline constexpr uint32_t kSmallestVocabulary = 7 + 256;

/// Numbers as GGUF numbers them.
enum class TensorType : uint32_t { F32 = 0, Q4_0 = 2, Q6_K = 14 };

struct Tensor {
  std::string name;
  std::vector<uint64_t> dimensions; ///< In GGUF's order: the first one is contiguous.
  TensorType type = TensorType::Q4_0;
  float mean = 0;
  float deviation = 0; ///< Of its values.
  uint64_t offset = 0; ///< From the start of the tensor data.
  uint64_t bytes = 0;
  bool routedExperts = false;     ///< The slabs of all experts of a layer.
  std::vector<float> values = {}; ///< Of an F32 tensor that is not random.
};

/// Groups of experts as the full model has them where the experts allow it, else one group.
void chooseGroups(Shape &shape);

class Skew;

/// In the order and with the encodings of a Q4_0 file of the real model. Without a skew, experts are used alike.
std::vector<Tensor> listTensors(const Shape &shape, const Skew *skew);

/// All that stands before the tensor data, padded to its start.
std::string makeHeader(const Shape &shape, const std::vector<Tensor> &tensors);

} // namespace strata::making
