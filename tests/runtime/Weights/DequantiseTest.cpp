// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Against the gguf package's own dequantiser: golden/make_golden.py wrote the encoded blocks and the numbers.

#include "runtime/Weights/Dequantise.h"

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>
#include <vector>

using namespace strata;

static std::string readFile(const std::string &name) {
  std::ifstream in(std::string(STRATA_GOLDEN "/") + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Dequantise : public testing::TestWithParam<Encoding> {};

TEST_P(Dequantise, EqualsTheGgufPackage) {
  const EncodingInfo &info = encodingInfo(GetParam());
  std::string encoded = readFile(std::string(info.name) + ".blocks"),
              golden = readFile(std::string(info.name) + ".f32");
  ASSERT_FALSE(encoded.empty());
  ASSERT_EQ(encoded.size() % info.bytes, 0u);
  uint64_t elements = encoded.size() / info.bytes * info.elements;
  ASSERT_EQ(golden.size(), elements * sizeof(float));
  std::vector<float> expected(elements), actual(elements);
  std::memcpy(expected.data(), golden.data(), golden.size());
  dequantise(info.encoding, reinterpret_cast<const std::byte *>(encoded.data()), elements, actual.data());
  uint64_t nans = 0, infinities = 0;
  for (uint64_t i = 0; i < elements; ++i) {
    if (std::isnan(expected[i])) {
      ASSERT_TRUE(std::isnan(actual[i])) << i;
    } else {
      ASSERT_EQ(std::bit_cast<uint32_t>(actual[i]), std::bit_cast<uint32_t>(expected[i])) << i;
    }
    nans += std::isnan(expected[i]);
    infinities += std::isinf(expected[i]);
  }
  EXPECT_GT(nans, 0u) << "the blocks have scales that are NaN";
  EXPECT_GT(infinities, 0u) << "the blocks have scales that are infinite";
}

INSTANTIATE_TEST_SUITE_P(, Dequantise,
                         testing::Values(Encoding::F32, Encoding::F16, Encoding::BF16, Encoding::Q4_0, Encoding::Q4_1,
                                         Encoding::Q8_0, Encoding::Q6_K),
                         [](const auto &info) { return std::string(encodingInfo(info.param).name); });

// Rows of a tensor begin at any byte: a row of Q4_0 has a multiple of 18.
TEST(DequantiseBlocks, MayBeMisaligned) {
  std::string encoded = readFile("Q4_0.blocks");
  std::vector<float> aligned(32), shifted(32);
  dequantise(Encoding::Q4_0, reinterpret_cast<const std::byte *>(encoded.data()), 32, aligned.data());
  std::string moved = "x" + encoded.substr(0, 18);
  dequantise(Encoding::Q4_0, reinterpret_cast<const std::byte *>(moved.data() + 1), 32, shifted.data());
  EXPECT_EQ(std::memcmp(aligned.data(), shifted.data(), 32 * sizeof(float)), 0);
}
