// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the device tests share: the devices, random data, operands in device memory, comparison with the reference.
#pragma once

#include "runtime/Device/Device.h"
#include "runtime/Device/Reference.h"

#include <cstddef>
#include <cstdint>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace strata::test {

using reference::Matrix;
using schema::ActivationEncoding;
using schema::Form;
using schema::KvEncoding;
using schema::Operation;

inline constexpr ActivationEncoding kActivations[] = {ActivationEncoding::i8, ActivationEncoding::i16,
                                                      ActivationEncoding::f32};
inline constexpr Form kForms[] = {Form::few, Form::many};
inline constexpr Encoding kEncodings[] = {Encoding::F32,  Encoding::F16,  Encoding::BF16, Encoding::Q4_0,
                                          Encoding::Q4_1, Encoding::Q8_0, Encoding::Q6_K};

/// The devices that every test of this folder runs on, by name.
std::vector<std::string> deviceNames();
std::unique_ptr<Device> makeDevice(const std::string &name, unsigned threads = 2);

bool isBlockQuantised(Encoding encoding);

/// A weight's bytes and the numbers they stand for.
struct Weight {
  Encoding encoding = Encoding::F32;
  std::array<uint64_t, 3> dimensions = {1, 1, 1};
  std::vector<std::byte> bytes;
  Matrix numbers; ///< [X·N, K]
};

/// A KV cache in device memory. The view is what operands point to.
struct TestCache {
  KvView view;
  std::byte *memory = nullptr;
  uint64_t bytes = 0;
};

/// One call with what it points to; the last two are kept alive where nobody else does.
struct PreparedCall {
  Operation operation = Operation::embed;
  Form form = Form::few;
  ActivationEncoding activations = ActivationEncoding::i16;
  uint64_t rows = 0;
  std::vector<BoundOperand> reads;
  std::vector<BoundOperand> writes;
  CallParameters parameters;
  std::shared_ptr<TestCache> cache = nullptr;
  std::shared_ptr<std::vector<float>> frequencies = nullptr;

  KernelCall call() const { return {operation, form, activations, rows, reads, writes, parameters}; }
};

/// Makes data from a seed, and operands of it in a device's memory.
class Workbench {
public:
  explicit Workbench(Device &target, uint32_t seed = 1) : device(target), random(seed) {}

  /// In [-1, 1) times `scale`; every number is an f32.
  Matrix numbers(uint64_t rows, uint64_t columns, double scale = 1);
  uint64_t below(uint64_t limit) { return random() % limit; }
  /// [X, N, K] of random digits, with scales such that numbers are about ±1.
  Weight weight(Encoding encoding, uint64_t matrices, uint64_t rows, uint64_t columns);
  std::vector<float> frequencies(uint64_t pairs) const;

  BoundOperand upload(const Matrix &matrix);
  BoundOperand upload(const std::vector<int32_t> &integers, uint64_t columns = 1);
  /// `offset` bytes behind an aligned address.
  BoundOperand upload(const Weight &weight, uint64_t offset = 0);
  /// Space for a result, filled with 0xFF, which no test expects.
  BoundOperand space(uint64_t rows, uint64_t columns, schema::Element element = schema::Element::f32,
                     ActivationEncoding activations = ActivationEncoding::f32);
  /// `matrix` quantised by the device.
  BoundOperand activation(const Matrix &matrix, ActivationEncoding activations);
  /// What a product with `weight` reads: `matrix` quantised, or as it is.
  BoundOperand inputFor(const Weight &weight, const Matrix &matrix, ActivationEncoding activations);

  /// A cache with `sequences` lists of blocks for `context` positions, the blocks in a random order if `shuffled`.
  TestCache cache(uint64_t sequences, uint64_t context, uint64_t latent, uint64_t rope, KvEncoding encoding,
                  bool shuffled = false);
  /// Writes rows to the first positions of a sequence; returns them as they are stored.
  Matrix fill(const TestCache &cache, uint64_t sequence, const Matrix &rows);
  BoundOperand operand(const TestCache &cache) const;

  void launch(const PreparedCall &prepared);
  std::vector<std::byte> bytesOf(const std::byte *from, uint64_t bytes);
  std::vector<std::byte> bytesOf(const BoundOperand &operand);
  Matrix download(const BoundOperand &operand);
  std::vector<int32_t> downloadIntegers(const BoundOperand &operand);
  /// The numbers that a quantised activation stands for.
  Matrix downloadActivation(const BoundOperand &operand, ActivationEncoding activations);

private:
  std::byte *place(const void *from, uint64_t bytes, uint64_t offset = 0);

  Device &device;
  std::mt19937 random;
};

/// The scales of an encoded weight, for tests that want extreme ones: sets every block's d to the next of `scales`.
void setScales(Weight &weight, const std::vector<uint16_t> &scales);
/// Decodes `weight.bytes` again after a change.
void decode(Weight &weight);

Matrix absolute(const Matrix &matrix);

/// Every number of `actual` is within tolerance · magnitude of `expected`; `magnitude` has the same shape.
void expectWithin(const Matrix &actual, const Matrix &expected, const Matrix &magnitude, double tolerance);
/// Every number is within tolerance · the root mean square of its expected row.
void expectClose(const Matrix &actual, const Matrix &expected, double tolerance);

/// Base of the suites that run on every device.
class DeviceTest : public testing::TestWithParam<std::string> {
protected:
  std::unique_ptr<Device> device = makeDevice(GetParam());
  Workbench bench{*device};
  /// How much results may be off on this device: others than the host sum in f32 what the host sums in f64.
  double allowed(double onTheHost) const { return GetParam().starts_with("host") ? onTheHost : 3 * onTheHost; }
};

inline BoundOperand absent() {
  return {};
}

} // namespace strata::test

#define STRATA_ON_EVERY_DEVICE(SUITE)                                                                                  \
  INSTANTIATE_TEST_SUITE_P(Devices, SUITE, testing::ValuesIn(::strata::test::deviceNames()),                           \
                           [](const auto &info) { return info.param; })
