// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tests/runtime/Device/DeviceTest.h"

#include "runtime/Schema/RowBytes.h"
#include "runtime/Weights/Dequantise.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace strata::test {

bool isBlockQuantised(Encoding encoding) {
  return encodingInfo(encoding).elements > 1;
}

Matrix Workbench::numbers(uint64_t rows, uint64_t columns, double scale) {
  Matrix result(rows, columns);
  for (double &number : result.numbers)
    number = static_cast<float>((static_cast<double>(random() >> 8) / (1 << 23) - 1) * scale);
  return result;
}

void decode(Weight &weight) {
  std::vector<float> numbers(weight.numbers.numbers.size());
  dequantise(weight.encoding, weight.bytes.data(), numbers.size(), numbers.data());
  std::ranges::copy(numbers, weight.numbers.numbers.begin());
}

/// Where a block's f16 scale is.
static uint64_t scaleOffset(Encoding encoding) {
  return encoding == Encoding::Q6_K ? 208 : 0;
}

static void putHalf(std::vector<std::byte> &bytes, uint64_t at, uint16_t half) {
  std::memcpy(bytes.data() + at, &half, sizeof half);
}

void setScales(Weight &weight, const std::vector<uint16_t> &scales) {
  const EncodingInfo &info = encodingInfo(weight.encoding);
  for (uint64_t block = 0; block < weight.bytes.size() / info.bytes; ++block)
    putHalf(weight.bytes, block * info.bytes + scaleOffset(weight.encoding), scales[block % scales.size()]);
  decode(weight);
}

Weight Workbench::weight(Encoding encoding, uint64_t matrices, uint64_t rows, uint64_t columns) {
  Weight result{encoding, {matrices, rows, columns}, {}, Matrix(matrices * rows, columns)};
  const EncodingInfo &info = encodingInfo(encoding);
  result.bytes.resize(encodedBytes(encoding, columns, matrices * rows).value());
  Matrix values = numbers(result.bytes.size() / info.bytes, 2);
  for (uint64_t block = 0; block < values.rows; ++block) {
    auto first = static_cast<float>(values.at(block, 0)), second = static_cast<float>(values.at(block, 1));
    uint64_t at = block * info.bytes;
    if (encoding == Encoding::F32) {
      std::memcpy(result.bytes.data() + at, &first, sizeof first);
    } else if (encoding == Encoding::F16) {
      putHalf(result.bytes, at, f32ToF16(first));
    } else if (encoding == Encoding::BF16) {
      putHalf(result.bytes, at, static_cast<uint16_t>(std::bit_cast<uint32_t>(first) >> 16));
    } else {
      for (uint64_t i = 0; i < info.bytes; ++i)
        result.bytes[at + i] = static_cast<std::byte>(random());
      float largest = encoding == Encoding::Q8_0 ? 127 : encoding == Encoding::Q6_K ? 127 * 32 : 15;
      putHalf(result.bytes, at + scaleOffset(encoding), f32ToF16(first / largest));
      if (encoding == Encoding::Q4_1)
        putHalf(result.bytes, at + 2, f32ToF16(second));
    }
  }
  decode(result);
  return result;
}

std::vector<float> Workbench::frequencies(uint64_t pairs) const {
  std::vector<float> result(pairs);
  for (uint64_t i = 0; i < pairs; ++i)
    result[i] = static_cast<float>(std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(pairs)));
  return result;
}

std::byte *Workbench::place(const void *from, uint64_t bytes, uint64_t offset) {
  std::byte *to = device.allocate(bytes + offset).value() + offset;
  EXPECT_TRUE(device.copyToDevice(to, {static_cast<const std::byte *>(from), bytes}));
  return to;
}

static BoundOperand valueOperand(std::byte *data, uint64_t rows, uint64_t columns, schema::Element element,
                                 uint64_t rowBytes) {
  BoundOperand operand;
  operand.kind = schema::OperandKind::value;
  operand.data = data;
  operand.rows = rows;
  operand.columns = columns;
  operand.rowBytes = rowBytes;
  operand.element = element;
  return operand;
}

