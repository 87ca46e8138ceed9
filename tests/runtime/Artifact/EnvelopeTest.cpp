// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What is refused before the flatbuffer is looked at, and of the flatbuffer before what it says is: A01 to A08.

#include "runtime/Schema/Envelope.h"
#include "runtime/Artifact/Checks.h"
#include "runtime/Artifact/LoadedArtifact.h"
#include "tests/runtime/Artifact/TestModel.h"

#include <cstring>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

namespace strata::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

class Envelope : public testing::Test {
protected:
  static const std::vector<std::byte> &whole() {
    static const std::vector<std::byte> file = artifactFile(TestModel().artifact());
    return file;
  }
  static Error refusal(std::span<const std::byte> file) {
    auto loaded = LoadedArtifact::load(file, "bad.strata");
    return loaded ? Error{ExitCode::Done, "", "it was loaded"} : loaded.error();
  }
  static void expectRefusal(std::span<const std::byte> file, const std::string &id, const std::string &text) {
    Error error = refusal(file);
    EXPECT_EQ(error.id, id) << error.message;
    EXPECT_EQ(error.code, ExitCode::Input);
    EXPECT_THAT(error.message, HasSubstr(text));
    EXPECT_THAT(error.message, HasSubstr("bad.strata"));
  }
  /// The whole file with `value` at `offset`.
  template <typename T> static std::vector<std::byte> with(size_t offset, T value) {
    std::vector<std::byte> file = whole();
    std::memcpy(&file[offset], &value, sizeof value);
    return file;
  }
};

TEST_F(Envelope, A01_TooShort) {
  expectRefusal({}, "A01", "has 0 bytes");
  expectRefusal(std::span(whole()).first(63), "A01", "has 63 bytes");
}

/// A sparse file: it must be refused by its size, without being read.
TEST_F(Envelope, A01_TooLong) {
  TemporaryFolder folder;
  std::string path = folder.write("long.strata", "STRATA");
  std::filesystem::resize_file(path, uint64_t(1) << 30);
  auto loaded = LoadedArtifact::load(path);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().id, "A01");
  EXPECT_THAT(loaded.error().message, HasSubstr("1073741824 bytes"));
}

TEST_F(Envelope, A01_NotAFile) {
  TemporaryFolder folder;
  for (const std::string &path : {folder.path("absent.strata"), folder.path("")}) {
    auto loaded = LoadedArtifact::load(path);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().id, "A01") << loaded.error().message;
    EXPECT_EQ(loaded.error().code, ExitCode::Input);
  }
}

TEST_F(Envelope, A02_Identifier) {
  expectRefusal(with(0, 'G'), "A02", "does not begin as an artifact does");
  expectRefusal(with(63, char(1)), "A02", "does not begin as an artifact does");
}

TEST_F(Envelope, A02_FlatbufferIdentifier) {
  std::vector<std::byte> payload = packArtifact(TestModel().artifact());
  payload[4] = std::byte{'X'};
  expectRefusal(wrapPayload(payload), "A02", "identifier STRA");
  expectRefusal(wrapPayload(std::span(payload).first(7)), "A02", "identifier STRA");
}

TEST_F(Envelope, A03_Schema) {
  expectRefusal(with(8, schema::kSchemaMajor + 1), "A03", "recompile with strata-compile");
}

TEST_F(Envelope, A04_SchemaOfTheSameVersion) {
  expectRefusal(with(12, schema::kSchemaMinor + 1), "A04", "recompile with strata-compile");
  expectRefusal(with(16, uint64_t(0x1234)), "A04", "0000000000001234");
}

TEST_F(Envelope, A05_AnyByteChanged) {
  std::mt19937 random(1);
  for (size_t at = schema::kEnvelopeBytes; at < whole().size(); ++at) {
    auto changed = static_cast<uint8_t>(static_cast<uint8_t>(whole()[at]) ^ (1 + random() % 255));
    Error error = refusal(with(at, changed));
    ASSERT_EQ(error.id, "A05") << "byte " << at << ": " << error.message;
  }
  // The header's own bytes have rules of their own; the hash is A05.
  for (size_t at = 0; at < schema::kEnvelopeBytes; ++at) {
    Error error = refusal(with(at, static_cast<uint8_t>(static_cast<uint8_t>(whole()[at]) ^ 0x11)));
    ASSERT_THAT(error.id, AnyOf("A02", "A03", "A04", "A08", "A05")) << "byte " << at;
    ASSERT_EQ(error.id == "A05", at >= 32 && at < 48) << "byte " << at << ": " << error.message;
  }
}

TEST_F(Envelope, A06_Misaligned) {
  std::vector<std::byte> payload = packArtifact(TestModel().artifact());
  alignas(64) static std::byte memory[1 << 20];
  ASSERT_LT(payload.size() + 64, sizeof memory);
  std::memcpy(memory + 16, payload.data(), payload.size());
  auto root = artifact::checkStructure({memory + 16, payload.size()});
  ASSERT_FALSE(root);
  EXPECT_EQ(root.error().id, "A06");
  std::memcpy(memory + 64, payload.data(), payload.size());
  EXPECT_TRUE(artifact::checkStructure({memory + 64, payload.size()}));
}

/// A file in memory may lie anywhere: it is copied to where it must be.
TEST_F(Envelope, A06_IsCopied) {
  std::vector<std::byte> shifted(whole().size() + 1);
  std::copy(whole().begin(), whole().end(), shifted.begin() + 1);
  EXPECT_TRUE(LoadedArtifact::load(std::span(shifted).subspan(1), "shifted"));
}

TEST_F(Envelope, A07_Structure) {
  std::vector<std::byte> payload = packArtifact(TestModel().artifact());
  uint32_t outside = 0x7FFFFFF0;
  std::memcpy(payload.data(), &outside, sizeof outside);
  expectRefusal(wrapPayload(payload), "A07", "not a well-formed artifact");
}

TEST_F(Envelope, A07_TooManyTables) {
  schema::ArtifactT artifact = TestModel().artifact();
  for (int i = 0; i < 200'000; ++i) {
    artifact.prediction->classes.push_back(std::make_unique<schema::TensorClassT>());
    artifact.prediction->classes.back()->name = "x";
  }
  expectRefusal(artifactFile(artifact), "A07", "more than 200000 tables");
}

TEST_F(Envelope, A08_CutAtEveryLength) {
  for (size_t length = schema::kEnvelopeBytes; length < whole().size(); ++length) {
    Error error = refusal(std::span(whole()).first(length));
    ASSERT_EQ(error.id, "A08") << length << ": " << error.message;
    ASSERT_EQ(error.code, ExitCode::Input);
  }
  expectRefusal(std::span(whole()).first(whole().size() - 3), "A08", "3 of its");
}

TEST_F(Envelope, A08_TrailingBytes) {
  std::vector<std::byte> file = whole();
  file.resize(file.size() + 5);
  expectRefusal(file, "A08", "5 bytes follow its end");
}

} // namespace
} // namespace strata::test
