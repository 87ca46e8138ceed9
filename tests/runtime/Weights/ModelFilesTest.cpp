// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The models in tests/models, and the real model's header.

#include "runtime/Weights/WeightFile.h"
#include "tests/runtime/Weights/TemporaryFolder.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <sstream>

using namespace strata;
using namespace strata::gguf;

static Model open(const std::string &path, bool headerOnly = false) {
  auto model = Model::open(path, {headerOnly});
  EXPECT_TRUE(model.has_value()) << model.error().message;
  return std::move(model.value());
}

static const std::string kModels = STRATA_TEST_MODELS "/";
static const std::string kHeader = STRATA_DERIVED_MODELS "/deepseek-v3.1-q4_0.header.gguf";
static const std::string kSparse = STRATA_DERIVED_MODELS "/deepseek-v3.1-q4_0.sparse.gguf";

static std::vector<std::byte> bytesOf(const WeightFiles &files, const TensorInfo &info) {
  std::vector<std::byte> bytes(info.bytes);
  auto read = files.read(info.file, info.offset, bytes);
  EXPECT_TRUE(read.has_value()) << read.error().message;
  return bytes;
}

TEST(ModelFiles, Tiny) {
  Model tiny = open(kModels + "tiny.Q4_0.gguf");
  EXPECT_EQ(tiny.tensors().size(), 106u);
  EXPECT_TRUE(tiny.warnings().empty());
  EXPECT_EQ(tiny.metadata().getUnsigned("deepseek2.block_count").value(), 6u);
  EXPECT_EQ(tiny.metadata().getUnsigned("deepseek2.expert_count").value(), 32u);
  EXPECT_EQ(tiny.metadata().getUnsigned("deepseek2.expert_group_count").value(), 8u);
  EXPECT_EQ(tiny.files()[0].impliedBytes, tiny.files()[0].actualBytes);
}

TEST(ModelFiles, SplitSetEqualsSingleFile) {
  Model single = open(kModels + "tiny.Q4_0.gguf"), split = open(kModels + "tiny-00001-of-00003.gguf");
  ASSERT_EQ(split.files().size(), 3u);
  ASSERT_EQ(split.tensors().size(), single.tensors().size());
  for (const KeyValue &keyValue : split.metadata().keyValues()) {
    if (keyValue.key.starts_with("split."))
      continue;
    const Value *value = single.find(keyValue.key);
    ASSERT_NE(value, nullptr) << keyValue.key;
    EXPECT_EQ(*value, keyValue.value) << keyValue.key;
  }
  EXPECT_EQ(split.metadata().keyValues().size(), single.metadata().keyValues().size() + 3);

  WeightFiles singleFiles = WeightFiles::open(single.files()).value();
  WeightFiles splitFiles = WeightFiles::open(split.files()).value();
  for (const TensorInfo &info : single.tensors()) {
    const TensorInfo *other = split.findTensor(info.name);
    ASSERT_NE(other, nullptr) << info.name;
    EXPECT_EQ(other->dimensions, info.dimensions) << info.name;
    EXPECT_EQ(other->encoding, info.encoding) << info.name;
    EXPECT_EQ(bytesOf(splitFiles, *other), bytesOf(singleFiles, info)) << info.name;
  }
  EXPECT_NE(split.fingerprint(), single.fingerprint());
}

namespace {
/// A line of deepseek-v3.1-q4_0-tensors.tsv.
struct Row {
  std::string name;
  uint64_t ne[3];
  std::string encoding;
  uint32_t type;
  std::string category;
  uint64_t elements, bytes, offset;
};
} // namespace

static std::vector<Row> readTensorList() {
  std::ifstream in(kModels + "data/deepseek-v3.1-q4_0-tensors.tsv");
  std::vector<Row> rows;
  std::string line;
  std::getline(in, line); // the columns' names
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    Row row;
    fields >> row.name >> row.ne[0] >> row.ne[1] >> row.ne[2] >> row.encoding >> row.type >> row.category >>
        row.elements >> row.bytes >> row.offset;
    EXPECT_FALSE(fields.fail()) << line;
    rows.push_back(row);
  }
  return rows;
}

