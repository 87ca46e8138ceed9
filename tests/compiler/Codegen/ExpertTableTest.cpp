// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Experts of a decode step that are found through a table of addresses, some of which are null.
#include "tests/compiler/Codegen/KernelDevice.h"
#include "tests/runtime/Device/DeviceTest.h"

#include <fmt/format.h>

namespace strata::test {
namespace {

constexpr uint64_t kTokens = 4, kExperts = 6, kUsed = 3, kEmbedding = 96, kWidth = 64;

struct ExpertTableTest : testing::TestWithParam<std::tuple<uint64_t, ActivationEncoding>> {
  std::unique_ptr<KernelDevice> device = KernelDevice::create(7);
  Workbench bench{*device};
  uint64_t shared = std::get<0>(GetParam());
  ActivationEncoding activations = std::get<1>(GetParam());

  /// Matrices as the device keeps them.
  struct Matrices {
    const std::byte *first = nullptr;
    uint64_t bytes = 0; ///< Of one.
  };
  Matrices matrices(uint64_t count, uint64_t rows, uint64_t columns) {
    Weight weight = bench.weight(Encoding::Q4_0, count, rows, columns);
    kernels::Request request;
    request.kind = kernels::Kind::Repack;
    request.results = static_cast<uint32_t>(rows);
    request.columns = static_cast<uint32_t>(columns);
    std::byte *repacked = device->allocate(weight.bytes.size()).value();
    EXPECT_TRUE(device->run(request, {bench.upload(weight).data, repacked}, count));
    return {repacked, weight.bytes.size() / count};
  }

  Matrices gate = matrices(kExperts, kWidth, kEmbedding), up = matrices(kExperts, kWidth, kEmbedding),
           down = matrices(kExperts, kEmbedding, kWidth), sharedGate, sharedUp, sharedDown;
  BoundOperand tokens = bench.activation(bench.numbers(kTokens, kEmbedding), activations);
  Matrix residual = bench.numbers(kTokens, kEmbedding), weights = bench.numbers(kTokens, kUsed);
  /// All experts are someone's.
  std::vector<int32_t> ids = {0, 1, 2, 3, 4, 5, 0, 2, 4, 1, 3, 5};

  void SetUp() override {
    if (shared == 0)
      return;
    sharedGate = matrices(1, shared, kEmbedding);
    sharedUp = matrices(1, shared, kEmbedding);
    sharedDown = matrices(1, kEmbedding, shared);
  }

  kernels::Request request(Operation operation, bool table) {
    kernels::Request request;
    request.operation = operation;
    request.activations = activations;
    request.columns = kEmbedding;
    request.maximumRows = kTokens;
    request.experts = kExperts;
    request.expertsUsed = kUsed;
    request.width = kWidth;
    request.sharedWidth = static_cast<uint32_t>(shared);
    request.residual = operation == Operation::experts_down;
    request.expertTable = table;
    return request;
  }

  /// The table of the experts that are here.
  const std::byte *tableOf(const Matrices &all, uint64_t absent) {
    std::vector<uint64_t> addresses;
    for (uint64_t expert = 0; expert < kExperts; ++expert)
      addresses.push_back(absent >> expert & 1 ? 0 : reinterpret_cast<uint64_t>(all.first + expert * all.bytes));
    std::byte *table = device->allocate(addresses.size() * 8).value();
    EXPECT_TRUE(device->copyToDevice(table, std::as_bytes(std::span(addresses))));
    return table;
  }

  /// The experts' result, by table (without those whose bit in `absent` is set) or from contiguous weights.
  Matrix run(bool table, uint64_t absent, const Matrix &expertWeights) {
    BoundOperand chosen = bench.upload(ids, kUsed);
    BoundOperand hidden = bench.space(kTokens, kUsed * kWidth + shared);
    auto place = [&](const Matrices &all) { return table ? tableOf(all, absent) : all.first; };
    KernelDevice::Pointers pointers = {tokens.data, chosen.data, place(gate), place(up)};
    if (shared > 0)
      pointers.insert(pointers.end(), {sharedGate.first, sharedUp.first});
    pointers.push_back(hidden.data);
    auto launched = device->run(request(Operation::experts_gate_up, table), pointers, kTokens);
    EXPECT_TRUE(launched) << launched.error().message;
    BoundOperand quantised = bench.activation(bench.download(hidden), activations);
    BoundOperand result = bench.upload(residual);
    pointers = {quantised.data, chosen.data, bench.upload(expertWeights).data, place(down)};
    if (shared > 0)
      pointers.push_back(sharedDown.first);
    pointers.insert(pointers.end(), {result.data, result.data});
    launched = device->run(request(Operation::experts_down, table), pointers, kTokens);
    EXPECT_TRUE(launched) << launched.error().message;
    return bench.download(result);
  }
};

TEST_P(ExpertTableTest, WithAllExpertsTheBitsAreThoseOfContiguousWeights) {
  EXPECT_EQ(run(true, 0, weights).numbers, run(false, 0, weights).numbers);
}

TEST_P(ExpertTableTest, ExpertsThatAreNotHereAddNothing) {
  for (uint64_t absent : {0b000001u, 0b101010u, 0b011111u, 0b111111u}) {
    SCOPED_TRACE(fmt::format("absent {:06b}", absent));
    // A weight of 0 leaves an expert out as well: the sum is the same to the bit.
    Matrix present = weights;
    for (size_t i = 0; i < ids.size(); ++i)
      if (absent >> ids[i] & 1)
        present.numbers[i] = 0;
    Matrix result = run(true, absent, weights);
    EXPECT_EQ(result.numbers, run(false, 0, present).numbers);
    EXPECT_NE(result.numbers, run(true, 0, weights).numbers);
    if (absent == 0b111111 && shared == 0) {
      EXPECT_EQ(result.numbers, bench.download(bench.upload(residual)).numbers);
    }
  }
}

TEST_P(ExpertTableTest, AnAddressThatIsNullIsNotRead) {
  // A kernel that does not skip is seen: null is no allocation.
  device->change = [](std::string source) {
    constexpr std::string_view kSkips = "kSkips = true";
    size_t at = source.find(kSkips);
    EXPECT_NE(at, std::string::npos);
    return source.replace(at, kSkips.size(), "kSkips = false");
  };
  BoundOperand hidden = bench.space(kTokens, kUsed * kWidth + shared);
  KernelDevice::Pointers pointers = {tokens.data, bench.upload(ids, kUsed).data, tableOf(gate, 1), tableOf(up, 1)};
  if (shared > 0)
    pointers.insert(pointers.end(), {sharedGate.first, sharedUp.first});
  pointers.push_back(hidden.data);
  EXPECT_FALSE(device->run(request(Operation::experts_gate_up, true), pointers, kTokens));
}

INSTANTIATE_TEST_SUITE_P(Shapes, ExpertTableTest,
                         testing::Combine(testing::Values(0u, 32u),
                                          testing::Values(ActivationEncoding::i8, ActivationEncoding::i16)));

} // namespace
} // namespace strata::test
