// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// One case at least for every way in which a file is refused: G01 to G42.

#include "runtime/Weights/Limits.h"
#include "tests/runtime/Weights/GgufBuilder.h"
#include "tests/runtime/Weights/TemporaryFolder.h"

#include <fmt/format.h>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace strata;
using namespace strata::gguf;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

namespace {
/// A file that must be refused, and the parts that the sentence must have: the place, what is wrong, the remedy.
struct Refusal {
  std::string name; ///< Begins with the id.
  std::function<std::string(const TemporaryFolder &)> write;
  std::vector<std::string> sentence;
  bool headerOnly = false;
};

void PrintTo(const Refusal &refusal, std::ostream *out) {
  *out << refusal.name;
}

class Gguf : public testing::TestWithParam<Refusal> {};
} // namespace

TEST_P(Gguf, RefusesWithOneClearSentence) {
  const Refusal &refusal = GetParam();
  TemporaryFolder folder;
  auto model = Model::open(refusal.write(folder), {refusal.headerOnly});
  ASSERT_FALSE(model.has_value());
  const Error &error = model.error();
  EXPECT_EQ(error.id, refusal.name.substr(0, 3)) << error.message;
  EXPECT_EQ(error.code, ExitCode::Input);
  for (const std::string &part : refusal.sentence)
    EXPECT_THAT(error.message, HasSubstr(part));
  EXPECT_THAT(error.message, Not(testing::ContainsRegex("[\x01-\x1f\x7f]"))) << "no raw bytes of a file are printed";
  EXPECT_FALSE(error.message.ends_with("."));
}

/// Two tensors of 256 and 144 bytes.
static GgufBuilder small() {
  return GgufBuilder()
      .set("general.architecture", "deepseek2")
      .set("general.name", "small")
      .tensor("first.weight", {2, 32}, Encoding::F32)
      .tensor("second.weight", {4, 64}, Encoding::Q4_0);
}

static Refusal file(std::string name, std::string content, std::vector<std::string> sentence) {
  sentence.push_back("x.gguf");
  return {std::move(name), [content](const TemporaryFolder &folder) { return folder.write("x.gguf", content); },
          std::move(sentence)};
}

static Refusal built(std::string name, const GgufBuilder &builder, std::vector<std::string> sentence) {
  return file(std::move(name), builder.bytes(), std::move(sentence));
}

template <typename T> static std::string raw(T number) {
  return std::string(reinterpret_cast<const char *>(&number), sizeof number);
}

static std::string rawString(std::string_view text) {
  return raw<uint64_t>(text.size()) + std::string(text);
}

/// A key and the type of its value.
static std::string rawKey(std::string_view key, uint32_t type) {
  return rawString(key) + raw(type);
}