TEST(ModelFiles, RealHeaderHasTheKnownTensors) {
  Model model = open(kHeader, true);
  std::vector<Row> rows = readTensorList();
  ASSERT_EQ(rows.size(), 1086u);
  ASSERT_EQ(model.tensors().size(), rows.size());
  for (const Row &row : rows) {
    const TensorInfo *info = model.findTensor(row.name);
    ASSERT_NE(info, nullptr) << row.name;
    std::vector<uint64_t> dimensions = {row.ne[2], row.ne[1], row.ne[0]};
    while (dimensions.size() > 1 && dimensions.front() == 1)
      dimensions.erase(dimensions.begin());
    EXPECT_EQ(info->dimensions, dimensions) << row.name;
    EXPECT_EQ(info->encoding, static_cast<Encoding>(row.type)) << row.name;
    EXPECT_EQ(encodingInfo(info->encoding).name, row.encoding) << row.name;
    EXPECT_EQ(info->bytes, row.bytes) << row.name;
    EXPECT_EQ(info->offset, model.files()[0].headerBytes + row.offset) << row.name;
  }
}

TEST(ModelFiles, RealHeaderHasTheKnownTotals) {
  Model model = open(kHeader, true);
  std::map<std::string, uint64_t> byCategory, byEncoding;
  uint64_t total = 0, elements = 0;
  for (const Row &row : readTensorList()) {
    const TensorInfo &info = *model.findTensor(row.name);
    byCategory[row.category] += info.bytes;
    byEncoding[row.encoding] += 1;
    total += info.bytes;
    uint64_t product = 1;
    for (uint64_t dimension : info.dimensions)
      product *= dimension;
    elements += product;
  }
  EXPECT_EQ(total, 378'060'636'160u);
  EXPECT_EQ(elements, 671'026'419'200u);
  EXPECT_EQ(byCategory["output"], 760'166'400u);
  EXPECT_EQ(byCategory["norm"], 4'026'368u);
  EXPECT_THAT(byEncoding,
              testing::ElementsAre(testing::Pair("F32", 361), testing::Pair("Q4_0", 724), testing::Pair("Q6_K", 1)));
}

TEST(ModelFiles, RealHeaderHasItsVocabulary) {
  Model model = open(kHeader, true);
  const Metadata &metadata = model.metadata();
  EXPECT_EQ(metadata.keyValues().size(), 50u);
  EXPECT_EQ(metadata.getString("general.architecture").value(), "deepseek2");
  EXPECT_EQ(metadata.getUnsigned("deepseek2.block_count").value(), 61u);
  EXPECT_EQ(metadata.getFloat("deepseek2.expert_weights_scale").value(), 2.5);
  EXPECT_EQ(metadata.getBool("deepseek2.expert_weights_norm").value(), true);
  const StringArray &tokens = *metadata.getStrings("tokenizer.ggml.tokens").value();
  ASSERT_EQ(tokens.size(), 129'280u);
  EXPECT_EQ(tokens.at(0), "<｜begin▁of▁sentence｜>");
  EXPECT_EQ(tokens.at(128'798), "<think>");
  EXPECT_EQ(tokens.at(129'279), "[PAD129279]");
  EXPECT_EQ(metadata.getStrings("tokenizer.ggml.merges").value()->size(), 127'741u);
  EXPECT_EQ(metadata.getIntegers("tokenizer.ggml.token_type")->size(), 129'280u);
}

// The number was computed with Python's hashlib over the header file's bytes and the implied size.
TEST(ModelFiles, CutAndWholeFileHaveOneFingerprint) {
  Model header = open(kHeader, true), sparse = open(kSparse);
  EXPECT_EQ(sparse.files()[0].impliedBytes, 378'065'943'584u);
  EXPECT_EQ(sparse.files()[0].actualBytes, 378'065'943'584u);
  EXPECT_TRUE(sparse.warnings().empty());
  EXPECT_EQ(header.fingerprint(), sparse.fingerprint());
  EXPECT_EQ(toHex(header.fingerprint()), "51b284e66ebb3d58f996d9ab515b44a29f7abf200cdd60ef0201f16ee82ed67e");
}

TEST(ModelFiles, SplitSetCutAfterItsHeadersHasItsFingerprint) {
  TemporaryFolder folder;
  Model whole = open(kModels + "tiny-00001-of-00003.gguf");
  for (const FileInfo &file : whole.files()) {
    std::ifstream in(file.path, std::ios::binary);
    std::string header(file.headerBytes, '\0');
    in.read(header.data(), static_cast<std::streamsize>(header.size()));
    folder.write(baseName(file.path), header);
  }
  Model cut = open(folder.path("tiny-00001-of-00003.gguf"), true);
  EXPECT_EQ(cut.fingerprint(), whole.fingerprint());
  EXPECT_EQ(Model::open(folder.path("tiny-00001-of-00003.gguf")).error().id, "G35");
}
