// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Weights/Encoding.h"

#include <algorithm>
#include <array>

namespace strata {

// Block structures: ggml-common.h's block types as the GGUF specification lists them.
static constexpr std::array<EncodingInfo, 32> kEncodings = {{
    {Encoding::F32, "F32", 1, 4, true},
    {Encoding::F16, "F16", 1, 2, true},
    {Encoding::Q4_0, "Q4_0", 32, 18, true},
    {Encoding::Q4_1, "Q4_1", 32, 20, true},
    {Encoding::Q5_0, "Q5_0", 32, 22, false},
    {Encoding::Q5_1, "Q5_1", 32, 24, false},
    {Encoding::Q8_0, "Q8_0", 32, 34, true},
    {Encoding::Q8_1, "Q8_1", 32, 36, false},
    {Encoding::Q2_K, "Q2_K", 256, 84, false},
    {Encoding::Q3_K, "Q3_K", 256, 110, false},
    {Encoding::Q4_K, "Q4_K", 256, 144, false},
    {Encoding::Q5_K, "Q5_K", 256, 176, false},
    {Encoding::Q6_K, "Q6_K", 256, 210, true},
    {Encoding::Q8_K, "Q8_K", 256, 292, false},
    {Encoding::IQ2_XXS, "IQ2_XXS", 256, 66, false},
    {Encoding::IQ2_XS, "IQ2_XS", 256, 74, false},
    {Encoding::IQ3_XXS, "IQ3_XXS", 256, 98, false},
    {Encoding::IQ1_S, "IQ1_S", 256, 50, false},
    {Encoding::IQ4_NL, "IQ4_NL", 32, 18, false},
    {Encoding::IQ3_S, "IQ3_S", 256, 110, false},
    {Encoding::IQ2_S, "IQ2_S", 256, 82, false},
    {Encoding::IQ4_XS, "IQ4_XS", 256, 136, false},
    {Encoding::I8, "I8", 1, 1, false},
    {Encoding::I16, "I16", 1, 2, false},
    {Encoding::I32, "I32", 1, 4, false},
    {Encoding::I64, "I64", 1, 8, false},
    {Encoding::F64, "F64", 1, 8, false},
    {Encoding::IQ1_M, "IQ1_M", 256, 56, false},
    {Encoding::BF16, "BF16", 1, 2, true},
    {Encoding::TQ1_0, "TQ1_0", 256, 54, false},
    {Encoding::TQ2_0, "TQ2_0", 256, 66, false},
    {Encoding::MXFP4, "MXFP4", 32, 17, false},
}};

std::optional<EncodingInfo> encodingInfo(uint32_t id) {
  const auto *found = std::find_if(kEncodings.begin(), kEncodings.end(), [id](const EncodingInfo &info) {
    return static_cast<uint32_t>(info.encoding) == id;
  });
  if (found == kEncodings.end())
    return std::nullopt;
  return *found;
}

const EncodingInfo &encodingInfo(Encoding encoding) {
  return *std::find_if(kEncodings.begin(), kEncodings.end(),
                       [encoding](const EncodingInfo &info) { return info.encoding == encoding; });
}

std::string_view supportedEncodings() {
  return "F32, F16, BF16, Q4_0, Q4_1, Q8_0, Q6_K";
}

Checked encodedBytes(Encoding encoding, Checked columns, Checked rows) {
  const EncodingInfo &info = encodingInfo(encoding);
  Checked rest = columns % info.elements;
  if (!rest.valid() || rest.value() != 0)
    return Checked(-1);
  return columns / info.elements * info.bytes * rows;
}

} // namespace strata
