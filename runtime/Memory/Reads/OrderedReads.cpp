// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Memory/Reads/OrderedReads.h"

#include "runtime/Base/Checked.h"
#include "runtime/Base/Size.h"
#include "runtime/Weights/WeightFile.h"

#include <algorithm>
#include <fmt/format.h>

namespace strata {

/// All buffers together, unless blocks would become smaller than what a disk reads well.
static constexpr uint64_t kWindowBytes = uint64_t(128) << 20;
static constexpr uint64_t kLargestBlock = uint64_t(8) << 20, kSmallestBlock = uint64_t(256) << 10;

Result<std::unique_ptr<OrderedReads>> OrderedReads::create(const WeightFiles &files, Reads &reads, uint32_t depth,
                                                           uint32_t file, uint64_t offset) {
  uint64_t block = std::clamp(kWindowBytes / depth / kReadAlignment * kReadAlignment, kSmallestBlock, kLargestBlock);
  std::unique_ptr<OrderedReads> made(new OrderedReads(files, reads, block));
  // One more is looked at while the others are read.
  uint64_t count = uint64_t(depth) + 1;
  made->memory = PageMemory(count * block);
  if (!made->memory.data())
    return fail(
        ExitCode::Machine, "F20",
        fmt::format("there is not enough memory for buffers of {}: lower --read-depth", formatBytes(count * block)));
  made->blocks.resize(count);
  made->arrived.resize(count);
  made->aheadFile = file;
  made->aheadOffset = offset / kReadAlignment * kReadAlignment;
  made->position = offset;
  for (uint32_t i = 0; i < count; ++i) {
    made->blocks[i].buffer = made->memory.data() + i * block;
    made->readAhead(i);
  }
  return made;
}

OrderedReads::~OrderedReads() {
  for (const Block &block : blocks)
    waitFor(block);
}

/// What comes behind all that is read, into a block that is free.
void OrderedReads::readAhead(uint32_t number) {
  while (aheadFile < files.count() && aheadOffset >= files.bytes(aheadFile)) {
    ++aheadFile;
    aheadOffset = 0;
  }
  if (aheadFile == files.count())
    return;
  Block &block = blocks[number];
  block.file = aheadFile;
  block.offset = aheadOffset;
  block.bytes = std::min(blockBytes, files.bytes(aheadFile) - aheadOffset);
  block.underway = true;
  aheadOffset += block.bytes;
  order.push_back(number);
  ReadRequest request;
  request.tag = number;
  request.file = block.file;
  request.offset = block.offset;
  request.to = {block.buffer, Checked(block.bytes).alignUp(kReadAlignment).value()};
  reads.submit(request);
}

void OrderedReads::waitFor(const Block &block) {
  while (block.underway) {
    size_t count = reads.wait(arrived, std::chrono::seconds(1));
    for (size_t i = 0; i < count; ++i) {
      blocks[arrived[i].tag].result = arrived[i].result;
      blocks[arrived[i].tag].underway = false;
    }
  }
}

/// What the read has not brought: it was short, was interrupted or failed, or the file has shrunk.
Result<void> OrderedReads::complete(const Block &block) {
  uint64_t got = block.result < 0 ? 0 : static_cast<uint64_t>(block.result);
  if (got >= block.bytes)
    return {};
  STRATA_TRY(files.read(block.file, block.offset + got, {block.buffer + got, block.bytes - got}));
  files.forget(block.file, block.offset + got, block.bytes - got);
  return {};
}

Result<std::span<const std::byte>> OrderedReads::next(uint64_t most) {
  if (!order.empty() && position == blocks[order.front()].offset + blocks[order.front()].bytes) {
    uint32_t used = order.front();
    order.pop_front();
    isFirstComplete = false;
    readAhead(used);
    position = order.empty() ? 0 : blocks[order.front()].offset;
  }
  if (order.empty())
    return fail(ExitCode::Bug, "", "bytes are asked for behind the end of the last file");
  const Block &block = blocks[order.front()];
  waitFor(block);
  if (!isFirstComplete)
    STRATA_TRY(complete(block));
  isFirstComplete = true;
  uint64_t from = position - block.offset;
  uint64_t bytes = std::min(most, block.bytes - from);
  position += bytes;
  return std::span<const std::byte>(block.buffer + from, bytes);
}

} // namespace strata
