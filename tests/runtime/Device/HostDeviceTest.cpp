// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The host device's memory, scratch and notes, and its levels of instruction set.
#include "tests/runtime/Device/Scenarios.h"

#include "runtime/Base/HostLimits.h"
#include "runtime/Device/Host/HostDevice.h"
#include "runtime/Device/Host/Scratch.h"

#include <atomic>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <numeric>

namespace strata::test {
namespace {

TEST(HostDeviceTest, MemoryIsZeroedAndAligned) {
  auto device = HostDevice::create({}).value();
  for (uint64_t bytes : {uint64_t{0}, uint64_t{1}, uint64_t{100000}}) {
    std::byte *memory = device->allocate(bytes).value();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 64, 0u);
    EXPECT_TRUE(std::all_of(memory, memory + bytes, [](std::byte byte) { return byte == std::byte{0}; }));
  }
}

TEST(HostDeviceTest, LargeMemoryBeginsAtAHugePage) {
  auto device = HostDevice::create({}).value();
  std::byte *memory = device->allocate(uint64_t{5} << 20).value();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % (2 << 20), 0u);
  memory[(5 << 20) - 1] = std::byte{1};
}

TEST(HostDeviceTest, ThreadsThatShareCoresAreNoted) {
  unsigned cores = hostLimits().cores;
  auto notesOf = [](unsigned threads) {
    return fmt::format("{}", fmt::join(HostDevice::create({.threads = threads}).value()->notes(), ";"));
  };
  EXPECT_THAT(notesOf(cores + 1), testing::HasSubstr(fmt::format("--threads={} is faster", cores)));
  EXPECT_THAT(notesOf(cores), testing::Not(testing::HasSubstr("is faster")));
}

TEST(HostDeviceTest, MemoryThatIsNotThereIsRefused) {
  auto device = HostDevice::create({}).value();
  auto memory = device->allocate(uint64_t{1} << 60);
  ASSERT_FALSE(memory);
  EXPECT_EQ(memory.error().code, ExitCode::Machine);
  auto another = HostDevice::create({.threads = 7, .workerScratchBytes = uint64_t{1} << 62});
  ASSERT_FALSE(another);
  EXPECT_EQ(another.error().code, ExitCode::Machine);
}

TEST(HostDeviceTest, TooLittleScratchIsRefused) {
  auto device = HostDevice::create({.threads = 2, .workerScratchBytes = 64}).value();
  Workbench bench(*device);
  uint64_t refused = 0;
  for (const Scenario &scenario : scenarios()) {
    PreparedCall call = scenario.prepare(bench);
    auto launched = device->launch(call.call());
    if (launched)
      continue;
    ++refused;
    EXPECT_EQ(launched.error().code, ExitCode::Input) << scenario.name;
    EXPECT_EQ(launched.error().id, "A18") << scenario.name;
  }
  // attention and attention_splits and kv_append, each for two cache encodings, and route. query_rope needs just 64.
  EXPECT_EQ(refused, 7u);
}

TEST(HostDeviceTest, ScratchIsWhatScratchSays) {
  EXPECT_EQ(hostWorkerScratchBytes({.operation = Operation::matmul}).value(), 0u);
  // 64 rows of 576 twice, and 64 scores of 128 heads.
  EXPECT_EQ(hostWorkerScratchBytes({.operation = Operation::attention, .latent = 512, .rope = 64}).value(),
            uint64_t{64 * 4 * (576 * 2 + 128)});
  EXPECT_FALSE(hostWorkerScratchBytes({.operation = Operation::attention, .latent = uint64_t{1} << 60}).valid());
}

TEST(HostDeviceTest, Avx2AndAvx512GiveTheSameBits) {
  if (bestIsa() < Isa::avx512)
    GTEST_SKIP() << "this processor has no AVX-512";
  for (const Scenario &scenario : scenarios()) {
    SCOPED_TRACE(scenario.name);
    std::vector<std::byte> results[2];
    for (Isa isa : {Isa::avx2, Isa::avx512}) {
      auto device = makeDevice("host_" + std::string(isaName(isa)));
      Workbench bench(*device);
      PreparedCall call = scenario.prepare(bench);
      bench.launch(call);
      results[isa == Isa::avx512] = resultsOf(bench, call);
    }
    EXPECT_TRUE(results[0] == results[1]);
  }
}

TEST(HostDeviceTest, DigitsWithUnquantisedWeightsAreRefused) {
  std::unique_ptr<Device> device = makeDevice(deviceNames().back());
  Workbench bench(*device);
  Weight weight = bench.weight(Encoding::F16, 1, 4, 32);
  BoundOperand input = bench.activation(bench.numbers(1, 32), ActivationEncoding::i8);
  PreparedCall call{Operation::matmul, Form::few, ActivationEncoding::i8, 1, {}, {bench.space(1, 4)}, {}};
  call.reads = {input, bench.upload(weight), absent()};
  auto launched = device->launch(call.call());
  ASSERT_FALSE(launched);
  EXPECT_EQ(launched.error().id, "A20");
  EXPECT_EQ(launched.error().message,
            "matmul has no product of F16 weights with i8 activations: compile the model again");
}

} // namespace
} // namespace strata::test
