// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The hyper-parameter keys of architecture deepseek2 as they stand in the file.
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Weights/Metadata.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// Every key that the file has and whose value is in range. Names are the keys' own.
struct ModelKeys {
  std::optional<uint32_t> blockCount, leadingDenseBlockCount, contextLength, embeddingLength, feedForwardLength,
      vocabularySize, nextnPredictLayers;
  std::optional<uint32_t> headCount, headCountKv, queryLoraRank, kvLoraRank, keyLength, valueLength, keyLengthMla,
      valueLengthMla;
  std::optional<float> epsilon;
  std::optional<uint32_t> ropeDimensionCount, originalContextLength;
  std::optional<float> ropeBase, scalingFactor, yarnLogMultiplier, yarnBetaFast, yarnBetaSlow;
  std::optional<std::string> scalingType;
  std::optional<uint32_t> expertCount, expertUsedCount, expertSharedCount, expertFeedForwardLength, expertGroupCount,
      expertGroupUsedCount, expertGatingFunction;
  std::optional<float> expertWeightsScale;
  std::optional<bool> expertWeightsNorm;
};

/// "deepseek2.block_count" for "block_count".
std::string modelKey(std::string_view key);

/// Reads every key of the table. Appends one G44 for each required key that is missing and each key of the wrong type
/// or out of range; `file` names the file in them.
ModelKeys readModelKeys(const gguf::Metadata &metadata, std::string_view file, std::vector<Error> &errors);

} // namespace strata
