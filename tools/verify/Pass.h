// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The pass itself: reads every byte of every file once, in order.
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Memory/Reads/OrderedReads.h"
#include "runtime/Schema/sums_generated.h"
#include "runtime/Weights/Checksums.h"
#include "runtime/Weights/WeightFile.h"
#include "tools/verify/ResumableSha256.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

namespace strata::verify {

/// A run of bytes of one file: a tensor, or what stands between two.
struct Stretch {
  uint32_t file = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  const gguf::TensorInfo *tensor = nullptr; ///< Nothing between tensors.
};

/// Every byte of every file, in order.
std::vector<Stretch> stretchesOf(const gguf::Model &model, const WeightFiles &files);

class Pass {
public:
  /// Reads through `reads`, with `depth` under way at one time. They outlive the pass.
  Pass(const gguf::Model &model, const WeightFiles &files, Reads &reads, uint32_t depth);

  /// Goes on where `saved`, which belongs to these files, ended. False if they have changed since.
  Result<bool> resume(const schema::SumsT &saved);
  /// What resume() takes: everything up to the last whole tensor.
  schema::SumsT save() const;

  /// Reads to the end, or until asked to stop; true at the end. `progress` gets bytes done and in all.
  Result<bool> run(const std::function<bool()> &stop, const std::function<void(uint64_t, uint64_t)> &progress);

  /// The result of a whole pass.
  const schema::SumsT &sums() const { return result; }
  uint64_t resumedBytes() const { return resumed; }

private:
  Result<bool> runStretch(const Stretch &stretch, OrderedReads &ahead, const std::function<bool()> &stop);
  void hashPart(const Stretch &stretch, std::span<const std::byte> part);
  void endStretch(const Stretch &stretch);
  void noteNonFinite(const Stretch &stretch, uint64_t block, uint64_t offset);

  const gguf::Model &model;
  const WeightFiles &files;
  Reads &reads;
  uint32_t depth;
  std::vector<Stretch> stretches;
  size_t next = 0; ///< The first stretch that is not done.
  uint64_t done = 0, total = 0, resumed = 0;
  schema::SumsT result;
  ResumableSha256 sha;
  std::vector<uint32_t> stretchState; ///< Of `sha` at the beginning of the stretch that is being read.
  std::function<void(uint64_t, uint64_t)> report;

  // Of the tensor that is being read.
  ChecksumStream piece;
  uint64_t pieceBytes = 0, pieceDone = 0;
  std::vector<uint64_t> hashes;
};

} // namespace strata::verify
