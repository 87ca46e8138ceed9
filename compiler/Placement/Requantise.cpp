// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Placement/Requantise.h"

#include <algorithm>
#include <array>
#include <map>

namespace strata {

static constexpr std::array<Encoding, 7> kCompared = {Encoding::Q8_0, Encoding::Q6_K, Encoding::Q5_K, Encoding::Q4_K,
                                                      Encoding::Q4_0, Encoding::Q3_K, Encoding::Q2_K};

std::span<const Encoding> comparedEncodings() {
  return kCompared;
}

/// What llama-quantize takes for rows that have no whole number of 256-blocks.
static Encoding smallBlockEncoding(Encoding encoding) {
  switch (encoding) {
  case Encoding::Q6_K:
    return Encoding::Q8_0;
  case Encoding::Q5_K:
    return Encoding::Q5_1;
  case Encoding::Q4_K:
    return Encoding::Q5_0;
  case Encoding::Q3_K:
  case Encoding::Q2_K:
    return Encoding::IQ4_NL;
  default:
    return encoding;
  }
}

static bool holds(Encoding encoding, uint64_t rowElements) {
  return rowElements % encodingInfo(encoding).elements == 0;
}

static std::optional<Encoding> choose(const gguf::TensorInfo &tensor, Encoding wanted) {
  if (tensor.encoding == Encoding::F32)
    return Encoding::F32;
  uint64_t row = tensor.dimensions.back();
  if (tensor.name == "output.weight" && wanted != Encoding::Q8_0)
    wanted = Encoding::Q6_K;
  if (!holds(wanted, row))
    wanted = smallBlockEncoding(wanted);
  return holds(wanted, row) ? std::optional(wanted) : std::nullopt;
}

std::optional<std::vector<gguf::TensorInfo>> requantise(std::span<const gguf::TensorInfo> tensors, Encoding encoding) {
  std::vector<gguf::TensorInfo> changed(tensors.begin(), tensors.end());
  for (gguf::TensorInfo &tensor : changed) {
    std::optional<Encoding> chosen = choose(tensor, encoding);
    if (!chosen)
      return std::nullopt;
    Checked rows = 1;
    for (size_t i = 0; i + 1 < tensor.dimensions.size(); ++i)
      rows *= tensor.dimensions[i];
    Checked bytes = encodedBytes(*chosen, tensor.dimensions.back(), rows);
    if (!bytes.valid())
      return std::nullopt;
    tensor.encoding = *chosen;
    tensor.bytes = bytes.value();
  }
  return changed;
}

std::string_view publishedPerplexity(const ModelDescription &description, Encoding encoding) {
  bool sibling = description.layers == 61 && description.embedding == 7168 && description.experts == 256 &&
                 description.expertWidth == 2048;
  if (!sibling)
    return {};
  switch (encoding) {
  case Encoding::Q8_0:
    return "3.2130 (R1-0528)";
  case Encoding::Q4_K:
    return "3.2483 (R1-0528, mix UD-Q4_K_XL)";
  case Encoding::Q4_0:
    return "3.2895 (R1-0528)";
  default:
    return {};
  }
}

Encoding mainEncoding(std::span<const gguf::TensorInfo> tensors) {
  std::map<Encoding, uint64_t> bytes;
  for (const gguf::TensorInfo &tensor : tensors)
    bytes[tensor.encoding] += tensor.bytes / 2; // Halves, so that no sum of a file's sizes overflows.
  auto most =
      std::max_element(bytes.begin(), bytes.end(), [](const auto &a, const auto &b) { return a.second < b.second; });
  return most == bytes.end() ? Encoding::F32 : most->first;
}

} // namespace strata
