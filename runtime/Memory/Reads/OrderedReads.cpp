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

std::vector<FileRange> rangesFrom(const WeightFiles &files, uint32_t file, uint64_t offset) {
  std::vector<FileRange> ranges;
  for (; file < files.count(); ++file, offset = 0)
    ranges.push_back({file, offset, files.bytes(file)});
  return ranges;
}

static uint64_t blockBytesFor(uint32_t depth) {
  return std::clamp(kWindowBytes / depth / kReadAlignment * kReadAlignment, kSmallestBlock, kLargestBlock);
}

/// One more is looked at while the others are read.
static uint64_t blocksFor(uint32_t depth) {
  return uint64_t(depth) + 1;
}

uint64_t OrderedReads::bufferBytes(uint32_t depth) {
  return blocksFor(depth) * blockBytesFor(depth);
}

Result<std::unique_ptr<OrderedReads>> OrderedReads::create(const WeightFiles &files, Reads &reads, uint32_t depth,
                                                           std::vector<FileRange> ranges) {
  uint64_t block = blockBytesFor(depth), count = blocksFor(depth);
  std::unique_ptr<OrderedReads> made(new OrderedReads(files, reads, block, std::move(ranges)));
  made->memory = PageMemory(bufferBytes(depth));
  if (!made->memory.data())
    return fail(
        ExitCode::Machine, "F20",
        fmt::format("there is not enough memory for buffers of {}: free some, or lower --read-depth where it is given",
                    formatBytes(bufferBytes(depth))));
  made->blocks.resize(count);
  made->arrived.resize(count);
  for (uint32_t i = 0; i < count; ++i) {
    made->blocks[i].buffer = made->memory.data() + i * block;
    made->readAhead(i);
  }
  made->beginFirstBlock();
  return made;
}

OrderedReads::~OrderedReads() {
  for (const Block &block : blocks)
    waitFor(block);
}

/// What comes behind all that is read, into a block that is free.
void OrderedReads::readAhead(uint32_t number) {
  while (aheadRange < ranges.size() && ranges[aheadRange].begin >= ranges[aheadRange].end)
    ++aheadRange;
  if (aheadRange == ranges.size())
    return;
  FileRange &range = ranges[aheadRange];
  Block &block = blocks[number];
  block.file = range.file;
  block.offset = range.begin / kReadAlignment * kReadAlignment;
  block.begin = range.begin;
  block.end = block.offset + std::min(blockBytes, range.end - block.offset);
  block.underway = true;
  range.begin = block.end;
  order.push_back(number);
  ReadRequest request;
  request.tag = number;
  request.file = block.file;
  request.offset = block.offset;
  request.to = {block.buffer, Checked(block.end - block.offset).alignUp(kReadAlignment).value()};
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
  uint64_t until = block.offset + (block.result < 0 ? 0 : static_cast<uint64_t>(block.result));
  if (until >= block.end)
    return {};
  uint64_t from = std::max(until, block.begin);
  STRATA_TRY(files.read(block.file, from, {block.buffer + (from - block.offset), block.end - from}));
  files.forget(block.file, from, block.end - from);
  return {};
}

void OrderedReads::beginFirstBlock() {
  isFirstComplete = false;
  position = order.empty() ? 0 : blocks[order.front()].begin;
}

Result<std::span<const std::byte>> OrderedReads::next(uint64_t most) {
  if (!order.empty() && position == blocks[order.front()].end) {
    uint32_t used = order.front();
    order.pop_front();
    readAhead(used);
    beginFirstBlock();
  }
  if (order.empty())
    return fail(ExitCode::Bug, "", "bytes are asked for behind the end of the last range");
  const Block &block = blocks[order.front()];
  waitFor(block);
  if (!isFirstComplete)
    STRATA_TRY(complete(block));
  isFirstComplete = true;
  uint64_t from = position - block.offset;
  uint64_t bytes = std::min(most, block.end - position);
  position += bytes;
  return std::span<const std::byte>(block.buffer + from, bytes);
}

} // namespace strata
