// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Whatever the reads under it do, all bytes come, in their order.

#include "runtime/Memory/Reads/OrderedReads.h"

#include "runtime/Memory/Reads/SimulatedReads.h"
#include "runtime/Weights/WeightFile.h"
#include "tests/runtime/Weights/TemporaryFolder.h"

#include <cstring>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata::test {
namespace {

/// Two files, neither of whole pages, the first one of several blocks.
struct OrderedReadsTest : testing::Test {
  TemporaryFolder folder;
  std::vector<std::string> contents;
  std::vector<gguf::FileInfo> infos;
  std::unique_ptr<WeightFiles> files;

  void SetUp() override {
    std::mt19937_64 random(5);
    for (size_t bytes : {size_t(3'000'001), size_t(70'000)}) {
      std::string content(bytes, 0);
      for (char &byte : content)
        byte = static_cast<char>(random());
      gguf::FileInfo info;
      info.path = folder.write(std::to_string(bytes), content);
      infos.push_back(info);
      contents.push_back(std::move(content));
    }
    files = std::make_unique<WeightFiles>(*WeightFiles::open(infos));
  }

  std::vector<std::vector<std::byte>> bytesOfFiles() const {
    std::vector<std::vector<std::byte>> made;
    for (const std::string &content : contents) {
      auto bytes = std::as_bytes(std::span(content));
      made.emplace_back(bytes.begin(), bytes.end());
    }
    return made;
  }

  /// Everything from a place on, in parts of random sizes.
  void expectRest(Reads &reads, uint32_t depth, uint32_t file, uint64_t offset, uint64_t seed = 1) const {
    auto ordered = OrderedReads::create(*files, reads, depth, rangesFrom(*files, file, offset));
    ASSERT_TRUE(ordered);
    std::mt19937_64 random(seed);
    for (; file < files->count(); ++file, offset = 0)
      while (offset < contents[file].size()) {
        uint64_t most = std::min<uint64_t>(1 + random() % 200'000, contents[file].size() - offset);
        Result<std::span<const std::byte>> part = (*ordered)->next(most);
        ASSERT_TRUE(part) << part.error().message;
        ASSERT_TRUE(!part->empty() && part->size() <= most);
        ASSERT_EQ(std::memcmp(part->data(), contents[file].data() + offset, part->size()), 0)
            << "file " << file << ", byte " << offset;
        offset += part->size();
      }
    EXPECT_FALSE((*ordered)->next(1)) << "nothing comes behind the last range";
  }
};

// Blocks are as small as they get with this depth.
constexpr uint32_t kDepth = 600;

TEST_F(OrderedReadsTest, WhateverReadsDo) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SimulatedFaults faults;
    if (seed % 3 != 0)
      faults = {.shortReads = 300, .interruptions = 200, .errors = 200};
    SimulatedReads reads(bytesOfFiles(), seed, faults);
    expectRest(reads, seed % 2 == 0 ? 1 : kDepth, 0, 0, seed);
  }
}

TEST_F(OrderedReadsTest, FromAnywhere) {
  SimulatedReads reads(bytesOfFiles(), 1, {.shortReads = 100});
  for (uint64_t offset : {1u, 4095u, 4096u, 262'144u, 1'000'003u, 3'000'000u})
    expectRest(reads, kDepth, 0, offset);
  for (uint64_t offset : {0u, 5000u, 69'999u})
    expectRest(reads, kDepth, 1, offset);
}

/// Ranges in any order, that meet, overlap, share pages or are empty.
TEST_F(OrderedReadsTest, RangesAsTheyAreGiven) {
  const std::vector<FileRange> ranges = {{1, 69'000, 70'000},      {0, 5000, 5000},    {0, 4090, 4100},
                                         {0, 4100, 1'500'000},     {0, 17, 2'000'003}, {1, 0, 1},
                                         {0, 3'000'000, 3'000'001}};
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SimulatedFaults faults = {.shortReads = 300, .errors = 200};
    SimulatedReads reads(bytesOfFiles(), seed, seed % 2 ? faults : SimulatedFaults{});
    auto ordered = OrderedReads::create(*files, reads, seed % 3 ? kDepth : 2, ranges);
    ASSERT_TRUE(ordered);
    for (const FileRange &range : ranges)
      for (uint64_t at = range.begin; at < range.end;) {
        Result<std::span<const std::byte>> part = (*ordered)->next(std::min<uint64_t>(100'000, range.end - at));
        ASSERT_TRUE(part) << part.error().message;
        ASSERT_EQ(std::memcmp(part->data(), contents[range.file].data() + at, part->size()), 0) << at;
        at += part->size();
      }
    EXPECT_FALSE((*ordered)->next(1));
  }
}

TEST_F(OrderedReadsTest, FromRealFiles) {
  for (ReadBackend backend : {ReadBackend::Automatic, ReadBackend::PreadPool, ReadBackend::Buffered})
    for (uint32_t depth : {1u, 4u, kDepth}) {
      auto reads = openReads(*files, {.backend = backend, .depth = 4, .capacity = kDepth + 1});
      ASSERT_TRUE(reads);
      expectRest(**reads, depth, 0, 0);
    }
}

TEST_F(OrderedReadsTest, EndsWithReadsUnderWay) {
  auto reads = openReads(*files, {});
  ASSERT_TRUE(reads);
  for (int again = 0; again < 20; ++again)
    ASSERT_TRUE(OrderedReads::create(*files, **reads, 8, rangesFrom(*files, 0, 0)));
  expectRest(**reads, 8, 0, 0);
}

TEST_F(OrderedReadsTest, F06_TruncatedMeanwhile) {
  auto reads = openReads(*files, {});
  ASSERT_TRUE(reads);
  std::filesystem::resize_file(infos[0].path, 1'000'000);
  auto ordered = OrderedReads::create(*files, **reads, 2, rangesFrom(*files, 0, 0));
  ASSERT_TRUE(ordered);
  Result<std::span<const std::byte>> part;
  uint64_t done = 0;
  while ((part = (*ordered)->next(4'000'000)))
    done += part->size();
  EXPECT_LT(done, 1'000'001u);
  EXPECT_EQ(part.error().id, "G35");
  EXPECT_THAT(part.error().message, testing::HasSubstr("the file shrank"));
}

} // namespace
} // namespace strata::test
