// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Artifact/Checks.h"

#include <fmt/format.h>

namespace strata::artifact {

/// The flatbuffer's vectors are used where they lie: kernels read its frequencies, and the file's tables their fields.
static constexpr uintptr_t kAlignment = 64;

Result<const schema::Artifact *> checkStructure(std::span<const std::byte> payload) {
  if (reinterpret_cast<uintptr_t>(payload.data()) % kAlignment != 0)
    return refuse("A06", fmt::format("its content does not lie at a multiple of {} bytes in memory", kAlignment));
  const auto *bytes = reinterpret_cast<const uint8_t *>(payload.data());
  // The identifier stands after the root's offset.
  if (payload.size() < 8 || !schema::ArtifactBufferHasIdentifier(bytes))
    return refuse("A02", fmt::format("its content does not have the identifier {}", schema::ArtifactIdentifier()));
  flatbuffers::Verifier::Options options;
  options.max_depth = 16;
  options.max_tables = 200'000;
  flatbuffers::Verifier verifier(bytes, payload.size(), options);
  if (!schema::VerifyArtifactBuffer(verifier))
    return refuse("A07", fmt::format("its content is not a well-formed artifact (an offset out of range, a required "
                                     "field missing, more than {} tables, or deeper than {})",
                                     options.max_tables, options.max_depth));
  return schema::GetArtifact(bytes);
}

} // namespace strata::artifact
