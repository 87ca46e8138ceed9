// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// No file may crash the reader: every prefix and every changed byte of a header with all kinds of values.

#include "tests/runtime/Weights/GgufBuilder.h"
#include "tests/runtime/Weights/TemporaryFolder.h"

#include <gtest/gtest.h>

using namespace strata;
using namespace strata::gguf;

static GgufBuilder everyKind() {
  return GgufBuilder()
      .set("general.architecture", "deepseek2")
      .set("general.alignment", 64u)
      .set("a.u8", uint8_t(1))
      .set("a.i16", int16_t(-2))
      .set("a.u64", uint64_t(3))
      .set("a.f64", 4.0)
      .set("a.bool", true)
      .set("a.strings", {"one", "", "three"})
      .set("a.bools", std::vector<bool>{true, false})
      .set("a.floats", std::vector<float>{1.0f, 2.0f})
      .set("split.no", uint16_t(0))
      .set("split.count", uint16_t(1))
      .tensor("first.weight", {2, 32}, Encoding::Q4_0)
      .tensor("second.weight", {2, 3, 32}, Encoding::Q8_0);
}

/// Whatever a file holds, opening it gives a model or an error of the input's with an id.
static void expectAnswer(const Result<Model> &model, const std::string &what) {
  if (model)
    return;
  EXPECT_EQ(model.error().code, ExitCode::Input) << what;
  EXPECT_EQ(model.error().id.substr(0, 1), "G") << what << ": " << model.error().message;
  EXPECT_FALSE(model.error().message.empty()) << what;
}

TEST(GgufRobustness, EveryPrefixIsRefused) {
  TemporaryFolder folder;
  std::string whole = everyKind().bytes();
  auto full = Model::open(folder.write("whole.gguf", whole));
  ASSERT_TRUE(full.has_value()) << full.error().message;
  for (uint64_t length = 0; length < full->files().front().impliedBytes; ++length) {
    auto model = Model::open(folder.write("x.gguf", whole.substr(0, length)));
    ASSERT_FALSE(model.has_value()) << length;
    expectAnswer(model, std::to_string(length));
  }
}

TEST(GgufRobustness, HeaderOnlyNeedsTheTensorInfosAndNoMore) {
  TemporaryFolder folder;
  std::string whole = everyKind().bytes(), infos = everyKind().infos();
  auto full = Model::open(folder.write("whole.gguf", whole));
  ASSERT_TRUE(full.has_value()) << full.error().message;
  ASSERT_LT(infos.size(), full->files().front().headerBytes) << "the case needs padding";
  for (size_t length = 0; length <= whole.size(); ++length) {
    auto model = Model::open(folder.write("x.gguf", whole.substr(0, length)), {.headerOnly = true});
    ASSERT_EQ(model.has_value(), length >= infos.size()) << length;
    if (model) {
      EXPECT_EQ(model->fingerprint(), full->fingerprint()) << length;
      EXPECT_EQ(model->files().front().actualBytes, length);
    }
  }
}

TEST(GgufRobustness, EveryChangedByteGetsAnAnswer) {
  TemporaryFolder folder;
  std::string whole = everyKind().bytes();
  size_t refused = 0, headerBytes = everyKind().header().size();
  for (size_t at = 0; at < headerBytes; ++at)
    for (unsigned change : {0x01u, 0x80u, 0xFFu, 0x20u}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ change);
      auto model = Model::open(folder.write("x.gguf", changed));
      expectAnswer(model, std::to_string(at));
      refused += !model.has_value();
    }
  // Most bytes are counts, lengths, types and offsets; the others are text and numbers, which may be anything.
  EXPECT_GT(refused, headerBytes);
}

TEST(GgufRobustness, EveryChangedByteChangesTheFingerprint) {
  TemporaryFolder folder;
  std::string whole = everyKind().bytes();
  Digest digest = Model::open(folder.write("whole.gguf", whole))->fingerprint();
  for (size_t at = 0; at < everyKind().header().size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    if (auto model = Model::open(folder.write("x.gguf", changed))) {
      EXPECT_NE(model->fingerprint(), digest) << at;
    }
  }
}
