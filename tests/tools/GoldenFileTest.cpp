// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/run/GoldenFile.h"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gmock/gmock.h>

namespace strata::run {
namespace {

using testing::HasSubstr;

class GoldenFileTest : public testing::Test {
protected:
  void SetUp() override {
    folder =
        std::filesystem::temp_directory_path() /
        fmt::format("strata-golden-{}-{}", getpid(), testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string write(const std::string &name, const std::string &content) const {
    std::string path = (folder / name).string();
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  /// An .npy file of version 1 with the header given and as many bytes of data.
  static std::string npy(const std::string &header, std::size_t bytes) {
    std::string length = {static_cast<char>(header.size() & 0xFF), static_cast<char>(header.size() >> 8)};
    return std::string("\x93NUMPY\x01\x00", 8) + length + header + std::string(bytes, '\0');
  }
  static std::string header(const std::string &type, const std::string &fortran, const std::string &shape) {
    return fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}\n", type, fortran, shape);
  }

  /// What reading says about a golden file whose JSON is `json`, beside 2 rows of 3 logits.
  std::string fault(const std::string &json) const {
    write("a.logits.npy", npy(header("<f4", "False", "(2, 3)"), 24));
    Result<GoldenFile> golden = readGolden(write("a.json", json));
    return golden ? "" : golden.error().message;
  }

  std::filesystem::path folder;
};

TEST_F(GoldenFileTest, ReadsTheGoldenOutputsOfTiny) {
  Result<GoldenFile> golden = readGolden(STRATA_TEST_MODELS "/tiny.Q4_0.json");
  ASSERT_TRUE(golden) << golden.error().message;
  ASSERT_EQ(golden->cases.size(), 4U);
  EXPECT_EQ(golden->logits.columns, 1024U);
  EXPECT_EQ(golden->logits.rows, 32U + 43U + 63U + 63U);
  const GoldenCase &second = golden->cases[1];
  EXPECT_EQ(second.prompt.size(), 12U);
  // 12 of the prompt and 31 of the 32 greedy tokens.
  EXPECT_EQ(second.tokens().size(), 43U);
  EXPECT_EQ(second.tokens()[12], second.greedy[0]);
}

TEST_F(GoldenFileTest, RefusesArraysOfAnotherKind) {
  auto fault = [&](const std::string &content) {
    Result<Matrix> matrix = readNpy(write("b.npy", content));
    return matrix ? "" : matrix.error().message;
  };
  EXPECT_EQ(fault(npy(header("<f4", "False", "(2, 3)"), 24)), "");
  EXPECT_THAT(fault(npy(header("<f8", "False", "(2, 3)"), 48)), HasSubstr("another type"));
  EXPECT_THAT(fault(npy(header("<f4", "True", "(2, 3)"), 24)), HasSubstr("Fortran"));
  EXPECT_THAT(fault(npy(header("<f4", "False", "(6,)"), 24)), HasSubstr("two dimensions"));
  EXPECT_THAT(fault(npy(header("<f4", "False", "(2, 3)"), 23)), HasSubstr("do not hold 2 x 3"));
  // 2^40 times 2^24 numbers of 4 bytes: past 64 bits.
  EXPECT_THAT(fault(npy(header("<f4", "False", "(1099511627776, 16777216)"), 0)), HasSubstr("do not hold"));
  EXPECT_THAT(fault("\x93NUMPY"), HasSubstr("not an .npy file"));
  EXPECT_THAT(fault(std::string("\x93NUMPY\x01\x00\xFF\xFF{}", 12)), HasSubstr("not an .npy file"));
  EXPECT_THAT(readNpy((folder / "missing.npy").string()).error().message, HasSubstr("No such file"));
}

TEST_F(GoldenFileTest, RefusesCasesThatCannotBeRun) {
  EXPECT_EQ(fault(R"({"cases":[{"prompt":[1],"greedy":[2],"greedy_gap":[0.5],"rows":[[0,0,1],[1,1,1]]}]})"), "");
  EXPECT_THAT(fault("{"), HasSubstr("not a file of golden outputs"));
  EXPECT_THAT(fault(R"({"cases":[{"prompt":[1]}]})"), HasSubstr("greedy"));
  EXPECT_THAT(fault(R"({"cases":[{"prompt":[-1],"greedy":[],"greedy_gap":[],"rows":[[0,0,1]]}]})"), HasSubstr("-1"));
  EXPECT_THAT(fault(R"({"cases":[{"prompt":[4294967297],"greedy":[],"greedy_gap":[],"rows":[[0,0,1]]}]})"),
              HasSubstr("4294967297"));
  EXPECT_THAT(fault(R"({"cases":[{"prompt":[],"greedy":[],"greedy_gap":[],"rows":[[0,0,1]]}]})"),
              HasSubstr("no prompt"));
  EXPECT_THAT(fault(R"({"cases":[{"prompt":[1],"greedy":[2],"greedy_gap":[],"rows":[[0,0,1]]}]})"), HasSubstr("gaps"));
  EXPECT_THAT(fault(R"({"cases":[{"prompt":[1],"greedy":[],"greedy_gap":[],"rows":[[1,0,1]]}]})"),
              HasSubstr("position 1"));
  EXPECT_THAT(fault(R"({"cases":[{"prompt":[1,2],"greedy":[],"greedy_gap":[],"rows":[[1,0,1],[0,1,1]]}]})"),
              HasSubstr("out of order"));
  EXPECT_THAT(fault(R"({"cases":[{"prompt":[1],"greedy":[],"greedy_gap":[],"rows":[[0,2,1]]}]})"),
              HasSubstr("row 2 of 2"));
  EXPECT_EQ(readGolden("a.npy").error().code, ExitCode::CommandLine);
}

} // namespace
} // namespace strata::run
