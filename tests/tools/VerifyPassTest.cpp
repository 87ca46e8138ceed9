// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A pass that is interrupted anywhere and goes on finds what one without a break finds.

#include "tools/verify/Pass.h"

#include "runtime/Memory/Reads/SimulatedReads.h"
#include "tests/runtime/Artifact/TestModel.h"

#include <gtest/gtest.h>

namespace strata::verify {
namespace {

auto ignoreProgress = [](uint64_t, uint64_t) {};

struct PassTest : testing::Test {
  test::TestModel model;
  WeightFiles files = *WeightFiles::open(model.model().files());
  std::unique_ptr<Reads> reads = *openReads(files, {});

  Pass newPass() { return {model.model(), files, *reads, 4}; }

  std::vector<std::byte> wholePass() {
    Pass pass = newPass();
    EXPECT_TRUE(*pass.run([] { return false; }, ignoreProgress));
    return packSums(pass.sums(), schema::kSumsIdentifier);
  }
  /// What a pass leaves that is stopped at the `parts`-th question; nothing if it came to its end.
  std::optional<schema::SumsT> interruptedAfter(int parts) {
    Pass pass = newPass();
    if (*pass.run([&] { return parts-- == 0; }, ignoreProgress))
      return std::nullopt;
    return pass.save();
  }
};

TEST_F(PassTest, InterruptedAnywhere) {
  std::vector<std::byte> expected = wholePass();
  int parts = 0;
  for (;; ++parts) {
    std::optional<schema::SumsT> saved = interruptedAfter(parts);
    if (!saved)
      break;
    std::string path = model.folder().path("partial");
    std::vector<std::byte> packed = packSums(*saved, schema::kProgressIdentifier);
    model.folder().write("partial", {reinterpret_cast<const char *>(packed.data()), packed.size()});
    auto read = readSums(path, schema::kProgressIdentifier, model.model());
    ASSERT_TRUE(read) << read.error().message;
    Pass pass = newPass();
    ASSERT_TRUE(*pass.resume(*read)) << parts;
    EXPECT_EQ(pass.resumedBytes() == 0, parts == 0);
    ASSERT_TRUE(*pass.run([] { return false; }, ignoreProgress));
    EXPECT_EQ(packSums(pass.sums(), schema::kSumsIdentifier), expected) << parts;
  }
  EXPECT_GT(parts, 10);
}

TEST_F(PassTest, ChangedFilesStartOver) {
  schema::SumsT saved = *interruptedAfter(4);
  saved.progress->modified[0] += 1;
  Pass pass = newPass();
  EXPECT_FALSE(*pass.resume(saved));
}

/// Reads that are short, interrupted and failing are the disk's business, not the result's.
TEST_F(PassTest, SameSumsWhateverReadsDo) {
  std::vector<std::byte> expected = wholePass();
  std::string content = test::testModelFile();
  auto bytes = std::as_bytes(std::span(content));
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SimulatedReads simulated({{bytes.begin(), bytes.end()}}, seed,
                             {.shortReads = 300, .interruptions = 300, .errors = 100, .slow = 100});
    Pass pass(model.model(), files, simulated, 8);
    ASSERT_TRUE(*pass.run([] { return false; }, ignoreProgress));
    EXPECT_EQ(packSums(pass.sums(), schema::kSumsIdentifier), expected) << seed;
  }
}

} // namespace
} // namespace strata::verify
