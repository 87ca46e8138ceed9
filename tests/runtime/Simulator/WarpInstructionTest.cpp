// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What lanes do together, and how they part and meet.

#include "runtime/Simulator/FloatMath.h"
#include "tests/runtime/Simulator/KernelTest.h"

#include <cmath>

namespace strata::sim {
namespace {

/// Every lane's value is its number times 10.
std::string shuffle(const std::string &mode, const std::string &b, const std::string &c) {
  return fmt::format(
      "mul.lo.u32 %r1, %r0, 10;\n shfl.sync.{}.b32 %r2|%p1, %r1, {}, {}, -1;\n selp.u32 %r3, 1000, 0, %p1;\n"
      "add.u32 %r2, %r2, %r3;\n st.global.u32 [%rd1], %r2;",
      mode, b, c);
}

TEST(WarpInstructions, Shuffles) {
  // 1000 is added where the source is in range; where not, a lane reads itself.
  KernelRun("", shuffle("down", "4", "31")).expect(lanes([](uint32_t l) {
    return l + 4 < 32 ? (l + 4) * 10 + 1000 : l * 10;
  }));
  KernelRun("", shuffle("up", "4", "0")).expect(lanes([](uint32_t l) {
    return l >= 4 ? (l - 4) * 10 + 1000 : l * 10;
  }));
  KernelRun("", shuffle("bfly", "5", "31")).expect(lanes([](uint32_t l) { return (l ^ 5) * 10 + 1000; }));
  KernelRun("", shuffle("idx", "7", "31")).expect(lanes([](uint32_t) { return 1070; }));
  // Segments of 8 lanes: the mask 0x18 in bits 8 to 12.
  KernelRun("", shuffle("down", "4", "0x181f")).expect(lanes([](uint32_t l) {
    return l % 8 < 4 ? (l + 4) * 10 + 1000 : l * 10;
  }));
  KernelRun("", shuffle("up", "3", "0x1800")).expect(lanes([](uint32_t l) {
    return l % 8 >= 3 ? (l - 3) * 10 + 1000 : l * 10;
  }));
  KernelRun("", shuffle("idx", "2", "0x181f")).expect(lanes([](uint32_t l) { return (l / 8 * 8 + 2) * 10 + 1000; }));
}

TEST(WarpInstructions, Votes) {
  const std::string odd = "and.b32 %r1, %r0, 1;\n setp.ne.u32 %p1, %r1, 0;\n";
  auto number = [](const std::string &p) { return "selp.u32 %r2, 1, 0, " + p + ";\n st.global.u32 [%rd1], %r2;"; };
  KernelRun("", odd + "vote.sync.ballot.b32 %r2, %p1, -1;\n st.global.u32 [%rd1], %r2;").expect(lanes([](uint32_t) {
    return 0xaaaaaaaa;
  }));
  KernelRun("", odd + "vote.sync.ballot.b32 %r2, !%p1, -1;\n st.global.u32 [%rd1], %r2;").expect(lanes([](uint32_t) {
    return 0x55555555;
  }));
  KernelRun("", odd + "vote.sync.any.pred %p2, %p1, -1;\n" + number("%p2")).expect(lanes([](uint32_t) { return 1; }));
  KernelRun("", odd + "vote.sync.all.pred %p2, %p1, -1;\n" + number("%p2")).expect(lanes([](uint32_t) { return 0; }));
  KernelRun("", odd + "vote.sync.uni.pred %p2, %p1, -1;\n" + number("%p2")).expect(lanes([](uint32_t) { return 0; }));
}

TEST(WarpInstructions, Matches) {
  KernelRun("", "shr.u32 %r1, %r0, 3;\n match.any.sync.b32 %r2, %r1, -1;\n st.global.u32 [%rd1], %r2;")
      .expect(lanes([](uint32_t l) { return 0xffu << (l / 8 * 8); }));
  KernelRun("", "mov.u32 %r1, 5;\n match.all.sync.b32 %r2|%p1, %r1, -1;\n selp.u32 %r2, %r2, 1, %p1;\n st.global.u32 "
                "[%rd1], %r2;")
      .expect(lanes([](uint32_t) { return 0xffffffff; }));
  KernelRun("", "match.all.sync.b32 %r2|%p1, %r0, -1;\n selp.u32 %r2, 7, %r2, %p1;\n st.global.u32 [%rd1], %r2;")
      .expect(lanes([](uint32_t) { return 0; }));
}

TEST(WarpInstructions, ActiveLanesArePartOfAWarp) {
  KernelRun run("",
                "setp.lt.u32 %p1, %r0, 20;\n @!%p1 bra END;\n activemask.b32 %r2;\n st.global.u32 [%rd1], %r2;\nEND:");
  run.expect(lanes([](uint32_t l) { return l < 20 ? 0xfffff : 0; }));
}

/// 16-bit words of a matrix with small whole numbers, so that sums are exact.
float element(uint32_t matrix, uint32_t row, uint32_t column) {
  return static_cast<float>(static_cast<int>((matrix * 7 + row * 5 + column * 3) % 9) - 4);
}

/// Every lane loads its two registers of A and of B, made by hand from the tables of the ISA, and its accumulators.
void expectProduct(bool aByColumns, bool bByColumns) {
  // Words: 2 of A, 2 of B and 8 of C for each lane; 8 of D come after all of them.
  std::string body =
      "mul.wide.u32 %rd2, %r0, 48;\n add.s64 %rd2, %rd0, %rd2;\n mul.wide.u32 %rd3, %r0, 32;\n add.s64 %rd3, %rd0, "
      "%rd3;\n"
      "ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%rd2];\n ld.global.v4.f32 {%f0, %f1, %f2, %f3}, [%rd2+16];\n"
      "ld.global.v4.f32 {%f4, %f5, %f6, %f7}, [%rd2+32];\n";
  body += fmt::format(
      "mma.sync.aligned.m8n8k4.{}.{}.f32.f16.f16.f32 {{%f0, %f1, %f2, %f3, %f4, %f5, %f6, %f7}}, {{%r1, %r2}}, "
      "{{%r3, %r4}}, {{%f0, %f1, %f2, %f3, %f4, %f5, %f6, %f7}};\n",
      aByColumns ? "col" : "row", bByColumns ? "col" : "row");
  body += "st.global.v4.f32 [%rd3+1536], {%f0, %f1, %f2, %f3};\n st.global.v4.f32 [%rd3+1552], {%f4, %f5, %f6, %f7};";
  KernelRun run("", body);
  run.words.assign(32 * 20, 0);
  auto half = [](float value) { return uint32_t(floatToHalf(value)); };
  auto word = [&](float low, float high) { return half(low) | half(high) << 16; };
  auto rowOf = [](uint32_t lane, uint32_t i) { return (lane & 1) + (i & 2) + (lane < 16 ? 0 : 4); };
  auto columnOf = [](uint32_t lane, uint32_t i) { return (i & 4) + (lane & 2) + (i & 1); };
  for (uint32_t lane = 0; lane < 32; ++lane) {
    uint32_t quad = lane % 16 / 4, low = lane % 4, base = lane < 16 ? 0 : 4;
    auto a = [&](uint32_t i) { return aByColumns ? element(quad, base + i, low) : element(quad, base + low, i); };
    auto b = [&](uint32_t i) {
      return bByColumns ? element(quad + 4, i, base + low) : element(quad + 4, low, base + i);
    };
    uint32_t *words = run.words.data() + lane * 12;
    words[0] = word(a(0), a(1));
    words[1] = word(a(2), a(3));
    words[2] = word(b(0), b(1));
    words[3] = word(b(2), b(3));
    for (uint32_t i = 0; i < 8; ++i)
      words[4 + i] = std::bit_cast<uint32_t>(element(quad + 8, rowOf(lane, i), columnOf(lane, i)));
  }
  auto result = run.run();
  ASSERT_TRUE(result) << result.error().message;
  for (uint32_t lane = 0; lane < 32; ++lane)
    for (uint32_t i = 0; i < 8; ++i) {
      uint32_t quad = lane % 16 / 4, row = rowOf(lane, i), column = columnOf(lane, i);
      float expected = element(quad + 8, row, column);
      for (uint32_t k = 0; k < 4; ++k)
        expected += element(quad, row, k) * element(quad + 4, k, column);
      ASSERT_EQ(std::bit_cast<float>(run.words[384 + lane * 8 + i]), expected) << "lane " << lane << ", element " << i;
    }
}

TEST(WarpInstructions, ProductsOfTensorCores) {
  for (bool a : {false, true})
    for (bool b : {false, true})
      expectProduct(a, b);
}

TEST(WarpInstructions, LanesPartAndMeet) {
  // Nested branches, each side with work of its own; all lanes vote after them.
  const std::string body = R"(
  and.b32 %r1, %r0, 1;
  setp.eq.u32 %p1, %r1, 0;
  mov.u32 %r2, 0;
  @%p1 bra EVEN;
  setp.gt.u32 %p2, %r0, 15;
  @%p2 bra HIGH;
  mov.u32 %r2, 100;
  bra MET;
HIGH:
  mov.u32 %r2, 200;
MET:
  add.u32 %r2, %r2, 5;
  bra END;
EVEN:
  mov.u32 %r2, 300;
END:
  setp.gt.u32 %p3, %r2, 150;
  vote.sync.ballot.b32 %r3, %p3, -1;
  and.b32 %r3, %r3, 0xff;
  add.u32 %r2, %r2, %r3;
  st.global.u32 [%rd1], %r2;)";
  auto expected = lanes([](uint32_t l) { return (l % 2 == 0 ? 300 : l > 15 ? 205 : 105) + 0x55; });
  for (uint64_t seed : {0, 1, 2, 3, 99}) {
    KernelRun run("", body);
    run.options.seed = seed;
    run.expect(expected);
  }
}

TEST(WarpInstructions, LoopsEndLaneByLane) {
  // The sum of 1 to the lane's number; half of the lanes leave early.
  const std::string body = R"(
  mov.u32 %r1, 0;
  mov.u32 %r2, 0;
LOOP:
  setp.ge.u32 %p1, %r1, %r0;
  @%p1 bra DONE;
  add.u32 %r1, %r1, 1;
  add.u32 %r2, %r2, %r1;
  bra LOOP;
DONE:
  st.global.u32 [%rd1], %r2;
  and.b32 %r3, %r0, 1;
  setp.eq.u32 %p2, %r3, 1;
  @%p2 exit;
  vote.sync.ballot.b32 %r4, %p1, 0x55555555;
  st.global.u32 [%rd1], %r4;)";
  for (uint64_t seed : {0, 7}) {
    KernelRun run("", body);
    run.options.seed = seed;
    run.expect(lanes([](uint32_t l) { return l % 2 ? l * (l + 1) / 2 : 0x55555555; }));
  }
}

TEST(WarpInstructions, BarriersOrderWarps) {
  // Each thread reads what the one opposite has written.
  const std::string body = R"(
  mul.lo.u32 %r1, %r0, 4;
  mov.u32 %r2, 252;
  sub.u32 %r2, %r2, %r1;
  cvt.u64.u32 %rd2, %r1;
  cvt.u64.u32 %rd3, %r2;
  mov.u64 %rd4, tile;
  add.s64 %rd2, %rd4, %rd2;
  add.s64 %rd3, %rd4, %rd3;
  st.shared.u32 [%rd2], %r0;
  bar.sync 0;
  ld.shared.u32 %r3, [%rd3];
  st.global.u32 [%rd1], %r3;)";
  for (uint64_t seed : {0, 1, 2}) {
    KernelRun run(".shared .align 4 .b8 tile[256];", body, 64);
    run.options.seed = seed;
    run.expect(lanes([](uint32_t l) { return 63 - l; }, 64));
  }
}

} // namespace
} // namespace strata::sim
