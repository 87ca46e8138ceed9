// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Weights/Splits.h"
#include "tests/runtime/Weights/GgufBuilder.h"
#include "tests/runtime/Weights/TemporaryFolder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace strata;
using namespace strata::gguf;
using testing::ElementsAre;
using testing::HasSubstr;

/// Opens what a builder makes.
static Model open(const GgufBuilder &builder) {
  TemporaryFolder folder;
  auto model = Model::open(folder.write("x.gguf", builder.bytes()));
  EXPECT_TRUE(model.has_value()) << model.error().message;
  return std::move(model.value());
}

static const GgufBuilder kEveryType = GgufBuilder()
                                          .set("u8", uint8_t(255))
                                          .set("i8", int8_t(-128))
                                          .set("u16", uint16_t(65'535))
                                          .set("i16", int16_t(-32'768))
                                          .set("u32", 4'294'967'295u)
                                          .set("i32", int32_t(-7))
                                          .set("f32", 0.1f)
                                          .set("bool", true)
                                          .set("string", "▁text")
                                          .set("u64", ~uint64_t(0))
                                          .set("i64", int64_t(-9))
                                          .set("f64", 0.1);

TEST(Gguf, ReadsEveryScalarType) {
  Model model = open(kEveryType);
  EXPECT_EQ(*model.find("u8"), Value(uint8_t(255)));
  EXPECT_EQ(*model.find("i8"), Value(int8_t(-128)));
  EXPECT_EQ(*model.find("u16"), Value(uint16_t(65'535)));
  EXPECT_EQ(*model.find("i16"), Value(int16_t(-32'768)));
  EXPECT_EQ(*model.find("u32"), Value(4'294'967'295u));
  EXPECT_EQ(*model.find("i32"), Value(int32_t(-7)));
  EXPECT_EQ(*model.find("f32"), Value(0.1f));
  EXPECT_EQ(*model.find("bool"), Value(true));
  EXPECT_EQ(*model.find("string"), Value(std::string("▁text")));
  EXPECT_EQ(*model.find("u64"), Value(~uint64_t(0)));
  EXPECT_EQ(*model.find("i64"), Value(int64_t(-9)));
  EXPECT_EQ(*model.find("f64"), Value(0.1));
  EXPECT_EQ(model.find("absent"), nullptr);
  EXPECT_EQ(model.metadata().keyValues().size(), 12u);
  EXPECT_EQ(model.metadata().keyValues()[2].key, "u16");
}

TEST(Gguf, ReadsEveryArrayType) {
  Model model = open(GgufBuilder()
                         .set("u8", std::vector<uint8_t>{1, 255})
                         .set("i8", std::vector<int8_t>{-1})
                         .set("u16", std::vector<uint16_t>{65'535})
                         .set("i16", std::vector<int16_t>{-1})
                         .set("u32", std::vector<uint32_t>{1, 2, 3})
                         .set("i32", std::vector<int32_t>{-1})
                         .set("f32", std::vector<float>{0.5f})
                         .set("bool", std::vector<bool>{true, false, true})
                         .set("u64", std::vector<uint64_t>{~uint64_t(0)})
                         .set("i64", std::vector<int64_t>{-1})
                         .set("f64", std::vector<double>{0.25})
                         .set("strings", {"a", "", "▁c"})
                         .set("empty", std::vector<int32_t>{}));
  EXPECT_EQ(*model.find("u8"), Value(std::vector<uint8_t>{1, 255}));
  EXPECT_EQ(*model.find("i8"), Value(std::vector<int8_t>{-1}));
  EXPECT_EQ(*model.find("u16"), Value(std::vector<uint16_t>{65'535}));
  EXPECT_EQ(*model.find("i16"), Value(std::vector<int16_t>{-1}));
  EXPECT_EQ(*model.find("u32"), Value(std::vector<uint32_t>{1, 2, 3}));
  EXPECT_EQ(*model.find("i32"), Value(std::vector<int32_t>{-1}));
  EXPECT_EQ(*model.find("f32"), Value(std::vector<float>{0.5f}));
  EXPECT_EQ(*model.find("bool"), Value(std::vector<bool>{true, false, true}));
  EXPECT_EQ(*model.find("u64"), Value(std::vector<uint64_t>{~uint64_t(0)}));
  EXPECT_EQ(*model.find("i64"), Value(std::vector<int64_t>{-1}));
  EXPECT_EQ(*model.find("f64"), Value(std::vector<double>{0.25}));
  EXPECT_EQ(*model.find("empty"), Value(std::vector<int32_t>{}));
  const StringArray &strings = *model.metadata().getStrings("strings").value();
  ASSERT_EQ(strings.size(), 3u);
  EXPECT_EQ(strings.at(0), "a");
  EXPECT_EQ(strings.at(1), "");
  EXPECT_EQ(strings.at(2), "▁c");
}

TEST(Gguf, ReadsVersion2) {
  GgufBuilder builder = kEveryType;
  EXPECT_EQ(open(builder.version(2)).metadata().keyValues().size(), 12u);
}

TEST(Gguf, ReadsTensorInfos) {
  GgufBuilder builder;
  builder.tensor("b", {3, 2, 64}, Encoding::Q4_0).tensor("a", {5}, Encoding::F32).tensor("c", {1, 256}, Encoding::Q6_K);
  Model model = open(builder);
  ASSERT_EQ(model.tensors().size(), 3u);
  uint64_t start = builder.header().size();
  const TensorInfo &b = model.tensors()[0], &a = model.tensors()[1], &c = *model.findTensor("c");
  EXPECT_EQ(b.name, "b");
  EXPECT_THAT(b.dimensions, ElementsAre(3, 2, 64));
  EXPECT_EQ(b.encoding, Encoding::Q4_0);
  EXPECT_EQ(b.bytes, 3u * 2 * 2 * 18);
  EXPECT_EQ(b.offset, start);
  EXPECT_EQ(a.offset, start + 224);
  EXPECT_EQ(a.bytes, 20u);
  EXPECT_EQ(c.offset, start + 256);
  EXPECT_EQ(c.bytes, 210u);
  EXPECT_EQ(&a, model.findTensor("a"));
  EXPECT_EQ(model.findTensor("d"), nullptr);
  EXPECT_EQ(model.files()[0].headerBytes, start);
  EXPECT_EQ(model.files()[0].impliedBytes, start + 256 + 210);
  EXPECT_EQ(model.files()[0].actualBytes, start + 256 + 224);
}

TEST(Gguf, UsesTheStatedAlignment) {
  GgufBuilder builder;
  builder.set("general.alignment", 4096u).tensor("a", {5}, Encoding::F32).tensor("b", {5}, Encoding::F32);
  Model model = open(builder);
  EXPECT_EQ(model.findTensor("a")->offset, 4096u);
  EXPECT_EQ(model.findTensor("b")->offset, 8192u);
}

// The views inside a model must survive its moves.
TEST(Gguf, ModelsMove) {
  Model model = open(GgufBuilder().set("k", 1u).tensor("t", {5}, Encoding::F32));
  Model moved = std::move(model);
  EXPECT_EQ(moved.findTensor("t"), &moved.tensors()[0]);
  EXPECT_EQ(moved.find("k"), &moved.metadata().keyValues()[0].value);
}

TEST(Metadata, GettersConvertWhatIsMeant) {
  Model model = open(kEveryType);
  const Metadata &metadata = model.metadata();
  EXPECT_EQ(metadata.getUnsigned("u8").value(), 255u);
  EXPECT_EQ(metadata.getUnsigned("u16").value(), 65'535u);
  EXPECT_EQ(metadata.getUnsigned("u64").value(), ~uint64_t(0));
  EXPECT_EQ(metadata.getFloat("f32").value(), static_cast<double>(0.1f));
  EXPECT_EQ(metadata.getFloat("f64").value(), 0.1);
  EXPECT_EQ(metadata.getBool("bool").value(), true);
  EXPECT_EQ(metadata.getString("string").value(), "▁text");
}

TEST(Metadata, GetIntegersTakesEveryIntegerArray) {
  Model model = open(GgufBuilder()
                         .set("i32", std::vector<int32_t>{-1, 3})
                         .set("u64", std::vector<uint64_t>{1})
                         .set("large", std::vector<uint64_t>{~uint64_t(0)})
                         .set("bools", std::vector<bool>{true}));
  EXPECT_THAT(model.metadata().getIntegers("i32").value(), ElementsAre(-1, 3));
  EXPECT_THAT(model.metadata().getIntegers("u64").value(), ElementsAre(1));
  EXPECT_FALSE(model.metadata().getIntegers("large").has_value());
  EXPECT_FALSE(model.metadata().getIntegers("bools").has_value());
}

template <typename T> static void expectG44(const Result<T> &result, std::string_view key, std::string_view what) {
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().id, "G44");
  EXPECT_EQ(result.error().code, ExitCode::Input);
  EXPECT_THAT(result.error().message, HasSubstr("x.gguf: the key \"" + std::string(key) + "\" " + std::string(what)));
  EXPECT_THAT(result.error().message, HasSubstr("; convert the model again"));
}

TEST(Metadata, G44_Missing) {
  Model model = open(kEveryType);
  const Metadata &metadata = model.metadata();
  expectG44(metadata.getString("a\nb"), "a\\x0ab", "is missing");
  expectG44(metadata.getUnsigned("none"), "none", "is missing");
  expectG44(metadata.getFloat("none"), "none", "is missing");
  expectG44(metadata.getBool("none"), "none", "is missing");
  expectG44(metadata.getStrings("none"), "none", "is missing");
  expectG44(metadata.getIntegers("none"), "none", "is missing");
}

TEST(Metadata, G44_WrongType) {
  Model model = open(kEveryType);
  const Metadata &metadata = model.metadata();
  expectG44(metadata.getString("u32"), "u32", "is of type u32, not string");
  expectG44(metadata.getUnsigned("f32"), "f32", "is of type f32, not an integer");
  expectG44(metadata.getUnsigned("bool"), "bool", "is of type bool, not an integer");
  expectG44(metadata.getUnsigned("i32"), "i32", "is -7, which must not be negative");
  expectG44(metadata.getFloat("u32"), "u32", "is of type u32, not f32 or f64");
  expectG44(metadata.getBool("u8"), "u8", "is of type u8, not bool");
  expectG44(metadata.getStrings("string"), "string", "is of type string, not array of string");
  expectG44(metadata.getIntegers("i32"), "i32", "is of type i32, not array of integers");
}

TEST(Splits, NamesAreRecognised) {
  auto name = parseSplitName("dir/model-q4-00002-of-00010.gguf");
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(name->prefix, "dir/model-q4");
  EXPECT_EQ(name->number, 2u);
  EXPECT_EQ(name->count, 10u);
  EXPECT_EQ(name->path(7), "dir/model-q4-00007-of-00010.gguf");
}

TEST(Splits, OtherNamesAreSingleFiles) {
  for (const char *path : {"model.gguf", "model-0001-of-0010.gguf", "model-00001-of-00010.bin", "-of-00010.gguf", "",
                           "model00001-of-00010.gguf", "model-00000-of-00010.gguf", "model-00011-of-00010.gguf",
                           "model-0000a-of-00010.gguf", "model--0001-of-00010.gguf", "model-+0001-of-00010.gguf"})
    EXPECT_FALSE(parseSplitName(path).has_value()) << path;
}

TEST(Splits, AFileMayBeItsOwnSet) {
  TemporaryFolder folder;
  EXPECT_TRUE(Model::open(folder.write("m-00001-of-00001.gguf", kEveryType.bytes())).has_value());
}

// llama-gguf-split copies the alignment to the first file only and aligns the others by 32.
TEST(Splits, AlignmentMayBeStatedByTheFirstFileOnly) {
  TemporaryFolder folder;
  auto part = [](uint16_t number) {
    return GgufBuilder().set("split.no", number).set("split.count", uint16_t(2)).set("split.tensors.count", int32_t(2));
  };
  folder.write("m-00001-of-00002.gguf", part(0).set("general.alignment", 64u).tensor("a", {8}, Encoding::F32).bytes());
  folder.write("m-00002-of-00002.gguf", part(1).tensor("b", {8}, Encoding::F32).bytes());
  auto model = Model::open(folder.path("m-00001-of-00002.gguf"));
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->findTensor("b")->file, 1u);
}
