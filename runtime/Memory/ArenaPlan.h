// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Which of an artifact's arena sizes a run takes, and whether the machine has as much.
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Schema/artifact_generated.h"

#include <cstdint>
#include <vector>

namespace strata {

/// The encodings that a run uses.
struct EncodingChoice {
  schema::ActivationEncoding decode = schema::ActivationEncoding::i16;
  schema::ActivationEncoding prompt = schema::ActivationEncoding::i8;
  schema::KvEncoding kv = schema::KvEncoding::f16;

  bool operator==(const EncodingChoice &) const = default;
};

/// What the artifact's plan and prediction were made for.
EncodingChoice plannedEncodings(const schema::Settings &settings);

/// Bytes of every arena of a checked artifact, in its order.
std::vector<uint64_t> arenaBytes(const schema::Artifact &artifact, const EncodingChoice &choice);

/// What a run allocates.
struct MemoryNeed {
  uint64_t arenas = 0;
  uint64_t workers = 0; ///< Scratch of all worker threads.
  uint64_t session = 0; ///< Everything else.

  /// Saturates: what overflows does not fit either.
  uint64_t total() const;
};

/// Refuses, before anything is allocated, a run that needs more than the `available` bytes (0: not known, then nothing
/// is refused). Exit code 3, F16, with both numbers.
Result<void> checkMemory(const schema::Artifact &artifact, const EncodingChoice &choice, const MemoryNeed &need,
                         uint64_t available);

} // namespace strata