BoundOperand Workbench::upload(const Matrix &matrix) {
  std::vector<float> floats(matrix.numbers.begin(), matrix.numbers.end());
  return valueOperand(place(floats.data(), floats.size() * 4), matrix.rows, matrix.columns, schema::Element::f32,
                      matrix.columns * 4);
}

BoundOperand Workbench::upload(const std::vector<int32_t> &integers, uint64_t columns) {
  return valueOperand(place(integers.data(), integers.size() * 4), integers.size() / columns, columns,
                      schema::Element::i32, columns * 4);
}

BoundOperand Workbench::upload(const Weight &weight, uint64_t offset) {
  BoundOperand operand;
  operand.kind = schema::OperandKind::weight;
  operand.data = place(weight.bytes.data(), weight.bytes.size(), offset);
  operand.encoding = weight.encoding;
  operand.dimensions = weight.dimensions;
  return operand;
}

BoundOperand Workbench::space(uint64_t rows, uint64_t columns, schema::Element element,
                              ActivationEncoding activations) {
  uint64_t rowBytes = valueRowBytes(element, activations, columns).value();
  std::vector<std::byte> filled(rows * rowBytes, std::byte{0xFF});
  return valueOperand(place(filled.data(), filled.size()), rows, columns, element, rowBytes);
}

BoundOperand Workbench::activation(const Matrix &matrix, ActivationEncoding activations) {
  BoundOperand result = space(matrix.rows, matrix.columns, schema::Element::activation, activations);
  launch({Operation::quantise, Form::few, activations, matrix.rows, {upload(matrix)}, {result}, {}});
  return result;
}

BoundOperand Workbench::inputFor(const Weight &weight, const Matrix &matrix, ActivationEncoding activations) {
  return isBlockQuantised(weight.encoding) ? activation(matrix, activations) : upload(matrix);
}

TestCache Workbench::cache(uint64_t sequences, uint64_t context, uint64_t latent, uint64_t rope, KvEncoding encoding,
                           bool shuffled) {
  TestCache result;
  uint64_t blocksPerSequence = (context + 63) / 64, blocks = blocksPerSequence * sequences;
  std::vector<int32_t> table(blocks);
  std::iota(table.begin(), table.end(), 0);
  if (shuffled)
    std::ranges::shuffle(table, random);
  result.view.blockBytes = 64 * (latent + rope) * (encoding == KvEncoding::f16 ? 2 : 4);
  result.view.blocksPerSequence = static_cast<uint32_t>(blocksPerSequence);
  result.view.latent = static_cast<uint32_t>(latent);
  result.view.rope = static_cast<uint32_t>(rope);
  result.view.encoding = encoding;
  result.bytes = blocks * result.view.blockBytes;
  // All NaN: a position that was never written must not be read.
  std::vector<std::byte> filled(result.bytes, std::byte{0xFF});
  result.memory = result.view.layer = place(filled.data(), filled.size());
  result.view.blockTable = reinterpret_cast<const int32_t *>(place(table.data(), table.size() * 4));
  return result;
}

Matrix Workbench::fill(const TestCache &cache, uint64_t sequence, const Matrix &rows) {
  const KvView &view = cache.view;
  Matrix stored = rows;
  bool half = view.encoding == KvEncoding::f16;
  std::vector<std::byte> tableBytes =
      bytesOf(reinterpret_cast<const std::byte *>(view.blockTable + sequence * view.blocksPerSequence),
              view.blocksPerSequence * uint64_t{4});
  std::vector<int32_t> table(view.blocksPerSequence);
  std::memcpy(table.data(), tableBytes.data(), tableBytes.size());
  for (uint64_t position = 0; position < rows.rows; ++position) {
    std::vector<uint16_t> halves;
    std::vector<float> floats;
    for (uint64_t i = 0; i < rows.columns; ++i) {
      floats.push_back(static_cast<float>(rows.at(position, i)));
      halves.push_back(f32ToF16(floats.back()));
      if (half)
        stored.at(position, i) = f16ToF32(halves.back());
    }
    auto block = static_cast<uint64_t>(table[position / view.blockPositions]);
    uint64_t rowBytes = rows.columns * (half ? 2 : 4);
    std::byte *to = view.layer + block * view.blockBytes + position % view.blockPositions * rowBytes;
    const void *from = half ? static_cast<const void *>(halves.data()) : floats.data();
    EXPECT_TRUE(device.copyToDevice(to, {static_cast<const std::byte *>(from), rowBytes}));
  }
  return stored;
}

