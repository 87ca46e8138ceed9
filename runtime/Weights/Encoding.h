// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How the numbers of a tensor are stored in a GGUF file.
#pragma once

#include "runtime/Base/Checked.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace strata {

/// The encodings that GGUF files use, with ggml's type ids. Those the compiler has kernels for say so below.
enum class Encoding : uint32_t {
  F32 = 0,
  F16 = 1,
  Q4_0 = 2,
  Q4_1 = 3,
  Q5_0 = 6,
  Q5_1 = 7,
  Q8_0 = 8,
  Q8_1 = 9,
  Q2_K = 10,
  Q3_K = 11,
  Q4_K = 12,
  Q5_K = 13,
  Q6_K = 14,
  Q8_K = 15,
  IQ2_XXS = 16,
  IQ2_XS = 17,
  IQ3_XXS = 18,
  IQ1_S = 19,
  IQ4_NL = 20,
  IQ3_S = 21,
  IQ2_S = 22,
  IQ4_XS = 23,
  I8 = 24,
  I16 = 25,
  I32 = 26,
  I64 = 27,
  F64 = 28,
  IQ1_M = 29,
  BF16 = 30,
  TQ1_0 = 34,
  TQ2_0 = 35,
  MXFP4 = 39
};

/// The block structure of an encoding: `elements` consecutive numbers of a row are stored in `bytes` bytes.
struct EncodingInfo {
  Encoding encoding;
  std::string_view name; ///< "Q4_0", as GGUF tools print it.
  uint32_t elements;
  uint32_t bytes;
  bool supported; ///< There are kernels for it.
};

/// Nothing for ids that are unknown or removed.
std::optional<EncodingInfo> encodingInfo(uint32_t id);
/// For encodings that exist; every enumerator does.
const EncodingInfo &encodingInfo(Encoding encoding);
/// "F32, F16, BF16, Q4_0, Q4_1, Q8_0, Q6_K".
std::string_view supportedEncodings();

/// Bytes of `rows` rows of `columns` numbers; invalid if a row is not a whole number of blocks or the product
/// overflows.
Checked encodedBytes(Encoding encoding, Checked columns, Checked rows);

} // namespace strata
