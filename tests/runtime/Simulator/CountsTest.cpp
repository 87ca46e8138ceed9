// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What launches count beside instructions: bytes by the memory that they come from, cycles, and all of it from a
// sample.

#include "runtime/Simulator/Sample.h"
#include "tests/runtime/Simulator/KernelTest.h"

#include <set>

namespace strata::sim {
namespace {

Counts countsOf(const std::string &body, uint32_t threads = 32, uint32_t words = 4096,
                const std::string &variables = "") {
  KernelRun run(variables, body, threads);
  run.words.assign(words, 1);
  auto result = run.run();
  EXPECT_TRUE(result) << (result ? "" : result.error().message);
  return result.value_or(Counts());
}

TEST(Footprint, KnowsWhatCtasShare) {
  Footprint footprint;
  footprint.start();
  footprint.startCta(0, 0);
  EXPECT_EQ(footprint.load(1000), MemoryLevel::dram);
  EXPECT_EQ(footprint.load(1000), MemoryLevel::l1);
  footprint.store(2000);
  footprint.startCta(1, 0);
  EXPECT_EQ(footprint.load(1000), MemoryLevel::l2);
  EXPECT_EQ(footprint.load(2000), MemoryLevel::l2) << "another CTA wrote it";
  EXPECT_EQ(footprint.load(3000), MemoryLevel::dram);
  footprint.startCta(1, 1);
  footprint.load(3000);
  Footprint::Sectors all = footprint.total(1, 1);
  EXPECT_EQ(all.read, 3u);
  EXPECT_EQ(all.written, 1u);
  EXPECT_EQ(all.rowShared, 1u);
  // With ten times the columns and twice the rows: sector 1000 is shared by columns (and is of one row), sector 2000
  // too, sector 3000 is of one column and of all rows.
  Footprint::Sectors more = footprint.total(10, 2);
  EXPECT_EQ(more.read, 2u + 2u + 10u);
  EXPECT_EQ(more.rowShared, 10u);
  footprint.start();
  EXPECT_EQ(footprint.total(1, 1).read, 0u);
}

TEST(Footprint, ALeaderStandsForNoOthers) {
  Footprint footprint;
  footprint.start();
  footprint.startCta(0, 0, true);
  footprint.load(1); // What neighbours share,
  footprint.load(2); // and its own.
  footprint.startCta(0, 0);
  footprint.load(1);
  footprint.load(3);
  EXPECT_EQ(footprint.total(10, 1).read, 10u) << "sector 3, for ten columns";
}

TEST(Sample, TakesPairsAndRows) {
  EXPECT_EQ(sampleOf({7, 3, 2}, 0).ctas.size(), 42u);
  EXPECT_EQ(sampleOf({7, 3, 2}, 42).ctas.size(), 42u);
  for (std::array<uint32_t, 3> grid : {std::array<uint32_t, 3>{1000, 1, 1},
                                       {1000, 8, 1},
                                       {3, 500, 1},
                                       {1, 900, 1},
                                       {5, 5, 40},
                                       {2048, 1, 1},
                                       {4, 1000, 1}})
    for (uint64_t wanted : {1u, 2u, 8u, 64u, 100u}) {
      Sample sample = sampleOf(grid, wanted);
      EXPECT_LE(sample.ctas.size(), std::max<uint64_t>(wanted, 8));
      std::set<uint64_t> numbers;
      double standsFor = 0;
      for (size_t i = 0; i < sample.ctas.size(); ++i) {
        const SampledCta &cta = sample.ctas[i];
        EXPECT_LT(cta.number, uint64_t(grid[0]) * grid[1] * grid[2]);
        EXPECT_EQ(cta.row, cta.number / grid[0]);
        EXPECT_TRUE(numbers.insert(cta.number).second) << "twice";
        if (cta.leads) {
          EXPECT_EQ(sample.ctas[i + 1].number, cta.number + 1);
          EXPECT_EQ(sample.ctas[i + 1].group, cta.group);
        } else {
          standsFor += sample.columnsOfOne * sample.rowsOfOne;
        }
      }
      EXPECT_NEAR(standsFor, double(grid[0]) * grid[1] * grid[2], 1e-6);
    }
}

TEST(CountsOfMemory, LinesAndSectors) {
  Counts dense = countsOf("ld.global.u32 %r1, [%rd1];");
  EXPECT_EQ(dense.globalLines, 1u);
  EXPECT_EQ(dense.fetchedSectors, 4u);
  EXPECT_EQ(dense.uniqueSectorsRead, 4u);
  Counts strided = countsOf("mul.wide.u32 %rd2, %r0, 64;\n add.s64 %rd2, %rd0, %rd2;\n ld.global.u32 %r1, [%rd2];");
  EXPECT_EQ(strided.globalLines, 16u);
  EXPECT_EQ(strided.globalSectors, 32u);
  Counts again = countsOf("ld.global.u32 %r1, [%rd1];\n ld.global.u32 %r2, [%rd1];\n st.global.u32 [%rd1+512], %r0;");
  EXPECT_EQ(again.globalSectors, 12u);
  EXPECT_EQ(again.fetchedSectors, 4u) << "the second time it is in L1";
  EXPECT_EQ(again.storedSectors, 4u);
  EXPECT_EQ(again.uniqueSectorsWritten, 4u);
}

TEST(CountsOfCycles, ChainsWaitAndIndependentLoadsDoNot) {
  const Latencies &latencies = voltaLatencies();
  auto cycles = [](const std::string &body, uint32_t threads = 32) { return countsOf(body, threads).longestCtaCycles; };
  uint64_t nothing = cycles("");
  uint64_t one = cycles("ld.global.u32 %r1, [%rd1];\n add.u32 %r2, %r1, 1;");
  EXPECT_GE(one, latencies.of(MemoryLevel::dram));
  EXPECT_LE(one, nothing + latencies.of(MemoryLevel::dram) + 10);
  // Two loads side by side take one latency, one after the other two.
  uint64_t together = cycles("ld.global.u32 %r1, [%rd1];\n ld.global.u32 %r2, [%rd1+128];\n add.u32 %r3, %r1, %r2;");
  EXPECT_LE(together, one + 10);
  uint64_t chain = cycles("ld.global.u32 %r1, [%rd1];\n mul.wide.u32 %rd2, %r1, 1024;\n add.s64 %rd2, %rd0, %rd2;\n"
                          "ld.global.u32 %r2, [%rd2];\n add.u32 %r3, %r2, 1;");
  EXPECT_GE(chain, one + latencies.of(MemoryLevel::dram));
  // What the CTA has loaded is near.
  uint64_t near =
      cycles("ld.global.u32 %r1, [%rd1];\n add.u32 %r2, %r1, 1;\n ld.global.u32 %r1, [%rd1];\n add.u32 %r2, "
             "%r1, 1;");
  EXPECT_LE(near, one + latencies.of(MemoryLevel::l1) + 10);
}

TEST(CountsOfCycles, OrderMattersBetweenBlocksOnly) {
  auto cycles = [](const std::string &between) {
    return countsOf("setp.lt.u32 %p1, %r0, 40;\n ld.global.u32 %r1, [%rd1];\n add.u32 %r2, %r1, 1;\n" + between +
                    "ld.global.u32 %r3, [%rd1+1024];\n add.u32 %r4, %r3, 1;")
        .longestCtaCycles;
  };
  uint64_t latency = voltaLatencies().of(MemoryLevel::dram);
  // The second load does not wait for the use of the first: the assembler puts it before that.
  EXPECT_LT(cycles(""), latency + 60);
  // It cannot where a branch is between them, or a store.
  EXPECT_GT(cycles("setp.gt.u32 %p2, %r2, 1000;\n @%p2 bra end;\n end:\n"), 2 * latency);
  EXPECT_GT(cycles("st.global.u32 [%rd1], %r2;\n"), 2 * latency);
}

TEST(CountsOfInstructions, ConversionsAreWhatTheMachineMakesOfThem) {
  auto classOf = [](const std::string &conversion) {
    Counts plain = countsOf("mov.b32 %f1, %r0;\n mov.b16 %h1, 1;"),
           with = countsOf("mov.b32 %f1, %r0;\n mov.b16 %h1, 1;\n" + conversion);
    for (size_t i = 0; i < kInstructionClasses; ++i)
      if (with.warpByClass[i] != plain.warpByClass[i])
        return static_cast<InstructionClass>(i);
    return InstructionClass::other;
  };
  EXPECT_EQ(classOf("cvt.u64.u32 %rd2, %r0;"), InstructionClass::integer);
  EXPECT_EQ(classOf("cvt.u32.u16 %r1, %h1;"), InstructionClass::integer);
  EXPECT_EQ(classOf("cvt.f32.f16 %f2, %h1;"), InstructionClass::float16);
  EXPECT_EQ(classOf("cvt.rn.f16.f32 %h2, %f1;"), InstructionClass::convert);
  EXPECT_EQ(classOf("cvt.rn.f32.s32 %f2, %r0;"), InstructionClass::convert);
}

TEST(CountsOfCycles, BarriersWaitForTheSlowest) {
  std::string body = "setp.lt.u32 %p1, %r0, 32;\n @%p1 ld.global.u32 %r1, [%rd1];\n @%p1 add.u32 %r2, %r1, 1;\n"
                     "bar.sync 0;\n setp.ge.u32 %p2, %r0, 32;\n @%p2 ld.global.u32 %r1, [%rd1+1024];\n"
                     "@%p2 add.u32 %r2, %r1, 1;";
  Counts counts = countsOf(body, 64);
  EXPECT_EQ(counts.barriers, 2u);
  EXPECT_GE(counts.longestCtaCycles, 2 * voltaLatencies().of(MemoryLevel::dram)) << "one warp's load, then the other's";
}

/// Each CTA (x, y) of 32 threads reads 128 bytes of its own column, 128 of its row, and writes 128 of its own.
Counts tiled(uint64_t sampled, uint64_t seed = 0) {
  constexpr uint32_t kColumns = 40, kRows = 12;
  std::string body = fmt::format("mov.u32 %r1, %ctaid.x;\n mov.u32 %r2, %ctaid.y;\n"
                                 "mul.wide.u32 %rd2, %r1, 128;\n add.s64 %rd2, %rd1, %rd2;\n"
                                 "ld.global.u32 %r3, [%rd2];\n"
                                 "mul.wide.u32 %rd3, %r2, 128;\n add.s64 %rd3, %rd1, %rd3;\n"
                                 "ld.global.u32 %r4, [%rd3+{0}];\n"
                                 "add.u32 %r3, %r3, %r4;\n"
                                 "mad.lo.u32 %r5, %r2, {1}, %r1;\n"
                                 "mul.wide.u32 %rd4, %r5, 128;\n add.s64 %rd4, %rd1, %rd4;\n"
                                 "st.global.u32 [%rd4+{2}], %r3;",
                                 kColumns * 128, kColumns, (kColumns + kRows) * 128);
  KernelRun run("", body);
  run.words.assign((kColumns + kRows + kColumns * kRows) * 32, 1);
  run.options.grid = {kColumns, kRows, 1};
  run.options.sampledCtas = sampled;
  run.options.seed = seed;
  auto result = run.run();
  EXPECT_TRUE(result) << (result ? "" : result.error().message);
  return result.value_or(Counts());
}

TEST(CountsOfASample, AreThoseOfTheWholeWhereCtasAreAlike) {
  Counts whole = tiled(0);
  EXPECT_EQ(whole.ctas, 480u);
  EXPECT_EQ(whole.executedCtas, 480u);
  EXPECT_EQ(whole.uniqueSectorsRead, (40u + 12u) * 4);
  EXPECT_EQ(whole.rowSharedSectors, 40u * 4);
  for (uint64_t sampled : {4u, 16u, 33u, 200u}) {
    Counts sample = tiled(sampled);
    EXPECT_EQ(sample.ctas, 480u);
    EXPECT_LE(sample.executedCtas, std::max<uint64_t>(sampled, 8)) << "two pairs in two rows";
    EXPECT_GE(sample.executedCtas, sampled / 2);
    EXPECT_EQ(sample.warpInstructions, whole.warpInstructions);
    EXPECT_EQ(sample.warpByClass, whole.warpByClass);
    EXPECT_EQ(sample.globalSectors, whole.globalSectors);
    EXPECT_EQ(sample.globalBytesRead, whole.globalBytesRead);
    EXPECT_EQ(sample.uniqueSectorsRead, whole.uniqueSectorsRead);
    EXPECT_EQ(sample.uniqueSectorsWritten, whole.uniqueSectorsWritten);
    EXPECT_EQ(sample.rowSharedSectors, whole.rowSharedSectors);
    EXPECT_NEAR(static_cast<double>(sample.ctaCycles), static_cast<double>(whole.ctaCycles),
                0.5 * static_cast<double>(whole.ctaCycles))
        << "half of a sample's rows are the first, which find their columns in HBM";
  }
}

TEST(CountsOfASample, DoNotDependOnTheSchedule) {
  for (uint64_t seed : {1u, 2u}) {
    Counts one = tiled(16), other = tiled(16, seed);
    EXPECT_EQ(one.warpInstructions, other.warpInstructions);
    EXPECT_EQ(one.fetchedSectors, other.fetchedSectors);
    EXPECT_EQ(one.uniqueSectorsRead, other.uniqueSectorsRead);
  }
}

} // namespace
} // namespace strata::sim
