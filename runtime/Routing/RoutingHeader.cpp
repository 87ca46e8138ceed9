// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Routing/RoutingHeader.h"

#include <algorithm>
#include <fmt/format.h>
#include <xxhash.h>

namespace strata {

/// No model is near these; they keep a shape's products far below 2^64.
static constexpr uint32_t kMostLayers = 1 << 16, kMostExperts = 1 << 16;

static tl::unexpected<Error> inputFault(std::string_view name, std::string_view what) {
  return fail(ExitCode::Input, "", fmt::format("\"{}\" {}", escapeName(name), what));
}

void appendHeader(std::vector<std::byte> &bytes, std::string_view identifier, const RoutingShape &shape) {
  for (char letter : identifier)
    bytes.push_back(static_cast<std::byte>(letter));
  for (uint32_t number : {kRoutingVersion, shape.firstLayer, shape.layers, shape.experts, shape.expertsUsed, 0u})
    appendNumber(bytes, number);
  for (uint8_t byte : shape.fingerprint)
    bytes.push_back(static_cast<std::byte>(byte));
}

void appendHash(std::vector<std::byte> &bytes) {
  appendNumber<uint64_t>(bytes, XXH3_64bits(bytes.data(), bytes.size()));
}

Result<RoutingContent> openRouting(std::span<const std::byte> bytes, std::string_view identifier,
                                   std::string_view name) {
  std::string_view kind = identifier == kTraceIdentifier ? "routing trace" : "usage file";
  if (bytes.size() < identifier.size() || std::memcmp(bytes.data(), identifier.data(), identifier.size()) != 0)
    return inputFault(
        name, fmt::format("is no {}: it does not begin with {}; give a file that strata-run wrote", kind, identifier));
  if (bytes.size() < kRoutingHeaderBytes + kRoutingHashBytes)
    return inputFault(name, fmt::format("is a {} that was cut: it has {} bytes, fewer than the {} of an empty one; "
                                        "record it again",
                                        kind, bytes.size(), kRoutingHeaderBytes + kRoutingHashBytes));
  auto number = [&](size_t offset) { return numberAt<uint32_t>(bytes.subspan(offset)); };
  if (number(8) != kRoutingVersion)
    return inputFault(name, fmt::format("is a {} of version {} and this program reads version {}; record it again",
                                        kind, number(8), kRoutingVersion));
  std::span<const std::byte> hashed = bytes.first(bytes.size() - kRoutingHashBytes);
  if (numberAt<uint64_t>(bytes.last(kRoutingHashBytes)) != XXH3_64bits(hashed.data(), hashed.size()))
    return inputFault(name, fmt::format("is a damaged {}: its hash is not that of its bytes, since it was cut, changed "
                                        "or something was appended; record it again",
                                        kind));
  RoutingShape shape = {{}, number(12), number(16), number(20), number(24)};
  std::transform(bytes.begin() + 32, bytes.begin() + 64, shape.fingerprint.begin(),
                 [](std::byte byte) { return std::to_integer<uint8_t>(byte); });
  bool possible = shape.layers != 0 && shape.layers <= kMostLayers && shape.firstLayer <= kMostLayers &&
                  shape.experts != 0 && shape.experts <= kMostExperts && shape.expertsUsed != 0 &&
                  shape.expertsUsed <= shape.experts && number(28) == 0;
  if (!possible)
    return inputFault(name, fmt::format("is a {} of a model that there cannot be: {} layers from {} on with {} of {} "
                                        "experts; record it again",
                                        kind, shape.layers, shape.firstLayer, shape.expertsUsed, shape.experts));
  return RoutingContent{shape, hashed.subspan(kRoutingHeaderBytes)};
}

Result<void> checkSameModel(const RoutingShape &found, const RoutingShape &expected, std::string_view name) {
  if (found == expected)
    return {};
  if (found.fingerprint != expected.fingerprint)
    return inputFault(name,
                      fmt::format("is of another model: it was recorded with the GGUF of fingerprint {}, and this "
                                  "one has {}; record it with this model",
                                  toHex(found.fingerprint), toHex(expected.fingerprint)));
  return inputFault(name, fmt::format("says that the model has {} of {} experts in {} layers from {} on, and it has {} "
                                      "of {} in {} from {} on; record it again",
                                      found.expertsUsed, found.experts, found.layers, found.firstLayer,
                                      expected.expertsUsed, expected.experts, expected.layers, expected.firstLayer));
}

} // namespace strata