static std::vector<Refusal> fileRefusals() {
  return {
      {"G01_Missing",
       [](const TemporaryFolder &folder) { return folder.path("absent.gguf"); },
       {"absent.gguf", "No such file or directory", "check the path"}},
      {"G01_Directory",
       [](const TemporaryFolder &folder) {
         mkdir(folder.path("d.gguf").c_str(), 0700);
         return folder.path("d.gguf");
       },
       {"d.gguf", "is a directory", "give the path of a .gguf file"}},
      {"G01_Pipe",
       [](const TemporaryFolder &folder) {
         mkfifo(folder.path("p.gguf").c_str(), 0600);
         return folder.path("p.gguf");
       },
       {"p.gguf", "is not a regular file"}},
      {"G01_EscapedName",
       [](const TemporaryFolder &folder) { return folder.path("a\x1b[31m.gguf"); },
       {"a\\x1b[31m.gguf"}},
      file("G02_Empty", "", {"has 0 bytes", "download it again"}),
      file("G02_Short", small().bytes().substr(0, 23), {"has 23 bytes", "too few"}),
      file("G02_WebPage", "<!DOCTYPE html>", {"has 15 bytes", "web page"}),
      file("G03_Magic", small().magic("GGML").bytes(), {"byte 0", "47474d4c", "not 47475546", "check the path"}),
      file("G03_WebPage", "<html><body>Please log in</body></html>", {"3c68746d", "web page", "download"}),
      file("G03_LfsPointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
           {"Git LFS pointer", "git lfs pull"}),
      built("G04_Version0", small().version(0), {"byte 4", "version 0", "2 and 3 are supported", "convert"}),
      built("G04_Version1", small().version(1), {"version 1"}),
      built("G04_Version4", small().version(4), {"version 4"}),
      built("G05_BigEndian", small().version(0x03000000), {"big-endian", "convert it again"}),
      built("G05_SwappedMagic", small().magic("FUGG"), {"big-endian"}),
      built("G06_Negative", small().keyValueCount(~0ull), {"byte 16", "18446744073709551615 key-values", "4096"}),
      built("G06_TooMany", small().keyValueCount(4097), {"4097 key-values", "4096 is the most"}),
      built("G06_MoreThanFits", small().keyValueCount(4096), {"4096 key-values", "bytes that follow", "download"}),
      built("G07_Negative", small().tensorCount(~0ull), {"byte 8", "18446744073709551615 tensors", "65536"}),
      built("G07_TooMany", small().tensorCount(65'537), {"65537 tensors", "65536 is the most"}),
      built("G07_MoreThanFits", small().tensorCount(65'536), {"65536 tensors", "bytes that follow", "download"}),
  };
}

static std::vector<Refusal> keyValueRefusals() {
  std::string infos = small().infos();
  const GgufBuilder noTensors = GgufBuilder().set("general.architecture", "deepseek2").set("general.name", "small");
  // A file that ends with a key-value.
  auto endingWith = [&](std::string last) { return GgufBuilder(noTensors).rawKeyValue(std::move(last)).infos(); };
  return {
      built("G08_EmptyKey", small().rawKeyValue(rawKey("", 7) + '\1'), {"byte", "a key is empty", "download"}),
      built("G09_LongKey", small().rawKeyValue(rawKey(std::string(257, 'k'), 7) + '\1'),
            {"a key has 257 bytes", "256 is the most"}),
      file("G09_KeyPastEnd", endingWith(raw<uint64_t>(200) + "only a little of it"),
           {"a key has 200 bytes", "the file ends after 19"}),
      built("G10_NulInKey", small().rawKeyValue(rawKey(std::string_view("a\0b", 3), 7) + '\1'), {"a\\x00b", "control"}),
      built("G10_InvalidUtf8", small().rawKeyValue(rawKey("a\xff", 7) + '\1'), {"a\\xff", "UTF-8"}),
      built("G10_EscapeSequence", small().rawKeyValue(rawKey("\x1b[2J", 7) + '\1'), {"\\x1b[2J"}),
      built("G11_DuplicateKey", small().addAgain("general.name", Value(1.0f)), {"\"general.name\" occurs twice"}),
      built("G12_UnknownType", small().rawKeyValue(rawKey("odd", 13) + raw(0)), {"\"odd\"", "value type 13"}),
      built("G12_UnknownElementType", small().rawKeyValue(rawKey("odd", 9) + raw(99u) + raw<uint64_t>(0)),
            {"\"odd\"", "array of the unknown value type 99"}),
      built("G13_NestedArray", small().rawKeyValue(rawKey("nested", 9) + raw(9u) + raw<uint64_t>(1)),
            {"\"nested\"", "array of arrays"}),
      built("G14_TooManyElements", small().rawKeyValue(rawKey("many", 9) + raw(0u) + raw<uint64_t>((4 << 20) + 1)),
            {"\"many\"", "4194305 elements", "4194304 is the most"}),
      built("G14_ElementsPastEnd", small().rawKeyValue(rawKey("many", 9) + raw(12u) + raw<uint64_t>(4 << 20)),
            {"\"many\"", "4194304 elements of at least 8 bytes", "the file ends after"}),
      built("G14_StringsPastEnd", small().rawKeyValue(rawKey("many", 9) + raw(8u) + raw<uint64_t>(4 << 20)),
            {"\"many\"", "4194304 elements of at least 8 bytes"}),
      built("G15_LongString", small().set("tokenizer.chat_template", std::string((1 << 20) + 1, 'x')),
            {"\"tokenizer.chat_template\"", "1048577 bytes", "1048576 is the most"}),
      built("G15_LongToken", small().set("tokenizer.ggml.tokens", {"a", std::string(1025, 'x')}),
            {"\"tokenizer.ggml.tokens\"", "1025 bytes", "1024 is the most"}),
      file("G15_StringPastEnd", endingWith(rawKey("text", 8) + raw<uint64_t>(50) + "short"),
           {"\"text\"", "a string of 50 bytes", "the file ends after 5"}),
      built("G16_BoolTwo", small().rawKeyValue(rawKey("flag", 7) + '\2'), {"\"flag\"", "a bool that is 2"}),
      built("G16_BoolInArray", small().rawKeyValue(rawKey("flags", 9) + raw(7u) + raw<uint64_t>(2) + "\1\xff"),
            {"\"flags\"", "a bool that is 255"}),
      file("G17_CutInValue", endingWith(rawKey("number", 10) + "1234"),
           {"ends inside its header", "after the key \"general.name\"", "8 more bytes are needed and 4 are there",
            "download it again"}),
      file("G17_CutInTensorInfos", infos.substr(0, infos.size() - 1),
           {"after the beginning of the tensor info \"second.weight\"", "download it again"}),
  };
}

/// A header whose nine arrays of 32 MiB are holes in the file.
static std::string writeLongHeader(const TemporaryFolder &folder) {
  constexpr uint64_t kElements = limits::kArrayElements;
  std::string path = folder.path("long.gguf");
  std::ofstream out(path, std::ios::binary);
  out << "GGUF" << raw(3u) << raw<uint64_t>(0) << raw<uint64_t>(9);
  for (int i = 0; i < 9; ++i) {
    out << rawKey(fmt::format("array.{}", i), 9) << raw(10u) << raw(kElements);
    out.seekp(kElements * sizeof(uint64_t), std::ios::cur);
  }
  out << std::string(32, '\0');
  return path;
}

static std::vector<Refusal> alignmentRefusals() {
  return {
      {"G18_LongHeader", writeLongHeader, {"long.gguf", "longer than 268435456 bytes"}},
      built("G19_WrongType", small().set("general.alignment", uint64_t(32)),
            {"\"general.alignment\"", "type u64, not u32", "convert"}),
      built("G20_Zero", small().set("general.alignment", 0u), {"\"general.alignment\"", "is 0"}),
      built("G21_NotAPowerOfTwo", small().set("general.alignment", 48u), {"is 48", "power of two"}),
      built("G22_TooLarge", small().set("general.alignment", 2u << 20), {"is 2097152", "1048576 is the most"}),
  };
}

static GgufBuilder withTensor(GgufBuilder::Tensor tensor) {
  return GgufBuilder().set("general.architecture", "deepseek2").tensor(std::move(tensor));
}

static GgufBuilder withShape(std::vector<uint64_t> dimensions, Encoding encoding = Encoding::F32) {
  return withTensor({"odd.weight", std::move(dimensions), static_cast<uint32_t>(encoding), 64, {}, {}, {}});
}

static std::vector<Refusal> tensorRefusals() {
  constexpr uint64_t kHuge = 1ull << 62;
  return {
      built("G24_EmptyName", small().tensor("", {1}, Encoding::F32), {"empty name"}),
      built("G24_LongName", small().tensor(std::string(64, 'n'), {1}, Encoding::F32), {"64 bytes", "63 is the most"}),
      built("G24_ControlInName", small().tensor("a\nb", {1}, Encoding::F32), {"\"a\\x0ab\"", "control"}),
      built("G24_InvalidUtf8", small().tensor("a\xc0\xaf", {1}, Encoding::F32), {"\"a\\xc0\\xaf\""}),
      built("G25_DuplicateName", small().tensor("first.weight", {1}, Encoding::F32),
            {"byte", "\"first.weight\" occurs twice"}),
      built("G27_NoDimensions", withTensor({"odd.weight", {}, 0, 64, {}, {}, {}}), {"\"odd.weight\"", "0 dimensions"}),
      built("G27_FiveDimensions", withShape({1, 1, 1, 1, 1}), {"\"odd.weight\"", "5 dimensions", "1 to 4"}),
      built("G27_ManyDimensions", withTensor({"odd.weight", {1}, 0, 4, {}, {}, 0xFFFFFFFFu}),
            {"4294967295 dimensions"}),
      built("G28_ZeroDimension", withShape({4, 0}), {"\"odd.weight\"", "dimension of 0"}),
      built("G28_NegativeDimension", withShape({~0ull}), {"\"odd.weight\"", "dimension of -1"}),
      built("G29_ProductOverflows", withShape({kHuge, 4, 4}),
            {"\"odd.weight\"", "4611686018427387904x4x4", "overflows"}),
      built("G30_UnknownType", withTensor({"odd.weight", {32}, 1000, 64, {}, {}, {}}),
            {"\"odd.weight\"", "the type 1000", "convert", "Q4_0"}),
      built("G30_RemovedType", withTensor({"odd.weight", {32}, 4, 64, {}, {}, {}}), {"the type 4", "was removed"}),
      built(
          "G31_NoKernels",
          small().tensor("a", {256}, Encoding::Q4_K).tensor("b", {256}, Encoding::Q4_K).tensor("c", {1}, Encoding::I8),
          {"2 tensors in Q4_K (the first is \"a\")", "1 tensors in I8 (the first is \"c\")",
           "F32, F16, BF16, Q4_0, Q4_1, Q8_0, Q6_K"}),
      built("G32_RowOfPartBlocks", withShape({4, 48}, Encoding::Q4_0), {"rows of 48", "Q4_0's blocks of 32"}),
      built("G33_BytesOverflow", withShape({1ull << 61, 4}), {"\"odd.weight\"", "more bytes than any file holds"}),
      built("G33_BytesBeyondAnyFile", withShape({1ull << 61}), {"2305843009213693952 in F32"}),
      built("G34_Misaligned", withTensor({"odd.weight", {4}, 0, 16, {}, 16, {}}),
            {"\"odd.weight\"", "begins 16 bytes", "alignment 32"}),
      built("G36_Overlap", small().tensor({"third.weight", {8}, 0, 32, {}, 224, {}}),
            {"byte", "\"first.weight\" and \"third.weight\" overlap by 32 bytes"}),
      built("G36_Same", small().tensor({"third.weight", {8}, 0, 32, {}, 0, {}}), {"\"third.weight\"", "overlap"}),
  };
}

static std::vector<Refusal> lengthRefusals() {
  std::string whole = small().bytes();
  uint64_t end = small().header().size() + 256 + 144;
  GgufBuilder far = withTensor({"odd.weight", {4}, 0, 16, {}, 1ull << 40, {}});
  GgufBuilder wraps = withTensor({"odd.weight", {4}, 0, 16, {}, ~0ull - 31, {}});
  return {
      file("G33_OffsetWraps", wraps.header(), {"\"odd.weight\"", "beyond the end of any file"}),
      file("G35_OffsetPastData", far.header() + std::string(16, '\0'),
           {"\"odd.weight\"", "goes past the end", "the file is cut by 1099511627776 bytes", "download it again"}),
      file("G35_CutByOneByte", whole.substr(0, end - 1), {"\"second.weight\" of 144 bytes", "is cut by 1 bytes"}),
      file("G35_CutAfterHeader", small().header(), {"\"first.weight\"", "is cut by 400 bytes"}),
  };
}

/// Parts of a split set with one tensor each; `change` may spoil one of them.
static std::string writeSplitSet(const TemporaryFolder &folder,
                                 const std::function<void(std::vector<GgufBuilder> &)> &change) {
  std::vector<GgufBuilder> parts(3);
  for (uint16_t i = 0; i < 3; ++i) {
    if (i == 0)
      parts[i].set("general.architecture", "deepseek2").set("general.name", "first");
    parts[i].set("split.no", i).set("split.count", uint16_t(3)).set("split.tensors.count", int32_t(3));
    parts[i].tensor(fmt::format("blk.{}.weight", i), {8}, Encoding::F32);
  }
  change(parts);
  for (size_t i = 0; i < parts.size(); ++i)
    folder.write(fmt::format("m-{:05}-of-00003.gguf", i + 1), parts[i].bytes());
  return folder.path("m-00001-of-00003.gguf");
}

static Refusal split(std::string name, std::function<void(std::vector<GgufBuilder> &)> change,
                     std::vector<std::string> sentence) {
  return {std::move(name), [change](const TemporaryFolder &folder) { return writeSplitSet(folder, change); },
          std::move(sentence)};
}

static std::vector<Refusal> splitRefusals() {
  using Parts = std::vector<GgufBuilder>;
  auto keep = [](Parts &) {};
  return {
      split("G23_AlignmentDiffers", [](Parts &p) { p[1].set("general.alignment", 64u); },
            {"m-00002-of-00003.gguf (file 2 of 3)", "alignment is 64", "the first file's is 32",
             "split the model again"}),
      split("G26_DuplicateAcrossFiles", [](Parts &p) { p[2].find("blk.2.weight").name = "blk.0.weight"; },
            {"(file 3 of 3)", "\"blk.0.weight\" is also in file 1"}),
      {"G38_NotTheFirst",
       [keep](const TemporaryFolder &folder) {
         writeSplitSet(folder, keep);
         return folder.path("m-00002-of-00003.gguf");
       },
       {"m-00002-of-00003.gguf (file 2 of 3)", "give m-00001-of-00003.gguf"}},
      built("G38_RenamedPart",
            small().set("split.no", uint16_t(1)).set("split.count", uint16_t(3)).set("split.tensors.count", 6),
            {"is file 2 of 3", "give the first file"}),
      built("G39_RenamedFirst",
            small().set("split.no", uint16_t(0)).set("split.count", uint16_t(3)).set("split.tensors.count", 6),
            {"the first of 3 files", "NAME-00001-of-00003.gguf"}),
      split("G39_NumberMissing", [](Parts &p) { p[0].remove("split.no"); },
            {"(file 1 of 3)", "\"split.no\" is missing"}),
      split("G39_CountMissing", [](Parts &p) { p[1].remove("split.count"); }, {"(file 2 of 3)", "\"split.count\""}),
      split("G39_CountIsText", [](Parts &p) { p[1].set("split.count", "3"); }, {"\"split.count\"", "no number"}),
      split("G39_TensorsMissing", [](Parts &p) { p[0].remove("split.tensors.count"); }, {"\"split.tensors.count\""}),
      split("G39_WrongOrder", [](Parts &p) { std::swap(p[1], p[2]); },
            {"(file 2 of 3)", "\"split.no\" is 2, which makes it file 3", "names back"}),
      split("G39_CountDiffers", [](Parts &p) { p[2].set("split.count", uint16_t(4)); },
            {"(file 3 of 3)", "\"split.count\" is 4"}),
      {"G40_PartMissing",
       [keep](const TemporaryFolder &folder) {
         std::string first = writeSplitSet(folder, keep);
         unlink(folder.path("m-00003-of-00003.gguf").c_str());
         return first;
       },
       {"m-00003-of-00003.gguf (file 3 of 3)", "is missing", "download"}},
      split("G41_TensorCount",
            [](Parts &p) {
              for (GgufBuilder &part : p)
                part.set("split.tensors.count", int32_t(4));
            },
            {"announces 4 tensors", "the 3 files have 3", "download"}),
      split("G42_OtherModel", [](Parts &p) { p[1].set("general.name", "second"); },
            {"(file 2 of 3)", "\"general.name\" differs", "different models", "download the whole set again"}),
      split("G42_OtherArchitecture", [](Parts &p) { p[2].set("general.architecture", "llama"); },
            {"(file 3 of 3)", "\"general.architecture\" differs"}),
      split("G35_PartIsCut",
            [](Parts &p) {
              p[1].find("blk.1.weight").offset = 1 << 20;
              p[1].find("blk.1.weight").bytes = 0;
            },
            {"m-00002-of-00003.gguf (file 2 of 3)", "is cut by 32 bytes"}),
  };
}

static std::string refusalName(const testing::TestParamInfo<Refusal> &info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(File, Gguf, testing::ValuesIn(fileRefusals()), refusalName);
INSTANTIATE_TEST_SUITE_P(KeyValues, Gguf, testing::ValuesIn(keyValueRefusals()), refusalName);
INSTANTIATE_TEST_SUITE_P(Alignment, Gguf, testing::ValuesIn(alignmentRefusals()), refusalName);
INSTANTIATE_TEST_SUITE_P(Tensors, Gguf, testing::ValuesIn(tensorRefusals()), refusalName);
INSTANTIATE_TEST_SUITE_P(Length, Gguf, testing::ValuesIn(lengthRefusals()), refusalName);
INSTANTIATE_TEST_SUITE_P(Splits, Gguf, testing::ValuesIn(splitRefusals()), refusalName);

// G37 is no refusal: writers may leave room.

TEST(GgufWarning, G37_Gap) {
  TemporaryFolder folder;
  auto model = Model::open(folder.write("x.gguf", small().tensor({"far.weight", {8}, 0, 32, {}, 4096, {}}).bytes()));
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_THAT(model->warnings(), testing::ElementsAre(AllOf(HasSubstr("x.gguf, byte"), HasSubstr("[G37]"),
                                                            HasSubstr("3696 bytes before the tensor \"far.weight\""))));
}

TEST(GgufWarning, G37_TrailingBytes) {
  TemporaryFolder folder;
  auto model = Model::open(folder.write("x.gguf", small().bytes() + std::string(100, '\0')));
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_THAT(model->warnings(),
              testing::ElementsAre(AllOf(HasSubstr("116 bytes at the file's end"), HasSubstr("[G37]"))));
}

TEST(GgufWarning, NoneForPadding) {
  TemporaryFolder folder;
  EXPECT_THAT(Model::open(folder.write("x.gguf", small().bytes()))->warnings(), testing::IsEmpty());
}
