// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Loads, stores, atomics, and what is counted of them.

#include "tests/runtime/Simulator/KernelTest.h"

namespace strata::sim {
namespace {

TEST(MemoryInstructions, NarrowNumbersAreExtended) {
  auto load = [](const std::string &type) {
    return "ld.global." + type + " %r1, [%rd0];\n st.global.u32 [%rd0+4], %r1;";
  };
  for (auto [type, expected] : {std::pair("u8", 0x81u), std::pair("s8", 0xffffff81u), std::pair("u16", 0x8281u),
                                std::pair("s16", 0xffff8281u), std::pair("u32", 0x84838281u)}) {
    KernelRun run("", load(type), 1);
    run.words[0] = 0x84838281;
    run.expect({0x84838281, expected});
  }
  KernelRun wide("", "ld.global.s32 %rd2, [%rd0];\n st.global.u64 [%rd0+8], %rd2;\n st.global.u8 [%rd0+4], %rd2;", 1);
  wide.words[0] = 0x84838281;
  wide.expect({0x84838281, 0x81, 0x84838281, 0xffffffff});
}

TEST(MemoryInstructions, Vectors) {
  KernelRun run("",
                "ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%rd0];\n st.global.v2.u32 [%rd0+16], {%r4, %r3};\n"
                "ld.global.v2.u64 {%rd2, %rd3}, [%rd0];\n st.global.v2.u64 [%rd0+32], {%rd3, %rd2};\n"
                "ld.global.v4.u16 {%h1, %h2, %h3, %h4}, [%rd0];\n st.global.v2.u16 [%rd0+24], {%h3, %h2};",
                1);
  run.words = {0x10002, 0x30004, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  run.expect({0x10002, 0x30004, 3, 4, 4, 3, 0x10004, 0, 3, 4, 0x10002, 0x30004});
}

TEST(MemoryInstructions, SpacesAndGenericAddresses) {
  const std::string body = R"(
  mov.u64 %rd2, tile;
  st.shared.u32 [%rd2+4], 11;
  cvta.shared.u64 %rd3, %rd2;
  ld.u32 %r1, [%rd3+4];
  st.u32 [%rd3], 12;
  ld.shared.u32 %r2, [tile];
  mov.u64 %rd4, stack;
  st.local.u32 [%rd4+8], %r0;
  cvta.local.u64 %rd5, %rd4;
  ld.u32 %r3, [%rd5+8];
  cvta.global.u64 %rd6, %rd1;
  cvta.to.global.u64 %rd7, %rd6;
  mad.lo.u32 %r4, %r3, 1000, %r1;
  mad.lo.u32 %r4, %r2, 100, %r4;
  st.u32 [%rd7], %r4;)";
  KernelRun(".shared .align 4 .b8 tile[8];\n .local .align 8 .b8 stack[16];", body, 1).expect({11 + 1200});
}

TEST(MemoryInstructions, EveryLaneHasItsOwnLocalMemory) {
  KernelRun(".local .align 4 .b8 stack[8];",
            "st.local.u32 [stack+4], %r0;\n ld.local.u32 %r1, [stack+4];\n st.global.u32 [%rd1], %r1;")
      .expect(lanes([](uint32_t l) { return l; }));
}

TEST(MemoryInstructions, Atomics) {
  // All lanes on one word; what it was before does not matter where it is not asked for.
  auto word = [](const std::string &instruction, uint32_t before, uint32_t after) {
    SCOPED_TRACE(instruction);
    KernelRun run("", instruction);
    run.words[0] = before;
    run.expect({after});
  };
  word("red.global.add.u32 [%rd0], %r0;", 5, 5 + 31 * 16);
  word("red.global.max.s32 [%rd0], %r0;", 0xffffffff, 31);
  word("red.global.min.u32 [%rd0], %r0;", 0xffffffff, 0);
  word("mov.u32 %r1, 1;\n shl.b32 %r1, %r1, %r0;\n red.global.or.b32 [%rd0], %r1;", 0, 0xffffffff);
  word("mov.u32 %r1, 1;\n shl.b32 %r1, %r1, %r0;\n red.global.xor.b32 [%rd0], %r1;", 0xf0, 0xffffff0f);
  word("red.global.and.b32 [%rd0], %r0;", 0xff, 0);
  word("mov.u32 %r1, 9;\n red.global.inc.u32 [%rd0], %r1;", 0, 2); // 32 steps through 0 to 9.
  word("mov.u32 %r1, 9;\n red.global.dec.u32 [%rd0], %r1;", 5, 3);
  word("mov.f32 %f1, 0f3F800000;\n red.global.add.f32 [%rd0], %f1;", 0, 0x42000000);
  word("atom.global.exch.b32 %r2, [%rd0], %r0;\n", 7, 31);
  word("mov.u32 %r1, 3;\n atom.global.cas.b32 %r2, [%rd0], %r1, 8;\n", 3, 8);
  // The old values are all different.
  KernelRun("", "atom.global.add.u32 %r1, [%rd0], 1;\n add.u32 %r1, %r1, 1;\n mul.wide.u32 %rd2, %r1, 4;\n add.s64 "
                "%rd2, %rd0, %rd2;\n"
                "st.global.u32 [%rd2], %r1;")
      .expect(lanes([](uint32_t l) { return l == 0 ? 32 : l; }));
}

TEST(MemoryInstructions, CountsOfGlobalMemory) {
  auto counts = [](const std::string &body) {
    KernelRun run("", body);
    run.words.assign(4096, 1);
    auto result = run.run();
    EXPECT_TRUE(result) << (result ? "" : result.error().message);
    return result.value_or(Counts());
  };
  Counts dense = counts("ld.global.u32 %r1, [%rd1];");
  EXPECT_EQ(dense.globalRequests, 1u);
  EXPECT_EQ(dense.globalSectors, 4u);
  EXPECT_EQ(dense.globalBytesRead, 128u);
  EXPECT_EQ(dense.loadWaits, 0u) << "nobody uses it";
  Counts strided = counts("mul.wide.u32 %rd2, %r0, 128;\n add.s64 %rd2, %rd0, %rd2;\n ld.global.u32 %r1, [%rd2];");
  EXPECT_EQ(strided.globalSectors, 32u);
  Counts same = counts("ld.global.u32 %r1, [%rd0];");
  EXPECT_EQ(same.globalSectors, 1u);
  Counts inFlight = counts("ld.global.u32 %r1, [%rd1];\n ld.global.u32 %r2, [%rd1+128];\n add.u32 %r3, %r1, %r2;\n"
                           "ld.global.u32 %r4, [%rd1];\n add.u32 %r3, %r3, %r4;");
  EXPECT_EQ(inFlight.loadWaits, 2u);
  EXPECT_EQ(inFlight.loadsInFlight, 2u + 1u);
  EXPECT_EQ(inFlight.bytesInFlight, 256u) << "the last one finds its bytes in L1";
}

TEST(MemoryInstructions, CountsOfSharedMemory) {
  auto passes = [](const std::string &stride, const std::string &access = "st.shared.u32 [%rd3], %r0;") {
    KernelRun run(".shared .align 16 .b8 tile[8192];", "mul.wide.u32 %rd2, %r0, " + stride +
                                                           ";\n mov.u64 %rd3, tile;\n add.s64 %rd3, %rd3, %rd2;\n" +
                                                           access);
    auto result = run.run();
    EXPECT_TRUE(result) << (result ? "" : result.error().message);
    return result ? result->sharedPasses : 0;
  };
  EXPECT_EQ(passes("4"), 1u);
  EXPECT_EQ(passes("8"), 2u);
  EXPECT_EQ(passes("128"), 32u);
  EXPECT_EQ(passes("132"), 1u) << "a padded row has no conflicts";
  EXPECT_EQ(passes("16", "st.shared.v4.u32 [%rd3], {%r0, %r0, %r0, %r0};"), 4u) << "512 bytes";
}

} // namespace
} // namespace strata::sim
