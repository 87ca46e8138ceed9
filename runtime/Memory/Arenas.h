// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The allocations that a run makes at load, and the weights that stay in one of them.
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Device/Device.h"
#include "runtime/Memory/ArenaPlan.h"
#include "runtime/Memory/Reads/Reads.h"
#include "runtime/Weights/Checksums.h"
#include "runtime/Weights/WeightFile.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace strata {

/// Bytes done, and bytes in all.
using LoadProgress = std::function<void(uint64_t done, uint64_t total)>;

/// The arenas of an artifact on a device, which owns their memory; not those of experts and staging, which are the
/// expert store's.
class Arenas {
public:
  static Result<Arenas> allocate(Device &device, const schema::Artifact &artifact, const EncodingChoice &choice);

  /// By the arena's index in the artifact.
  std::byte *base(uint32_t arena) const { return bases[arena]; }
  /// Of a kind that a checked artifact has one of.
  std::byte *base(schema::ArenaKind kind) const { return byKind[static_cast<size_t>(kind)]; }

private:
  std::vector<std::byte *> bases;
  std::array<std::byte *, 7> byKind = {};
};

/// How weights are loaded.
struct LoadOptions {
  LoadProgress progress;
  /// Every byte is checked; a piece that differs is read once more from the disk, and if it still does: F05, exit
  /// code 1.
  const Checksums *checksums = nullptr;
  /// Reads past the page cache, which takes memory of a budget; it takes kLoadReads + 1 at one time. Without it weights
  /// are read through the cache, which has them for the next run.
  Reads *reads = nullptr;
};

inline constexpr uint32_t kLoadReads = 4;
/// Host memory that loadWeights uses.
uint64_t loadBufferBytes(bool withReads);

/// Reads every tensor that stays in memory from the model's files to its place in the weights arena. Nothing is mapped.
Result<void> loadWeights(const schema::Artifact &artifact, const WeightFiles &files, Device &device,
                         std::byte *weightsArena, const LoadOptions &options);

} // namespace strata
