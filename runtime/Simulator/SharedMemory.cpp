// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Simulator/SharedMemory.h"

#include <algorithm>

namespace strata::sim {

void SharedMemory::reset(uint64_t bytes) {
  content.assign(bytes, std::byte(0));
  written.assign((bytes + 7) / 8, 0);
  words.assign((bytes + 3) / 4, Word());
}

bool SharedMemory::isWritten(uint64_t offset, uint32_t bytes) const {
  for (uint64_t at = offset; at < offset + bytes; ++at)
    if (!(written[at / 8] >> (at % 8) & 1))
      return false;
  return true;
}

void SharedMemory::markWritten(uint64_t offset, uint32_t bytes) {
  for (uint64_t at = offset; at < offset + bytes; ++at)
    written[at / 8] = static_cast<uint8_t>(written[at / 8] | 1u << (at % 8));
}

bool SharedMemory::ordered(const Moment &before, const Moment &now, bool sameWarpOnly) {
  if (before.ctaBarriers < now.ctaBarriers)
    return true;
  return sameWarpOnly && before.thread / 32 == now.thread / 32 && before.warpBarriers < now.warpBarriers;
}

uint32_t SharedMemory::touchWord(Word &word, uint8_t mask, Access access, const Moment &now) {
  bool isRead = access == Access::read;
  // Against the last write: everything but another atomic of the same word.
  if ((word.writtenBytes & mask) && word.write.thread != now.thread && !ordered(word.write, now, true) &&
      !(word.writeIsAtomic && access == Access::atomic))
    return word.write.thread;
  // Against the last reads: writes.
  if (!isRead && (word.readBytes & mask) && (word.manyReaders || word.read.thread != now.thread) &&
      !ordered(word.read, now, !word.manyReadingWarps))
    return word.read.thread;

  if (!isRead) {
    word.write = now;
    word.writtenBytes = mask;
    word.writeIsAtomic = access == Access::atomic;
    return kNoThread;
  }
  bool fresh = !word.readBytes || ordered(word.read, now, !word.manyReadingWarps);
  word.manyReaders = !fresh && (word.manyReaders || word.read.thread != now.thread);
  word.manyReadingWarps = !fresh && (word.manyReadingWarps || word.read.thread / 32 != now.thread / 32);
  word.readBytes = static_cast<uint8_t>(fresh ? mask : word.readBytes | mask);
  word.read = now;
  return kNoThread;
}

uint32_t SharedMemory::touch(uint64_t offset, uint32_t bytes, Access access, const Moment &now) {
  for (uint64_t at = offset; at < offset + bytes; at = (at / 4 + 1) * 4) {
    uint64_t end = std::min(offset + bytes, (at / 4 + 1) * 4);
    auto mask = static_cast<uint8_t>(((1u << (end - at)) - 1) << (at % 4));
    if (uint32_t other = touchWord(words[at / 4], mask, access, now); other != kNoThread)
      return other;
  }
  return kNoThread;
}

} // namespace strata::sim
