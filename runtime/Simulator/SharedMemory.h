// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The shared memory of one CTA: its bytes, which of them were written, and who touched them since when.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace strata::sim {

/// Races are found from what was touched, not from the order in which it happened to be: two accesses of a byte by
/// different threads, one of them a write, must have a barrier between them; or, within a warp, a bar.warp.sync. Lanes
/// of a warp are as unordered as warps are, and a shuffle orders no memory.
class SharedMemory {
public:
  /// Starts a CTA: nothing is written.
  void reset(uint64_t bytes);
  uint64_t size() const { return content.size(); }
  std::byte *at(uint64_t offset) { return content.data() + offset; }

  bool isWritten(uint64_t offset, uint32_t bytes) const;
  void markWritten(uint64_t offset, uint32_t bytes);

  /// Where a thread stands: its number in the CTA and how many barriers of the CTA, and of its warp, it has passed.
  struct Moment {
    uint32_t thread = 0;
    uint32_t ctaBarriers = 0;
    uint32_t warpBarriers = 0;
  };
  enum class Access : uint8_t { read, write, atomic };
  /// The other thread of a race with an access that happens now, of a range that does not cross 4 bytes unless it is
  /// aligned to its size; kNoThread if there is none.
  uint32_t touch(uint64_t offset, uint32_t bytes, Access access, const Moment &now);
  static constexpr uint32_t kNoThread = ~uint32_t(0);

private:
  /// The last accesses of 4 bytes. Where threads touch different bytes of a word, the last one is remembered: races can
  /// be missed then, but none is made up.
  struct Word {
    Moment write, read;
    uint8_t writtenBytes = 0, readBytes = 0;
    bool writeIsAtomic = false;
    bool manyReaders = false;      ///< Several threads have read since the last barrier,
    bool manyReadingWarps = false; ///< of several warps.
  };
  static bool ordered(const Moment &before, const Moment &now, bool sameWarpOnly);
  uint32_t touchWord(Word &word, uint8_t mask, Access access, const Moment &now);

  std::vector<std::byte> content;
  std::vector<uint8_t> written; ///< A bit a byte.
  std::vector<Word> words;
};

} // namespace strata::sim
