// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Modelled times: what they must do when one thing changes and nothing else.

#include "runtime/Simulator/TimeModel.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace strata::sim {
namespace {

/// A launch that reads so many bytes a CTA, and does little else.
struct Reading {
  LaunchShape shape = {{8000, 1, 1}, 256, 32, 0};
  Counts counts = {};

  explicit Reading(uint64_t bytesOfACta, uint32_t ctas = 8000) {
    shape.grid[0] = ctas;
    counts.ctas = counts.executedCtas = ctas;
    counts.uniqueSectorsRead = counts.fetchedSectors = bytesOfACta / 32 * ctas;
    counts.globalLines = bytesOfACta / 128 * ctas;
    counts.warpInstructions = 160 * uint64_t(ctas);
    counts.longestCtaCycles = 500;
    counts.ctaCycles = 500 * uint64_t(ctas);
  }
  ModelledTime time(const GpuFigures &gpu = v100s()) const { return modelTime(gpu, shape, counts); }
};

TEST(Occupancy, EveryResourceCanBeTheOneThatIsShort) {
  auto resident = [](uint32_t threads, uint32_t registers, uint32_t shared) {
    return residentCtas(v100s(), {{1, 1, 1}, threads, registers, shared});
  };
  EXPECT_EQ(resident(256, 32, 0), 8u) << "2048 threads";
  EXPECT_EQ(resident(32, 16, 0), 32u) << "CTAs";
  EXPECT_EQ(resident(128, 96, 0), 5u) << "registers: 5 warps on each scheduler";
  EXPECT_EQ(resident(128, 97, 0), 4u) << "registers, rounded up to 104";
  EXPECT_EQ(resident(128, 255, 0), 2u);
  EXPECT_EQ(resident(128, 32, 37 * 1024), 2u) << "shared memory";
  EXPECT_EQ(resident(128, 32, 96 * 1024), 1u);
  EXPECT_EQ(resident(128, 32, 97 * 1024), 0u);
  EXPECT_EQ(resident(1024, 128, 0), 0u) << "too many registers for one CTA";
  EXPECT_EQ(resident(33, 32, 0), 32u) << "two warps";
  for (uint32_t nonsense : {65537u, 0x80000000u, 0xffffffffu}) {
    EXPECT_EQ(resident(128, nonsense, 0), 0u);
    EXPECT_EQ(resident(nonsense, 32, 0), 0u);
    EXPECT_EQ(resident(128, 32, std::max(nonsense, 98305u)), 0u);
  }
}

TEST(TimeModel, MoreBytesTakeLonger) {
  double last = 0;
  for (uint64_t bytes : {1024, 2048, 4096, 65536}) {
    double seconds = Reading(bytes).time().seconds;
    EXPECT_GT(seconds, last);
    last = seconds;
  }
  ModelledTime many = Reading(65536).time();
  EXPECT_EQ(many.bottleneck, "HBM");
  EXPECT_GT(many.dramShare, 0.9);
  EXPECT_LT(many.dramShare, v100s().dramReadShare) << "never more than reads can reach";
  EXPECT_DOUBLE_EQ(many.dramBytes, 65536.0 * 8000);
}

TEST(TimeModel, MoreCtasAtATimeHideMoreLatency) {
  double last = 1;
  for (uint32_t shared : {96u, 48u, 24u, 12u}) {
    Reading reading(2048);
    reading.shape.sharedBytes = shared * 1024;
    ModelledTime time = reading.time();
    EXPECT_EQ(time.residentCtas, 96 / shared);
    EXPECT_LT(time.seconds, last);
    last = time.seconds;
    if (shared == 96) {
      EXPECT_EQ(time.bottleneck, "latency");
    }
  }
}

TEST(TimeModel, NoLimitIsUndercut) {
  for (uint64_t bytes : {0, 256, 2048, 65536})
    for (uint64_t arithmetic : {0, 1000, 100000}) {
      Reading reading(bytes);
      reading.counts.warpByClass[static_cast<size_t>(InstructionClass::float32)] = arithmetic * 8000;
      reading.counts.warpInstructions += arithmetic * 8000;
      ModelledTime time = reading.time();
      for (const TimeLimit &limit : time.limits)
        EXPECT_LE(limit.seconds, time.seconds) << limit.name;
    }
}

TEST(TimeModel, TheBottleneckIsWhatThereIsMostOf) {
  auto bottleneck = [](auto change) {
    Reading reading(1024);
    change(reading.counts);
    return reading.time().bottleneck;
  };
  auto ofClass = [&](InstructionClass instructionClass) {
    return bottleneck([&](Counts &c) { c.warpByClass[static_cast<size_t>(instructionClass)] = 20000 * c.ctas; });
  };
  EXPECT_EQ(ofClass(InstructionClass::tensor), "tensor cores");
  EXPECT_EQ(ofClass(InstructionClass::dot), "integer units");
  EXPECT_EQ(ofClass(InstructionClass::float32), "FP32 units");
  EXPECT_EQ(ofClass(InstructionClass::special), "special function units");
  EXPECT_EQ(ofClass(InstructionClass::warp), "L1 and shared memory") << "shuffles";
  EXPECT_EQ(bottleneck([](Counts &c) { c.warpInstructions = 100000 * c.ctas; }), "issue slots");
  EXPECT_EQ(bottleneck([](Counts &c) { c.sharedPasses = 20000 * c.ctas; }), "L1 and shared memory");
  EXPECT_EQ(bottleneck([](Counts &c) { c.fetchedSectors = 20000 * c.ctas; }), "L2");
  EXPECT_EQ(bottleneck([](Counts &c) { c.ctaCycles = 50000 * c.ctas; }), "latency");
  EXPECT_EQ(Reading(32, 1).time().bottleneck, "start-up");
}

TEST(TimeModel, WavesAreWhole) {
  // 8 CTAs of 256 threads on each of 80 multiprocessors: one more than fits begins a second wave.
  auto seconds = [](uint32_t ctas) { return Reading(128, ctas).time().seconds; };
  EXPECT_DOUBLE_EQ(Reading(128, 640).time().waves, 1);
  EXPECT_GT(seconds(641), seconds(640) + 400 / v100s().clock);
  EXPECT_NEAR(seconds(1280), seconds(641), 0.2 * (seconds(641) - v100s().startUpSeconds));
  // The last wave waits for its longest CTA.
  Reading uneven(128, 640);
  uneven.counts.longestCtaCycles = 50000;
  EXPECT_GT(uneven.time().seconds, 50000 / v100s().clock);
}

TEST(TimeModel, RowsReadAgainWhatL2DoesNotHold) {
  auto bytes = [](uint64_t weightBytes) {
    Reading reading(2048);
    reading.shape.grid = {1000, 8, 1};
    reading.counts.rowSharedSectors = weightBytes / 32;
    reading.counts.uniqueSectorsRead = weightBytes / 32;
    return reading.time().dramBytes;
  };
  EXPECT_DOUBLE_EQ(bytes(4 << 20), 4 << 20);
  EXPECT_DOUBLE_EQ(bytes(16 << 20), 8.0 * (16 << 20));
}

TEST(TimeModel, TheFasterCardIsFaster) {
  EXPECT_GT(Reading(65536).time(v100()).seconds, 1.2 * Reading(65536).time().seconds);
  // What does not fit or does nothing takes no time.
  Reading tooLarge(1024);
  tooLarge.shape.sharedBytes = 97 * 1024;
  EXPECT_EQ(tooLarge.time().seconds, 0);
  EXPECT_EQ(modelTime(v100(), {{1, 1, 1}, 32, 32, 0}, Counts()).seconds, 0);
}

} // namespace
} // namespace strata::sim
