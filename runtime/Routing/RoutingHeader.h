// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a routing trace and a usage file begin and end with (docs/routing-traces.md).
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Weights/Sha256.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace strata {

/// The model that a routing file is of, and the shape of a token's choices.
struct RoutingShape {
  Digest fingerprint = {}; ///< Of the GGUF, as in the artifact.
  uint32_t firstLayer = 0; ///< The first that has experts.
  uint32_t layers = 0;     ///< That have experts.
  uint32_t experts = 0;    ///< Of a layer.
  uint32_t expertsUsed = 0;

  size_t choicesPerToken() const { return size_t{layers} * expertsUsed; }
  size_t counters() const { return size_t{layers} * experts; }
  bool operator==(const RoutingShape &) const = default;
};

inline constexpr std::string_view kTraceIdentifier = "STRATRTE";
inline constexpr std::string_view kUsageIdentifier = "STRATUSE";
inline constexpr size_t kRoutingHeaderBytes = 64;
inline constexpr size_t kRoutingHashBytes = 8;
inline constexpr uint32_t kRoutingVersion = 1;

template <typename T> void appendNumber(std::vector<std::byte> &bytes, T number) {
  for (size_t i = 0; i < sizeof(T); ++i)
    bytes.push_back(static_cast<std::byte>(static_cast<uint64_t>(number) >> (8 * i)));
}

/// The little-endian number at the start of `bytes`, which has that many.
template <typename T> T numberAt(std::span<const std::byte> bytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    number |= std::to_integer<uint64_t>(bytes[i]) << (8 * i);
  return static_cast<T>(number);
}

void appendHeader(std::vector<std::byte> &bytes, std::string_view identifier, const RoutingShape &shape);
/// The hash of all bytes so far.
void appendHash(std::vector<std::byte> &bytes);

/// A checked file's shape and what stands between header and hash.
struct RoutingContent {
  RoutingShape shape;
  std::span<const std::byte> body;
};

/// Exit code 1, with `name` in the sentence: no such file's identifier, another version, a shape that no model has, a
/// hash that is not that of the bytes (a cut file, a changed one, bytes after the end).
Result<RoutingContent> openRouting(std::span<const std::byte> bytes, std::string_view identifier,
                                   std::string_view name);

/// Exit code 1 if a file of shape `found` is not of the model with shape `expected`.
Result<void> checkSameModel(const RoutingShape &found, const RoutingShape &expected, std::string_view name);

} // namespace strata
