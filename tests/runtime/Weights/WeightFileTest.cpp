// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Weights/WeightFile.h"
#include "tests/runtime/Weights/GgufBuilder.h"
#include "tests/runtime/Weights/TemporaryFolder.h"

#include <cerrno>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace strata;
using testing::HasSubstr;

static constexpr std::string_view kText = "0123456789abcdef0123456789ABCDEF";

/// Writes a model with one tensor that holds kText.
static gguf::Model writeModel(const TemporaryFolder &folder) {
  std::string bytes = gguf::GgufBuilder().tensor("t", {8}, Encoding::F32, std::string(kText)).bytes();
  return gguf::Model::open(folder.write("x.gguf", bytes)).value();
}

static std::string readText(const WeightFiles &files, uint64_t offset, size_t count) {
  std::string text(count, '?');
  auto read = files.read(0, offset, std::as_writable_bytes(std::span(text)));
  EXPECT_TRUE(read.has_value()) << read.error().message;
  return text;
}

TEST(WeightFiles, ReadsRanges) {
  TemporaryFolder folder;
  gguf::Model model = writeModel(folder);
  WeightFiles files = WeightFiles::open(model.files()).value();
  uint64_t start = model.tensors()[0].offset;
  EXPECT_EQ(readText(files, start, kText.size()), kText);
  EXPECT_EQ(readText(files, start + 10, 6), "abcdef");
  EXPECT_EQ(readText(files, start + kText.size(), 0), "");
}

TEST(WeightFiles, KeepsFilesOpen) {
  TemporaryFolder folder;
  gguf::Model model = writeModel(folder);
  WeightFiles files = WeightFiles::open(model.files()).value();
  unlink(folder.path("x.gguf").c_str());
  EXPECT_EQ(readText(files, model.tensors()[0].offset, kText.size()), kText);
}

static Error readError(const WeightFiles &files, uint32_t file, uint64_t offset, size_t count) {
  std::vector<std::byte> bytes(count);
  return files.read(file, offset, bytes).error();
}

TEST(WeightFiles, RefusesRangesPastTheEnd) {
  TemporaryFolder folder;
  gguf::Model model = writeModel(folder);
  WeightFiles files = WeightFiles::open(model.files()).value();
  uint64_t end = model.files()[0].impliedBytes;
  for (uint64_t offset : {end, end - 7, ~uint64_t(0), ~uint64_t(0) - 7}) {
    Error error = readError(files, 0, offset, 8);
    EXPECT_EQ(error.id, "G35");
    EXPECT_EQ(error.code, ExitCode::Input);
    EXPECT_THAT(error.message, HasSubstr("x.gguf, byte " + std::to_string(offset)));
  }
  EXPECT_EQ(readError(files, 1, 0, 8).id, "G40");
}

TEST(WeightFiles, RefusesACutFile) {
  TemporaryFolder folder;
  gguf::Model model = writeModel(folder);
  ASSERT_EQ(truncate(folder.path("x.gguf").c_str(), static_cast<off_t>(model.files()[0].impliedBytes - 1)), 0);
  Error error = WeightFiles::open(model.files()).error();
  EXPECT_EQ(error.id, "G35");
  EXPECT_EQ(error.code, ExitCode::Input);
  EXPECT_THAT(error.message, HasSubstr("cut by 1 bytes"));
}

TEST(WeightFiles, NoticesAFileThatShrinks) {
  TemporaryFolder folder;
  gguf::Model model = writeModel(folder);
  WeightFiles files = WeightFiles::open(model.files()).value();
  uint64_t start = model.tensors()[0].offset;
  ASSERT_EQ(truncate(folder.path("x.gguf").c_str(), static_cast<off_t>(start + 16)), 0);
  EXPECT_EQ(readText(files, start, 16), kText.substr(0, 16));
  Error error = readError(files, 0, start, 32);
  EXPECT_EQ(error.id, "G35");
  EXPECT_EQ(error.code, ExitCode::Input);
  EXPECT_THAT(error.message, HasSubstr("the file shrank"));
}

TEST(WeightFiles, RefusesAMissingFile) {
  TemporaryFolder folder;
  gguf::Model model = writeModel(folder);
  unlink(folder.path("x.gguf").c_str());
  Error error = WeightFiles::open(model.files()).error();
  EXPECT_EQ(error.id, "G01");
  EXPECT_EQ(error.code, ExitCode::Input);
}

TEST(WeightFiles, ADiskThatFailsIsTheMachinesFault) {
  gguf::Place place{"dir/m-00002-of-00003.gguf", 2, 3};
  Error error = gguf::failedRead(place, 4096, EIO).value();
  EXPECT_EQ(error.code, ExitCode::Machine);
  EXPECT_EQ(error.message,
            "m-00002-of-00003.gguf (file 2 of 3), byte 4096: cannot be read: Input/output error; check the disk");
  EXPECT_EQ(gguf::failedRead(place, 0, EISDIR).value().code, ExitCode::Input);
}
