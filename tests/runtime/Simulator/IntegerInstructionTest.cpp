// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Expected bits are worked out by hand from the definitions in the PTX ISA.

#include "tests/runtime/Simulator/InstructionTest.h"

namespace strata::sim {
namespace {

const InstructionCase kArithmetic[] = {
    {"add.s32 d, a, b", "rrr", {0xffffffff, 2}, 1},
    {"add.u64 d, a, b", "lll", {0xffffffffffffffff, 2}, 1},
    {"add.u16 d, a, b", "hhh", {0xffff, 3}, 2},
    {"sub.s32 d, a, b", "rrr", {0, 1}, 0xffffffff},
    {"sub.s64 d, a, b", "lll", {1, 2}, 0xffffffffffffffff},
    {"mul.lo.s32 d, a, b", "rrr", {0x10001, 0x10001}, 0x20001},
    {"mul.lo.u16 d, a, b", "hhh", {0x101, 0x101}, 0x0201},
    {"mul.lo.s64 d, a, b", "lll", {0x100000001, 0x100000001}, 0x200000001},
    {"mul.hi.u32 d, a, b", "rrr", {0xffffffff, 0xffffffff}, 0xfffffffe},
    {"mul.hi.s32 d, a, b", "rrr", {0xffffffff, 0xffffffff}, 0},
    {"mul.hi.u64 d, a, b", "lll", {0xffffffffffffffff, 0xffffffffffffffff}, 0xfffffffffffffffe},
    {"mul.hi.s64 d, a, b", "lll", {0xffffffffffffffff, 1}, 0xffffffffffffffff},
    {"mul.wide.u16 d, a, b", "rhh", {0xffff, 0xffff}, 0xfffe0001},
    {"mul.wide.s16 d, a, b", "rhh", {0xffff, 2}, 0xfffffffe},
    {"mul.wide.u32 d, a, b", "lrr", {0xffffffff, 0xffffffff}, 0xfffffffe00000001},
    {"mul.wide.s32 d, a, b", "lrr", {0xffffffff, 2}, 0xfffffffffffffffe},
    {"mad.lo.s32 d, a, b, c", "rrrr", {3, 4, 0xffffffff}, 11},
    {"mad.hi.u32 d, a, b, c", "rrrr", {0x80000000, 4, 5}, 7},
    {"mad.wide.u32 d, a, b, c", "lrrl", {0xffffffff, 2, 5}, 0x200000003},
    {"mad.wide.s32 d, a, b, c", "lrrl", {0xffffffff, 2, 1}, 0xffffffffffffffff},
    {"sad.u32 d, a, b, c", "rrrr", {3, 10, 100}, 107},
    {"sad.s32 d, a, b, c", "rrrr", {0xffffffff, 1, 100}, 102},
    {"div.u32 d, a, b", "rrr", {0xffffffff, 2}, 0x7fffffff},
    {"div.s32 d, a, b", "rrr", {0xfffffff9, 2}, 0xfffffffd}, // -7 / 2 = -3
    {"div.s32 d, a, b", "rrr", {0x80000000, 0xffffffff}, 0x80000000},
    {"div.u64 d, a, b", "lll", {0xffffffffffffffff, 0x100000000}, 0xffffffff},
    {"rem.s32 d, a, b", "rrr", {0xfffffff9, 2}, 0xffffffff}, // -7 % 2 = -1
    {"rem.u32 d, a, b", "rrr", {7, 4}, 3},
    {"rem.u64 d, a, b", "lll", {0x100000007, 0x100000000}, 7},
    {"abs.s32 d, a", "rr", {0xfffffffb}, 5},
    {"abs.s64 d, a", "ll", {0xfffffffffffffffb}, 5},
    {"neg.s32 d, a", "rr", {5}, 0xfffffffb},
    {"neg.s16 d, a", "hh", {5}, 0xfffb},
    {"min.s32 d, a, b", "rrr", {0xffffffff, 1}, 0xffffffff},
    {"min.u32 d, a, b", "rrr", {0xffffffff, 1}, 1},
    {"max.s32 d, a, b", "rrr", {0xffffffff, 1}, 1},
    {"max.u64 d, a, b", "lll", {0xffffffffffffffff, 1}, 0xffffffffffffffff},
};

TEST(IntegerInstructions, Arithmetic) {
  for (const InstructionCase &test : kArithmetic)
    expectInstruction(test);
}

const InstructionCase kBits[] = {
    {"and.b32 d, a, b", "rrr", {0xff00ff00, 0x0ff00ff0}, 0x0f000f00},
    {"or.b64 d, a, b", "lll", {0xff00ff00, 0x0ff00ff000000000}, 0x0ff00ff0ff00ff00},
    {"xor.b16 d, a, b", "hhh", {0xff00, 0x0ff0}, 0xf0f0},
    {"not.b32 d, a", "rr", {0x0000ffff}, 0xffff0000},
    {"not.b16 d, a", "hh", {0x00ff}, 0xff00},
    {"cnot.b32 d, a", "rr", {0}, 1},
    {"cnot.b32 d, a", "rr", {7}, 0},
    {"shl.b32 d, a, b", "rrr", {1, 31}, 0x80000000},
    {"shl.b32 d, a, b", "rrr", {1, 32}, 0}, // Shifts are clamped, not taken modulo 32.
    {"shl.b64 d, a, b", "llr", {1, 63}, 0x8000000000000000},
    {"shl.b16 d, a, b", "hhr", {0x0101, 8}, 0x0100},
    {"shr.u32 d, a, b", "rrr", {0x80000000, 31}, 1},
    {"shr.u32 d, a, b", "rrr", {0x80000000, 40}, 0},
    {"shr.s32 d, a, b", "rrr", {0x80000000, 31}, 0xffffffff},
    {"shr.s32 d, a, b", "rrr", {0x80000000, 99}, 0xffffffff},
    {"shr.s16 d, a, b", "hhr", {0x8000, 4}, 0xf800},
    {"shr.s64 d, a, b", "llr", {0x8000000000000000, 60}, 0xfffffffffffffff8},
    {"shf.l.wrap.b32 d, a, b, c", "rrrr", {0x12345678, 0x9abcdef0, 8}, 0xbcdef012},
    {"shf.l.wrap.b32 d, a, b, c", "rrrr", {0x12345678, 0x9abcdef0, 40}, 0xbcdef012},
    {"shf.l.clamp.b32 d, a, b, c", "rrrr", {0x12345678, 0x9abcdef0, 40}, 0x12345678},
    {"shf.r.wrap.b32 d, a, b, c", "rrrr", {0x12345678, 0x9abcdef0, 8}, 0xf0123456},
    {"shf.r.clamp.b32 d, a, b, c", "rrrr", {0x12345678, 0x9abcdef0, 32}, 0x9abcdef0},
    {"popc.b32 d, a", "rr", {0xf0f00001}, 9},
    {"popc.b64 d, a", "rl", {0xf000000000000001}, 5},
    {"clz.b32 d, a", "rr", {0x00010000}, 15},
    {"clz.b32 d, a", "rr", {0}, 32},
    {"clz.b64 d, a", "rl", {1}, 63},
    {"bfind.u32 d, a", "rr", {0x00010000}, 16},
    {"bfind.u32 d, a", "rr", {0}, 0xffffffff},
    {"bfind.s32 d, a", "rr", {0xfffffffe}, 0},
    {"bfind.s32 d, a", "rr", {0xffffffff}, 0xffffffff},
    {"bfind.shiftamt.u32 d, a", "rr", {0x00010000}, 15},
    {"bfind.u64 d, a", "rl", {0x100000000}, 32},
    {"brev.b32 d, a", "rr", {0x00000003}, 0xc0000000},
    {"brev.b64 d, a", "ll", {1}, 0x8000000000000000},
    {"bfe.u32 d, a, b, c", "rrrr", {0x12345678, 8, 8}, 0x56},
    {"bfe.s32 d, a, b, c", "rrrr", {0x0000f000, 12, 4}, 0xffffffff},
    {"bfe.s32 d, a, b, c", "rrrr", {0x80000000, 28, 8}, 0xfffffff8}, // Beyond the top: its sign.
    {"bfe.u32 d, a, b, c", "rrrr", {0xffffffff, 4, 0}, 0},
    {"bfe.u64 d, a, b, c", "llrr", {0x123456789abcdef0, 32, 16}, 0x5678},
    {"bfi.b32 d, a, b, c, e", "rrrrr", {0xff, 0x12345678, 8, 4}, 0x12345f78},
    {"bfi.b32 d, a, b, c, e", "rrrrr", {0xff, 0x12345678, 40, 4}, 0x12345678},
    {"bfi.b32 d, a, b, c, e", "rrrrr", {0xff, 0x12345678, 0, 0}, 0x12345678},
    {"bfi.b64 d, a, b, c, 32", "lllr", {0xffffffff, 0, 32}, 0xffffffff00000000},
    {"prmt.b32 d, a, b, c", "rrrr", {0x33221100, 0x77665544, 0x5410}, 0x55441100},
    {"prmt.b32 d, a, b, c", "rrrr", {0x33228100, 0x77665544, 0x0009}, 0x000000ff}, // Byte 1's sign.
    {"prmt.b32.f4e d, a, b, c", "rrrr", {0x33221100, 0x77665544, 1}, 0x44332211},
    {"prmt.b32.b4e d, a, b, c", "rrrr", {0x33221100, 0x77665544, 1}, 0x66770011},
    {"prmt.b32.rc8 d, a, b, c", "rrrr", {0x33221100, 0x77665544, 2}, 0x22222222},
    {"prmt.b32.ecl d, a, b, c", "rrrr", {0x33221100, 0x77665544, 1}, 0x33221111},
    {"prmt.b32.ecr d, a, b, c", "rrrr", {0x33221100, 0x77665544, 2}, 0x22221100},
    {"prmt.b32.rc16 d, a, b, c", "rrrr", {0x33221100, 0x77665544, 1}, 0x33223322},
    {"lop3.b32 d, a, b, c, 0x80", "rrrr", {0xf0f0f0f0, 0xff00ff00, 0xffff0000}, 0xf0000000},
    {"lop3.b32 d, a, b, c, 0x96", "rrrr", {0xf0f0f0f0, 0xff00ff00, 0xffff0000}, 0xf00f0ff0}, // The sum of three bits.
    {"lop3.b32 d, a, b, c, 0xe2", "rrrr", {0x12345678, 0x0f0f0f0f, 0xffffffff}, 0xf2f4f6f8}, // b chooses a, or else c.
    {"dp4a.s32.s32 d, a, b, c", "rrrr", {0xff02fd04, 0x01020304, 100}, 100 - 1 + 4 - 9 + 16},
    {"dp4a.u32.u32 d, a, b, c", "rrrr", {0xffffffff, 0xffffffff, 1}, 4 * 255 * 255 + 1},
    {"dp4a.u32.s32 d, a, b, c", "rrrr", {0x000000ff, 0x000000ff, 0}, 0xffffff01},
    {"dp4a.s32.u32 d, a, b, c", "rrrr", {0x000000ff, 0x000000ff, 0}, 0xffffff01},
    {"dp2a.lo.s32.s32 d, a, b, c", "rrrr", {0x0003fffe, 0x00000205, 10}, 10 - 10 + 6},
    {"dp2a.hi.s32.s32 d, a, b, c", "rrrr", {0x0003fffe, 0x02050000, 10}, 10 - 10 + 6},
};

TEST(IntegerInstructions, BitsAndDotProducts) {
  for (const InstructionCase &test : kBits)
    expectInstruction(test);
}

const InstructionCase kCarries[] = {
    // Each in one lane of text, with what makes the carry before it.
    {"add.cc.u32 d, a, b;\n addc.u32 d, c, c", "rrrr", {0xffffffff, 1, 5}, 11},
    {"add.cc.u32 d, a, b;\n addc.u32 d, c, c", "rrrr", {0xfffffffe, 1, 5}, 10},
    {"sub.cc.u32 d, a, b;\n subc.u32 d, c, 1", "rrrr", {0, 1, 5}, 3},
    {"sub.cc.u32 d, a, b;\n subc.u32 d, c, 1", "rrrr", {1, 1, 5}, 4},
    {"mad.lo.cc.u32 d, a, b, c;\n madc.hi.u32 d, a, b, 0", "rrrr", {0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffff},
    {"add.cc.u32 d, a, b;\n addc.cc.u32 d, a, b;\n addc.u32 d, 0, 0", "rrr", {0xffffffff, 1}, 1},
};

TEST(IntegerInstructions, CarriesGoFromOneToTheNext) {
  for (const InstructionCase &test : kCarries)
    expectInstruction(test);
}

const InstructionCase kComparisons[] = {
    {"setp.lt.s32 d, a, b", "prr", {0xffffffff, 1}, 1},
    {"setp.lt.u32 d, a, b", "prr", {0xffffffff, 1}, 0},
    {"setp.lo.u32 d, a, b", "prr", {1, 0xffffffff}, 1},
    {"setp.hs.u32 d, a, b", "prr", {1, 1}, 1},
    {"setp.ls.u32 d, a, b", "prr", {2, 1}, 0},
    {"setp.hi.u32 d, a, b", "prr", {2, 1}, 1},
    {"setp.eq.s64 d, a, b", "pll", {1ull << 40, 0}, 0},
    {"setp.ge.s16 d, a, b", "phh", {0xffff, 1}, 0},
    {"setp.ne.and.s32 d, a, b, c", "prrp", {1, 2, 0}, 0},
    {"setp.ne.and.s32 d, a, b, !c", "prrp", {1, 2, 0}, 1},
    {"setp.eq.or.s32 d, a, b, c", "prrp", {1, 2, 1}, 1},
    {"setp.ne.xor.s32 d, a, b, c", "prrp", {1, 2, 1}, 0},
    {"setp.lt.s32 q|d, a, b", "prr", {1, 2}, 0},
    {"setp.lt.s32 q|d, a, b", "prr", {3, 2}, 1},
    {"set.gt.u32.s32 d, a, b", "rrr", {2, 1}, 0xffffffff},
    {"set.gt.f32.s32 d, a, b", "rrr", {2, 1}, 0x3f800000},
    {"selp.b32 d, a, b, c", "rrrp", {7, 9, 1}, 7},
    {"selp.b64 d, a, b, c", "lllp", {7, 1ull << 40, 0}, 1ull << 40},
    {"and.pred d, a, b", "ppp", {1, 0}, 0},
    {"or.pred d, a, b", "ppp", {1, 0}, 1},
    {"xor.pred d, a, b", "ppp", {1, 1}, 0},
    {"not.pred d, a", "pp", {0}, 1},
    {"mov.pred d, a", "pp", {1}, 1},
};

TEST(IntegerInstructions, ComparisonsAndPredicates) {
  for (const InstructionCase &test : kComparisons)
    expectInstruction(test);
}

const InstructionCase kMoves[] = {
    {"mov.u32 d, 0xdeadbeef", "r", {}, 0xdeadbeef},
    {"mov.u64 d, -1", "l", {}, 0xffffffffffffffff},
    {"mov.b64 d, {a, b}", "lrr", {0x11111111, 0x22222222}, 0x2222222211111111},
    {"mov.b32 d, {a, b}", "rhh", {0x1111, 0x2222}, 0x22221111},
    {"mov.b64 {d, _}, a", "rl", {0x2222222211111111}, 0x11111111},
    {"mov.b64 {_, d}, a", "rl", {0x2222222211111111}, 0x22222222},
    {"mov.b32 {_, d}, a", "hr", {0x22221111}, 0x2222},
    {"mov.u32 d, %nctaid.x", "r", {}, 1},
    {"mov.u32 d, %ctaid.y", "r", {}, 0},
    {"mov.u32 d, %warpid", "r", {}, 0},
    {"{.reg .b32 t; add.u32 t, a, 1; add.u32 d, t, t;}\n mov.u32 d, d", "rr", {4}, 10},
};

TEST(IntegerInstructions, Moves) {
  for (const InstructionCase &test : kMoves)
    expectInstruction(test);
}

const InstructionCase kConversions[] = {
    {"cvt.u32.u16 d, a", "rh", {0xffff}, 0xffff},
    {"cvt.s32.s16 d, a", "rh", {0x8000}, 0xffff8000},
    {"cvt.s32.s8 d, a", "rr", {0x80}, 0xffffff80},
    {"cvt.u32.u8 d, a", "rr", {0x180}, 0x80},
    {"cvt.s64.s32 d, a", "lr", {0xffffffff}, 0xffffffffffffffff},
    {"cvt.u64.u32 d, a", "lr", {0xffffffff}, 0xffffffff},
    {"cvt.u32.u64 d, a", "rl", {0x123456789}, 0x23456789},
    {"cvt.u16.u32 d, a", "hr", {0x12345678}, 0x5678},
    {"cvt.sat.u8.s32 d, a", "rr", {300}, 255},
    {"cvt.sat.u8.s32 d, a", "rr", {0xffffffff}, 0},
    {"cvt.sat.s8.s32 d, a", "rr", {0xffffff00}, 0xffffff80},
    {"cvt.rn.f32.s32 d, a", "rr", {0xffffffff}, 0xbf800000},
    {"cvt.rn.f32.u32 d, a", "rr", {0xffffffff}, 0x4f800000},
    {"cvt.rz.f32.u32 d, a", "rr", {0xffffffff}, 0x4f7fffff},
    {"cvt.rp.f32.s32 d, a", "rr", {0x01000001}, 0x4b800001}, // 2^24 + 1 upwards
    {"cvt.rn.f64.s32 d, a", "lr", {0xffffffff}, 0xbff0000000000000},
    {"cvt.rn.f16.s32 d, a", "hr", {2049}, 0x6800}, // A tie goes to the even 2048.
};

TEST(IntegerInstructions, Conversions) {
  for (const InstructionCase &test : kConversions)
    expectInstruction(test);
}

} // namespace
} // namespace strata::sim