BoundOperand Workbench::operand(const TestCache &cache) const {
  BoundOperand result;
  result.kind = schema::OperandKind::kv;
  result.kv = &cache.view;
  return result;
}

void Workbench::launch(const PreparedCall &prepared) {
  auto launched = device.launch(prepared.call());
  EXPECT_TRUE(launched) << (launched ? "" : launched.error().message);
  EXPECT_TRUE(device.synchronise());
}

std::vector<std::byte> Workbench::bytesOf(const std::byte *from, uint64_t bytes) {
  std::vector<std::byte> result(bytes);
  EXPECT_TRUE(device.copyFromDevice(result, from));
  return result;
}

std::vector<std::byte> Workbench::bytesOf(const BoundOperand &operand) {
  return bytesOf(operand.data, operand.rows * operand.rowBytes);
}

Matrix Workbench::download(const BoundOperand &operand) {
  std::vector<std::byte> bytes = bytesOf(operand);
  std::vector<float> floats(operand.rows * operand.columns);
  std::memcpy(floats.data(), bytes.data(), bytes.size());
  Matrix result(operand.rows, operand.columns);
  std::ranges::copy(floats, result.numbers.begin());
  return result;
}

std::vector<int32_t> Workbench::downloadIntegers(const BoundOperand &operand) {
  std::vector<std::byte> bytes = bytesOf(operand);
  std::vector<int32_t> result(operand.rows * operand.columns);
  std::memcpy(result.data(), bytes.data(), bytes.size());
  return result;
}

Matrix Workbench::downloadActivation(const BoundOperand &operand, ActivationEncoding activations) {
  if (operand.element == schema::Element::f32 || activations == ActivationEncoding::f32)
    return download(operand);
  std::vector<std::byte> bytes = bytesOf(operand);
  Matrix result(operand.rows, operand.columns);
  for (uint64_t row = 0; row < operand.rows; ++row)
    for (uint64_t i = 0; i < operand.columns; ++i) {
      const std::byte *from = bytes.data() + row * operand.rowBytes;
      float scale;
      std::memcpy(&scale, from + i / 32 * 4, sizeof scale);
      const auto *digits = reinterpret_cast<const int8_t *>(from + operand.columns / 32 * 4);
      double digit = digits[i];
      if (activations == ActivationEncoding::i16)
        digit = 256 * digit + digits[operand.columns + i];
      result.at(row, i) = digit * static_cast<double>(scale);
    }
  return result;
}

Matrix absolute(const Matrix &matrix) {
  Matrix result = matrix;
  for (double &number : result.numbers)
    number = std::abs(number);
  return result;
}

void expectWithin(const Matrix &actual, const Matrix &expected, const Matrix &magnitude, double tolerance) {
  ASSERT_EQ(actual.rows, expected.rows);
  ASSERT_EQ(actual.columns, expected.columns);
  for (uint64_t row = 0; row < expected.rows; ++row)
    for (uint64_t column = 0; column < expected.columns; ++column) {
      double difference = std::abs(actual.at(row, column) - expected.at(row, column));
      // Written so that a NaN fails.
      ASSERT_TRUE(difference <= tolerance * magnitude.at(row, column))
          << "row " << row << ", column " << column << ": " << actual.at(row, column) << " is not "
          << expected.at(row, column) << "; they differ by " << difference / magnitude.at(row, column)
          << " of the magnitude, allowed is " << tolerance;
    }
}

void expectClose(const Matrix &actual, const Matrix &expected, double tolerance) {
  Matrix magnitude(expected.rows, expected.columns);
  for (uint64_t row = 0; row < expected.rows; ++row) {
    double squares = 0;
    for (double number : expected.row(row))
      squares += number * number;
    double mean = std::sqrt(squares / static_cast<double>(expected.columns));
    std::fill_n(&magnitude.at(row, 0), expected.columns, mean);
  }
  expectWithin(actual, expected, magnitude, tolerance);
}

} // namespace strata::test
