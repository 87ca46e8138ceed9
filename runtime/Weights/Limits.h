// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the GGUF reader accepts at most. Honest files stay far below; a file above is refused with the limit's number.
#pragma once

#include <cstdint>

namespace strata::gguf::limits {

inline constexpr uint64_t kKeyValues = 4096;
inline constexpr uint64_t kTensors = 65'536;
inline constexpr uint64_t kKeyBytes = 256;
inline constexpr uint64_t kStringBytes = 1 << 20; ///< Chat templates are the longest strings.
inline constexpr uint64_t kTokenBytes = 1 << 10;  ///< A token of the vocabulary; a merge is two with a space between.
inline constexpr uint64_t kArrayElements = 4 << 20;
inline constexpr uint64_t kMetadataBytes = 256 << 20; ///< From 0 to the end of the tensor infos, in each file.
inline constexpr uint64_t kAlignment = 1 << 20;
inline constexpr uint64_t kTensorNameBytes = 63;
inline constexpr uint32_t kDimensions = 4;

inline constexpr uint64_t kPreambleBytes = 24;
/// The least bytes that a key-value takes: key length, one character, type, one byte of value.
inline constexpr uint64_t kSmallestKeyValue = 8 + 1 + 4 + 1;
/// The least bytes that a tensor info takes: name length, one character, one dimension, type, offset.
inline constexpr uint64_t kSmallestTensorInfo = 8 + 1 + 4 + 8 + 4 + 8;

} // namespace strata::gguf::limits
