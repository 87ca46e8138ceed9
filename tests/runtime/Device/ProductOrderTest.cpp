// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Products bit for bit as docs/numbers.md writes them: exact integers, the order of sums, the hard cases.
#include "tests/runtime/Device/DeviceTest.h"

#include "runtime/Weights/Dequantise.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <limits>

namespace strata::test {
namespace {

struct ProductOrderTest : DeviceTest {};
STRATA_ON_EVERY_DEVICE(ProductOrderTest);

template <typename Number> Number laneSum(const std::vector<Number> &terms) {
  Number lanes[8] = {};
  for (uint64_t i = 0; i < terms.size(); ++i)
    lanes[i % 8] += terms[i];
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

float halfAt(const Weight &weight, uint64_t at) {
  return f16ToF32(loadU16(weight.bytes.data() + at));
}

/// The integers of a block-quantised weight: its numbers when every scale is 1 and every minimum 0.
Matrix integersOf(Weight weight) {
  const EncodingInfo &info = encodingInfo(weight.encoding);
  constexpr uint16_t kOne = 0x3C00;
  for (uint64_t at = 0; at < weight.bytes.size(); at += info.bytes) {
    if (weight.encoding == Encoding::Q4_1)
      std::memset(weight.bytes.data() + at + 2, 0, 2);
    if (weight.encoding == Encoding::Q6_K)
      std::memset(weight.bytes.data() + at + 192, 1, 16);
  }
  setScales(weight, {kOne});
  return weight.numbers;
}

/// An activation row's integers and scales.
struct Digits {
  std::vector<int64_t> integers;
  std::vector<float> scales;
};

Digits digitsOf(const std::vector<std::byte> &bytes, const BoundOperand &operand, uint64_t row, bool two) {
  Digits result;
  const std::byte *from = bytes.data() + row * operand.rowBytes;
  result.scales.resize(operand.columns / 32);
  std::memcpy(result.scales.data(), from, result.scales.size() * 4);
  const auto *high = reinterpret_cast<const int8_t *>(from + result.scales.size() * 4);
  for (uint64_t i = 0; i < operand.columns; ++i)
    result.integers.push_back(two ? 256 * int64_t{high[i]} + high[operand.columns + i] : high[i]);
  return result;
}

/// A block of a weight row and a row of digits: what the table of docs/numbers.md, "Products", is written in.
struct BlockPair {
  float d, m = 0, s;
  int64_t c[2] = {}, first, last, sum; ///< Sums of w·x over the first and the last 16, and of x.

  BlockPair(const Weight &weight, const Matrix &integers, uint64_t row, uint64_t block, const Digits &x) {
    const EncodingInfo &info = encodingInfo(weight.encoding);
    uint64_t at = (row * integers.columns + block * 32) / info.elements * info.bytes;
    auto sumOf = [&](uint64_t from, uint64_t count, bool weighted) {
      int64_t result = 0;
      for (uint64_t i = block * 32 + from; i < block * 32 + from + count; ++i)
        result += (weighted ? static_cast<int64_t>(integers.at(row, i)) : 1) * x.integers[i];
      return result;
    };
    s = x.scales[block];
    d = halfAt(weight, at + (weight.encoding == Encoding::Q6_K ? 208 : 0));
    if (weight.encoding == Encoding::Q4_1)
      m = halfAt(weight, at + 2);
    if (weight.encoding == Encoding::Q6_K)
      for (uint64_t i : {0u, 1u})
        c[i] = reinterpret_cast<const int8_t *>(weight.bytes.data() + at)[192 + block % 8 * 2 + i];
    first = sumOf(0, 16, true);
    last = sumOf(16, 16, true);
    sum = sumOf(0, 32, false);
  }
};

float termOfFew(Encoding encoding, const BlockPair &pair) {
  if (encoding == Encoding::Q6_K)
    return (pair.d * pair.s) * static_cast<float>(pair.c[0] * pair.first + pair.c[1] * pair.last);
  float term = (pair.d * pair.s) * static_cast<float>(pair.first + pair.last);
  if (encoding == Encoding::Q4_1)
    term = term + (pair.m * pair.s) * static_cast<float>(pair.sum);
  return term;
}

float termOfMany(Encoding encoding, const BlockPair &pair) {
  if (encoding == Encoding::Q6_K)
    return std::fma(pair.d * static_cast<float>(pair.c[1]), static_cast<float>(pair.last),
                    (pair.d * static_cast<float>(pair.c[0])) * static_cast<float>(pair.first));
  float term = pair.d * static_cast<float>(pair.first + pair.last);
  if (encoding == Encoding::Q4_1)
    term = std::fma(pair.m, static_cast<float>(pair.sum), term);
  return term;
}

/// The sum of a row of the weight with a row of digits.
float sumAsWritten(const Weight &weight, const Matrix &integers, uint64_t row, const Digits &x, Form form) {
  std::vector<float> terms;
  float sum = 0;
  for (uint64_t block = 0; block < integers.columns / 32; ++block) {
    BlockPair pair(weight, integers, row, block, x);
    terms.push_back(termOfFew(weight.encoding, pair));
    sum = std::fma(termOfMany(weight.encoding, pair), pair.s, sum);
  }
  return form == Form::few ? laneSum(terms) : sum;
}

/// Rows that stretch the arithmetic, of any length; row t of kind t.
Matrix hardRows(Workbench &bench, uint64_t length) {
  constexpr double kLargest = std::numeric_limits<float>::max(), kSmallest = std::numeric_limits<float>::denorm_min();
  Matrix rows = bench.numbers(9, length);
  for (uint64_t i = 0; i < length; ++i) {
    double sign = i % 2 == 0 ? 1 : -1;
    rows.at(1, i) = 0;
    rows.at(2, i) = sign * 3; // Every digit is the largest, signs alternate.
    rows.at(3, i) = 1e30;
    rows.at(4, i) = sign * kSmallest * static_cast<double>(i % 300);
    rows.at(5, i) = i % 32 == 7 ? 1e20 : rows.at(5, i); // One outlier in every block.
    rows.at(6, i) = sign * kLargest;
    if (i == length / 2)
      rows.at(7, i) = std::numeric_limits<double>::quiet_NaN();
    if (i == length / 2)
      rows.at(8, i) = -std::numeric_limits<double>::infinity();
  }
  return rows;
}

void expectSameBits(double actual, float expected) {
  if (std::isnan(expected))
    EXPECT_TRUE(std::isnan(actual)) << actual << " is not NaN";
  else
    EXPECT_EQ(std::bit_cast<uint32_t>(static_cast<float>(actual)), std::bit_cast<uint32_t>(expected))
        << actual << " is not " << expected;
}

TEST_P(ProductOrderTest, DigitProductsAreExactlyAsWritten) {
  // 1; 0; the smallest; the largest; -1; 2^-14 + 1 ulp: what every block's scale is in turn.
  const std::vector<uint16_t> kScales = {0x3C00, 0x0000, 0x0001, 0x7BFF, 0xBC00, 0x0401};
  for (Encoding encoding : {Encoding::Q4_0, Encoding::Q4_1, Encoding::Q8_0, Encoding::Q6_K})
    for (ActivationEncoding activations : {ActivationEncoding::i8, ActivationEncoding::i16})
      for (Form form : kForms)
        for (bool hardScales : {false, true}) {
          SCOPED_TRACE(fmt::format("{} {} {} {}", encodingInfo(encoding).name,
                                   schema::EnumNameActivationEncoding(activations), schema::EnumNameForm(form),
                                   hardScales));
          Weight weight = bench.weight(encoding, 1, 3, 768);
          if (hardScales)
            setScales(weight, kScales);
          Matrix integers = integersOf(weight);
          Matrix rows = hardRows(bench, 768);
          BoundOperand input = bench.activation(rows, activations), result = bench.space(rows.rows, 3);
          bench.launch(
              {Operation::matmul, form, activations, rows.rows, {input, bench.upload(weight), absent()}, {result}, {}});
          Matrix actual = bench.download(result);
          std::vector<std::byte> bytes = bench.bytesOf(input);
          for (uint64_t token = 0; token < rows.rows; ++token)
            for (uint64_t row = 0; row < 3; ++row) {
              SCOPED_TRACE(fmt::format("token {} row {}", token, row));
              Digits digits = digitsOf(bytes, input, token, activations == ActivationEncoding::i16);
              expectSameBits(actual.at(token, row), sumAsWritten(weight, integers, row, digits, form));
            }
        }
}

TEST_P(ProductOrderTest, TilesOfManyRowsAndColumnsAreExactlyAsWritten) {
  // Around the sizes of panels (16 and 32 rows), tiles (256 rows, 64 columns), chunks (16 blocks) and spans (128).
  struct TileShape {
    uint64_t rows, length, tokens;
  };
  for (TileShape shape :
       {TileShape{1, 32, 1}, {15, 96, 4}, {16, 2048, 5}, {17, 2080, 16}, {33, 544, 7}, {259, 4128, 66}}) {
    SCOPED_TRACE(fmt::format("{} rows of {}, {} tokens", shape.rows, shape.length, shape.tokens));
    Weight weight = bench.weight(Encoding::Q4_0, 1, shape.rows, shape.length);
    Matrix integers = integersOf(weight);
    BoundOperand input = bench.activation(bench.numbers(shape.tokens, shape.length), ActivationEncoding::i8);
    BoundOperand result = bench.space(shape.tokens, shape.rows);
    bench.launch({Operation::matmul,
                  Form::many,
                  ActivationEncoding::i8,
                  shape.tokens,
                  {input, bench.upload(weight, 2), absent()},
                  {result},
                  {}});
    Matrix actual = bench.download(result);
    std::vector<std::byte> bytes = bench.bytesOf(input);
    for (uint64_t token = 0; token < shape.tokens; ++token) {
      Digits digits = digitsOf(bytes, input, token, false);
      for (uint64_t row = 0; row < shape.rows; ++row)
        expectSameBits(actual.at(token, row), sumAsWritten(weight, integers, row, digits, Form::many));
    }
  }
}

TEST_P(ProductOrderTest, NumberProductsAreExactlyAsWritten) {
  for (Encoding encoding : kEncodings)
    for (Form form : kForms) {
      SCOPED_TRACE(fmt::format("{} {}", encodingInfo(encoding).name, schema::EnumNameForm(form)));
      uint64_t length = isBlockQuantised(encoding) ? 768 : 771;
      Weight weight = bench.weight(encoding, 1, 3, length);
      Matrix rows = hardRows(bench, length);
      BoundOperand result = bench.space(rows.rows, 3);
      bench.launch({Operation::matmul,
                    form,
                    ActivationEncoding::f32,
                    rows.rows,
                    {bench.upload(rows), bench.upload(weight), absent()},
                    {result},
                    {}});
      Matrix actual = bench.download(result);
      for (uint64_t token = 0; token < rows.rows; ++token)
        for (uint64_t row = 0; row < 3; ++row) {
          SCOPED_TRACE(fmt::format("token {} row {}", token, row));
          std::vector<double> terms;
          for (uint64_t i = 0; i < length; ++i)
            terms.push_back(static_cast<double>(static_cast<float>(rows.at(token, i))) * weight.numbers.at(row, i));
          expectSameBits(actual.at(token, row), static_cast<float>(laneSum(terms)));
        }
    }
}

TEST_P(ProductOrderTest, TheTwoFormsDiffer) {
  // Otherwise the tests above would not tell one order from the other.
  Weight weight = bench.weight(Encoding::Q4_0, 1, 64, 1024);
  BoundOperand input = bench.activation(bench.numbers(1, 1024), ActivationEncoding::i16);
  std::vector<Matrix> results;
  for (Form form : kForms) {
    BoundOperand result = bench.space(1, 64);
    bench.launch(
        {Operation::matmul, form, ActivationEncoding::i16, 1, {input, bench.upload(weight), absent()}, {result}, {}});
    results.push_back(bench.download(result));
  }
  EXPECT_NE(results[0].numbers, results[1].numbers);
}

} // namespace
} // namespace strata::test
