// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Ranges of a model's files in a given order, read ahead with many reads at one time.
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Base/PageMemory.h"
#include "runtime/Memory/Reads/Reads.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

namespace strata {

/// Bytes [begin, end) of a file.
struct FileRange {
  uint32_t file = 0;
  uint64_t begin = 0, end = 0;
};

/// All bytes from one of a file to the end of the last file.
std::vector<FileRange> rangesFrom(const WeightFiles &files, uint32_t file, uint64_t offset);

/// One range after the other, by blocks of whole pages in buffers of its own. Whatever a read does not bring is read
/// through the page cache, one time more, by WeightFiles::read, whose errors are the ones that are seen.
class OrderedReads {
public:
  /// The files have the ranges. `depth` reads are under way at one time; `reads` takes as many and, like `files`,
  /// outlives this. Exit code 3 if there is no memory for the buffers.
  static Result<std::unique_ptr<OrderedReads>> create(const WeightFiles &files, Reads &reads, uint32_t depth,
                                                      std::vector<FileRange> ranges);
  /// Memory of the buffers.
  static uint64_t bufferBytes(uint32_t depth);
  /// Waits for the reads that are under way.
  ~OrderedReads();

  /// The next bytes of the range that it has come to, at least one and at most `most`, which the range must have. Valid
  /// until the next call.
  Result<std::span<const std::byte>> next(uint64_t most);

private:
  struct Block {
    std::byte *buffer = nullptr;
    uint32_t file = 0;
    uint64_t offset = 0;         ///< Of the buffer's first byte, a multiple of the page size.
    uint64_t begin = 0, end = 0; ///< What is wanted of the file; the buffer may have more.
    int64_t result = 0;          ///< Of the read.
    bool underway = false;
  };

  OrderedReads(const WeightFiles &fromFiles, Reads &fromReads, uint64_t bytesOfBlock, std::vector<FileRange> wanted)
      : files(fromFiles), reads(fromReads), blockBytes(bytesOfBlock), ranges(std::move(wanted)) {}
  void readAhead(uint32_t block);
  void beginFirstBlock(); ///< Of `order`.
  void waitFor(const Block &block);
  Result<void> complete(const Block &block);

  const WeightFiles &files;
  Reads &reads;
  uint64_t blockBytes;
  std::vector<FileRange> ranges; ///< What is left of them to be read ahead begins at `aheadRange`.
  size_t aheadRange = 0;
  PageMemory memory;
  std::vector<Block> blocks;
  std::deque<uint32_t> order;   ///< Blocks that are read or being read, in their order.
  uint64_t position = 0;        ///< What is handed out next, in the first block.
  bool isFirstComplete = false; ///< Of that block all bytes are there.
  std::vector<ReadCompletion> arrived;
};

} // namespace strata
