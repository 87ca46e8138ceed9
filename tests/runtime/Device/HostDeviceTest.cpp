// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The host device's threads, memory and scratch.
#include "tests/runtime/Device/Scenarios.h"

#include "runtime/Device/Host/HostDevice.h"
#include "runtime/Device/Host/Scratch.h"

#include <atomic>
#include <fmt/format.h>
#include <numeric>

namespace strata::test {
namespace {

TEST(ThreadPoolTest, RunsEveryTaskOnce) {
  for (unsigned threads : {1u, 2u, 3u, 7u}) {
    auto pool = ThreadPool::create(threads).value();
    for (uint64_t tasks : {uint64_t{0}, uint64_t{1}, uint64_t{2}, uint64_t{27}, uint64_t{1000}})
      for (uint64_t grain : {uint64_t{0}, uint64_t{1}, uint64_t{10}, uint64_t{5000}}) {
        SCOPED_TRACE(fmt::format("{} threads, {} tasks, grain {}", threads, tasks, grain));
        // Not atomic: each is touched by one thread only.
        std::vector<int> runs(tasks);
        std::vector<std::atomic<int>> busy(threads);
        pool->parallelFor(tasks, grain, [&](uint64_t begin, uint64_t end, unsigned worker) {
          ASSERT_LT(worker, threads);
          EXPECT_EQ(busy[worker].fetch_add(1), 0) << "two ranges share a worker's scratch";
          EXPECT_GE(end - begin, std::min(std::max<uint64_t>(grain, 1), tasks));
          for (uint64_t task = begin; task < end; ++task)
            ++runs[task];
          busy[worker].fetch_sub(1);
        });
        EXPECT_EQ(std::accumulate(runs.begin(), runs.end(), uint64_t{0}), tasks);
        EXPECT_TRUE(std::ranges::all_of(runs, [](int count) { return count == 1; }));
      }
  }
}

TEST(ThreadPoolTest, ManyShortJobsFollowEachOther) {
  auto pool = ThreadPool::create(4).value();
  std::vector<uint64_t> sums(16);
  for (uint64_t job = 0; job < 20000; ++job)
    pool->parallelFor(16, 1, [&](uint64_t begin, uint64_t end, unsigned) {
      for (uint64_t task = begin; task < end; ++task)
        sums[task] += job;
    });
  for (uint64_t sum : sums)
    EXPECT_EQ(sum, uint64_t{20000} * 19999 / 2);
}

TEST(ThreadPoolTest, NoThreadsAreRefused) {
  auto pool = ThreadPool::create(0);
  ASSERT_FALSE(pool);
  EXPECT_EQ(pool.error().code, ExitCode::CommandLine);
}

TEST(HostDeviceTest, MemoryIsZeroedAndAligned) {
  auto device = HostDevice::create({}).value();
  for (uint64_t bytes : {uint64_t{0}, uint64_t{1}, uint64_t{100000}}) {
    std::byte *memory = device->allocate(bytes).value();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 64, 0u);
    EXPECT_TRUE(std::all_of(memory, memory + bytes, [](std::byte byte) { return byte == std::byte{0}; }));
  }
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
  // 64 rows of 576, 64 scores and a sum of 512.
  EXPECT_EQ(hostWorkerScratchBytes({.operation = Operation::attention, .latent = 512, .rope = 64}).value(),
            uint64_t{(64 * 577 + 512) * 4});
  EXPECT_FALSE(hostWorkerScratchBytes({.operation = Operation::attention, .latent = uint64_t{1} << 60}).valid());
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
