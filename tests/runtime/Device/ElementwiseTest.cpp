// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// embed, add, rms_norm and quantise.
#include "tests/runtime/Device/DeviceTest.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <limits>

namespace strata::test {
namespace {

struct ElementwiseTest : DeviceTest {};
STRATA_ON_EVERY_DEVICE(ElementwiseTest);

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST_P(ElementwiseTest, Embed) {
  for (Encoding encoding : kEncodings) {
    SCOPED_TRACE(encodingInfo(encoding).name);
    // 768 is three blocks of Q6_K.
    for (uint64_t width : {uint64_t{32}, uint64_t{96}, uint64_t{768}}) {
      if (width % encodingInfo(encoding).elements != 0)
        continue;
      Weight weight = bench.weight(encoding, 1, 10, width);
      std::vector<int32_t> tokens = {9, 0, 3, 3};
      BoundOperand result = bench.space(tokens.size(), width);
      uint64_t offset = isBlockQuantised(encoding) ? 2 : 0;
      bench.launch({Operation::embed,
                    Form::few,
                    ActivationEncoding::i16,
                    tokens.size(),
                    {bench.upload(tokens), bench.upload(weight, offset)},
                    {result},
                    {}});
      EXPECT_EQ(bench.download(result).numbers, reference::embed(tokens, weight.numbers).numbers);
    }
  }
}

TEST_P(ElementwiseTest, Add) {
  for (uint64_t width : {uint64_t{1}, uint64_t{31}, uint64_t{7168}}) {
    Matrix left = bench.numbers(3, width), right = bench.numbers(3, width, 1e6);
    BoundOperand result = bench.space(3, width);
    bench.launch({Operation::add,
                  Form::many,
                  ActivationEncoding::i16,
                  3,
                  {bench.upload(left), bench.upload(right)},
                  {result},
                  {}});
    Matrix sums = bench.download(result);
    for (uint64_t i = 0; i < sums.numbers.size(); ++i)
      EXPECT_EQ(static_cast<float>(sums.numbers[i]),
                static_cast<float>(left.numbers[i]) + static_cast<float>(right.numbers[i]));
  }
}

TEST_P(ElementwiseTest, RmsNorm) {
  // 1 number; fewer than lanes; a tail; V3.1's embedding; with magnitudes whose squares leave f32's range both ways.
  for (uint64_t width : {uint64_t{1}, uint64_t{7}, uint64_t{100}, uint64_t{7168}})
    for (double magnitude : {1.0, 1e-25, 1e30}) {
      SCOPED_TRACE(fmt::format("{} numbers about {}", width, magnitude));
      Matrix input = bench.numbers(3, width, magnitude);
      Weight weight = bench.weight(Encoding::F32, 1, 1, width);
      float epsilon = 1e-6f;
      BoundOperand result = bench.space(3, width);
      PreparedCall call{Operation::rms_norm, Form::few, ActivationEncoding::i16, 3, {}, {result}, {}};
      call.reads = {bench.upload(input), bench.upload(weight)};
      call.parameters.epsilon = epsilon;
      bench.launch(call);
      Matrix expected = reference::rmsNorm(input, weight.numbers.numbers, static_cast<double>(epsilon));
      expectWithin(bench.download(result), expected, absolute(expected), 2e-7);
    }
}

TEST_P(ElementwiseTest, RmsNormWithANanIsNanInItsRowOnly) {
  Matrix input = bench.numbers(3, 64);
  input.at(1, 17) = std::numeric_limits<double>::quiet_NaN();
  BoundOperand result = bench.space(3, 64);
  bench.launch({Operation::rms_norm,
                Form::few,
                ActivationEncoding::i16,
                3,
                {bench.upload(input), bench.upload(bench.weight(Encoding::F32, 1, 1, 64))},
                {result},
                {}});
  Matrix actual = bench.download(result);
  for (uint64_t i = 0; i < 64; ++i) {
    EXPECT_FALSE(std::isnan(actual.at(0, i)));
    EXPECT_TRUE(std::isnan(actual.at(1, i)));
    EXPECT_FALSE(std::isnan(actual.at(2, i)));
  }
}

/// docs/numbers.md, "Quantised activations", word for word; one block.
struct QuantisedBlock {
  float scale = 0;
  int digits[32] = {};
};

QuantisedBlock quantisedAsWritten(const float *numbers, float largest) {
  QuantisedBlock block;
  float most = 0;
  for (int i = 0; i < 32; ++i) {
    if (!std::isfinite(numbers[i])) {
      block.scale = kNan;
      return block;
    }
    most = std::max(most, std::abs(numbers[i]));
  }
  block.scale = most / largest;
  if (block.scale == 0)
    return block;
  for (int i = 0; i < 32; ++i)
    block.digits[i] = static_cast<int>(std::clamp(std::nearbyint(numbers[i] / block.scale), -largest, largest));
  return block;
}

/// Rows of 32 numbers that rounding and scaling are hard on.
std::vector<std::vector<float>> hardBlocks() {
  constexpr float kSmallest = std::numeric_limits<float>::denorm_min(), kLargest = std::numeric_limits<float>::max();
  std::vector<std::vector<float>> blocks(12, std::vector<float>(32, 0.0f));
  for (int i = 0; i < 32; ++i) {
    float sign = i % 2 == 0 ? 1.0f : -1.0f, step = static_cast<float>(i);
    auto at = static_cast<size_t>(i);
    blocks[1][at] = sign * 127.0f;                          // alternating signs
    blocks[2][at] = i == 0 ? 127.0f : step - 15.5f;         // ties
    blocks[3][at] = sign * kSmallest * (step + 1);          // a scale of 0: subnormal divided by 127
    blocks[4][at] = sign * kSmallest * 1000 * (step + 1);   // a subnormal scale with few bits
    blocks[5][at] = sign * kLargest;                        // the largest numbers
    blocks[6][at] = i == 31 ? kLargest : step;              // one outlier
    blocks[7][at] = i == 5 ? kNan : step;                   // NaN
    blocks[8][at] = i == 0 ? -kInfinity : step;             // infinity
    blocks[9][at] = -0.0f;                                  // negative zeros
    blocks[10][at] = i == 0 ? 32639.0f : 128 * step + 0.5f; // ties of 16 bits, low digits of -128
    blocks[11][at] = i == 0 ? -32639.0f : -127.5f - 256 * step;
  }
  return blocks;
}

TEST_P(ElementwiseTest, QuantiseIsExactlyAsWritten) {
  std::vector<std::vector<float>> blocks = hardBlocks();
  for (int i = 0; i < 200; ++i) {
    Matrix random = bench.numbers(1, 32, std::pow(10.0, i % 9 - 4));
    blocks.emplace_back(random.numbers.begin(), random.numbers.end());
  }
  while (blocks.size() % 4 != 0)
    blocks.emplace_back(32, 1.0f);
  Matrix input(blocks.size() / 4, 128);
  for (uint64_t block = 0; block < blocks.size(); ++block)
    std::copy_n(blocks[block].begin(), 32, input.numbers.begin() + static_cast<std::ptrdiff_t>(block * 32));

  for (ActivationEncoding activations : {ActivationEncoding::i8, ActivationEncoding::i16}) {
    bool two = activations == ActivationEncoding::i16;
    BoundOperand result = bench.activation(input, activations);
    std::vector<std::byte> bytes = bench.bytesOf(result);
    for (uint64_t block = 0; block < blocks.size(); ++block) {
      SCOPED_TRACE(fmt::format("{} block {}", schema::EnumNameActivationEncoding(activations), block));
      QuantisedBlock expected = quantisedAsWritten(blocks[block].data(), two ? 32639.0f : 127.0f);
      const std::byte *row = bytes.data() + block / 4 * result.rowBytes;
      float scale;
      std::memcpy(&scale, row + block % 4 * 4, 4);
      if (std::isnan(expected.scale))
        EXPECT_TRUE(std::isnan(scale));
      else
        EXPECT_EQ(std::bit_cast<uint32_t>(scale), std::bit_cast<uint32_t>(expected.scale));
      const auto *digits = reinterpret_cast<const int8_t *>(row + 16) + block % 4 * 32;
      for (int i = 0; i < 32; ++i) {
        int value = two ? 256 * digits[i] + digits[128 + i] : digits[i];
        EXPECT_EQ(value, expected.digits[i]) << "digit " << i;
      }
    }
  }
}

TEST_P(ElementwiseTest, QuantiseCopiesUnderF32) {
  Matrix input = bench.numbers(5, 96);
  input.at(2, 2) = kInfinity;
  EXPECT_EQ(bench.download(bench.activation(input, ActivationEncoding::f32)).numbers, input.numbers);
}

} // namespace
} // namespace strata::test
