// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// f32, f64, f16: expected bits by hand, or from the exact value in a wider type of the host's.

#include "tests/runtime/Simulator/InstructionTest.h"

#include <cmath>
#include <random>

namespace strata::sim {
namespace {

constexpr uint64_t kOne = 0x3f800000, kNan = 0x7fffffff, kInfinity = 0x7f800000, kTiny = 0x33800000; // 2^-24
constexpr uint64_t kSubnormal = 0x00000001, kSmallestNormal = 0x00800000;

const InstructionCase kRounding[] = {
    // 1 + 2^-24 lies half way between 1 and the next f32.
    {"add.f32 d, a, b", "rrr", {kOne, kTiny}, 0x3f800000},
    {"add.rn.f32 d, a, b", "rrr", {kOne, kTiny}, 0x3f800000},
    {"add.rp.f32 d, a, b", "rrr", {kOne, kTiny}, 0x3f800001},
    {"add.rm.f32 d, a, b", "rrr", {kOne, kTiny}, 0x3f800000},
    {"add.rz.f32 d, a, b", "rrr", {kOne, kTiny}, 0x3f800000},
    {"sub.rm.f32 d, a, b", "rrr", {kOne, kTiny}, 0x3f7fffff},
    {"sub.rz.f32 d, a, b", "rrr", {0xbf800000, kTiny}, 0xbf800000},
    {"sub.rm.f32 d, a, b", "rrr", {0xbf800000, kTiny}, 0xbf800001},
    // (1 + 2^-23)^2 = 1 + 2^-22 + 2^-46
    {"mul.rn.f32 d, a, b", "rrr", {0x3f800001, 0x3f800001}, 0x3f800002},
    {"mul.rp.f32 d, a, b", "rrr", {0x3f800001, 0x3f800001}, 0x3f800003},
    // One rounding: the product's last bit survives the subtraction.
    {"fma.rn.f32 d, a, b, c", "rrrr", {0x3f800001, 0x3f800001, 0xbf800002}, 0x28800000},
    {"fma.rz.f32 d, a, b, c", "rrrr", {kOne, kOne, kTiny}, 0x3f800000},
    {"fma.rp.f32 d, a, b, c", "rrrr", {kOne, kOne, kTiny}, 0x3f800001},
    {"mad.rn.f32 d, a, b, c", "rrrr", {0x3f800001, 0x3f800001, 0xbf800002}, 0x28800000},
    {"div.rn.f32 d, a, b", "rrr", {kOne, 0x40400000}, 0x3eaaaaab},
    {"div.rz.f32 d, a, b", "rrr", {kOne, 0x40400000}, 0x3eaaaaaa},
    {"rcp.rn.f32 d, a", "rr", {0x40400000}, 0x3eaaaaab},
    {"rcp.rm.f32 d, a", "rr", {0x40400000}, 0x3eaaaaaa},
    {"sqrt.rn.f32 d, a", "rr", {0x40000000}, 0x3fb504f3},
    {"sqrt.rp.f32 d, a", "rr", {0x40000000}, 0x3fb504f4},
};

TEST(FloatInstructions, RoundAsTheyAreTold) {
  for (const InstructionCase &test : kRounding)
    expectInstruction(test);
}

const InstructionCase kSpecialValues[] = {
    {"add.f32 d, a, b", "rrr", {kInfinity, 0xff800000}, kNan},
    {"mul.f32 d, a, b", "rrr", {kInfinity, 0}, kNan},
    {"add.f32 d, a, b", "rrr", {0x7fc12345, kOne}, kNan}, // Payloads do not survive.
    {"div.rn.f32 d, a, b", "rrr", {kOne, 0}, kInfinity},
    {"sqrt.rn.f32 d, a", "rr", {0xbf800000}, kNan},
    {"sqrt.rn.f32 d, a", "rr", {0x80000000}, 0x80000000},
    {"min.f32 d, a, b", "rrr", {kNan, kOne}, kOne},
    {"max.f32 d, a, b", "rrr", {kOne, kNan}, kOne},
    {"min.f32 d, a, b", "rrr", {kNan, kNan}, kNan},
    {"min.f32 d, a, b", "rrr", {0, 0x80000000}, 0x80000000},
    {"max.f32 d, a, b", "rrr", {0x80000000, 0}, 0},
    {"abs.f32 d, a", "rr", {0xbf800000}, kOne},
    {"neg.f32 d, a", "rr", {kOne}, 0xbf800000},
    {"copysign.f32 d, a, b", "rrr", {0x80000000, kOne}, 0xbf800000},
    // Subnormal numbers.
    {"add.f32 d, a, b", "rrr", {kSubnormal, 0}, kSubnormal},
    {"add.ftz.f32 d, a, b", "rrr", {kSubnormal, 0}, 0},
    {"mul.ftz.f32 d, a, b", "rrr", {0x80000001, kOne}, 0x80000000},
    {"mul.ftz.f32 d, a, b", "rrr", {kSmallestNormal, 0x3f000000}, 0},
    {"mul.f32 d, a, b", "rrr", {kSmallestNormal, 0x3f000000}, 0x00400000},
    // Saturation.
    {"add.sat.f32 d, a, b", "rrr", {kOne, kOne}, kOne},
    {"mul.sat.f32 d, a, b", "rrr", {kOne, 0xbf800000}, 0},
    {"add.sat.f32 d, a, b", "rrr", {kNan, kOne}, 0},
    {"cvt.sat.f32.f32 d, a", "rr", {0x40000000}, kOne},
    // Comparisons that are false, or true, of NaN.
    {"setp.eq.f32 d, a, b", "prr", {kNan, kNan}, 0},
    {"setp.ne.f32 d, a, b", "prr", {kNan, kOne}, 0},
    {"setp.neu.f32 d, a, b", "prr", {kNan, kOne}, 1},
    {"setp.ltu.f32 d, a, b", "prr", {kNan, kOne}, 1},
    {"setp.num.f32 d, a, b", "prr", {kNan, kOne}, 0},
    {"setp.nan.f32 d, a, b", "prr", {kNan, kOne}, 1},
    {"setp.lt.f32 d, a, b", "prr", {0x80000000, 0}, 0},
    {"setp.geu.f32 d, a, b", "prr", {kOne, kOne}, 1},
    {"setp.gt.ftz.f32 d, a, b", "prr", {kSubnormal, 0}, 0},
    {"setp.gt.f32 d, a, b", "prr", {kSubnormal, 0}, 1},
};

TEST(FloatInstructions, SpecialValues) {
  for (const InstructionCase &test : kSpecialValues)
    expectInstruction(test);
}

const InstructionCase kConversions[] = {
    {"cvt.rni.s32.f32 d, a", "rr", {bits(2.5f)}, 2},
    {"cvt.rni.s32.f32 d, a", "rr", {bits(3.5f)}, 4},
    {"cvt.rzi.s32.f32 d, a", "rr", {bits(-2.9f)}, 0xfffffffe},
    {"cvt.rmi.s32.f32 d, a", "rr", {bits(-2.1f)}, 0xfffffffd},
    {"cvt.rpi.s32.f32 d, a", "rr", {bits(2.1f)}, 3},
    {"cvt.rzi.s32.f32 d, a", "rr", {bits(3e9f)}, 0x7fffffff},
    {"cvt.rzi.s32.f32 d, a", "rr", {kNan}, 0},
    {"cvt.rzi.u32.f32 d, a", "rr", {bits(-1.0f)}, 0},
    {"cvt.rzi.u32.f32 d, a", "rr", {bits(4294967040.0f)}, 0xffffff00},
    {"cvt.rzi.u64.f32 d, a", "lr", {bits(1e19f)}, 9999999980506447872u},
    {"cvt.rni.f32.f32 d, a", "rr", {bits(2.5f)}, bits(2.0f)},
    {"cvt.rmi.f32.f32 d, a", "rr", {bits(-2.5f)}, bits(-3.0f)},
    {"cvt.rzi.f32.f32 d, a", "rr", {bits(-2.5f)}, bits(-2.0f)},
    {"cvt.f64.f32 d, a", "lr", {bits(0.1f)}, bits(double(0.1f))},
    {"cvt.rn.f32.f64 d, a", "rl", {bits(0.1)}, bits(0.1f)},
    {"cvt.rz.f32.f64 d, a", "rl", {bits(0.1)}, 0x3dcccccc},
    {"cvt.rni.s32.f64 d, a", "rl", {bits(-0.5)}, 0},
    {"cvt.f32.f16 d, a", "rh", {0x3c00}, kOne},
    {"cvt.f32.f16 d, a", "rh", {0x0001}, bits(0x1p-24f)},
    {"cvt.f32.f16 d, a", "rh", {0xfc00}, 0xff800000},
    {"cvt.rn.f16.f32 d, a", "hr", {bits(65519.0f)}, 0x7bff},
    {"cvt.rn.f16.f32 d, a", "hr", {bits(65520.0f)}, 0x7c00},
    {"cvt.rz.f16.f32 d, a", "hr", {bits(1e9f)}, 0x7bff},
    {"cvt.rn.f16.f32 d, a", "hr", {bits(0x1p-25f)}, 0}, // Half of the smallest: to even.
    {"cvt.rn.f16.f32 d, a", "hr", {bits(0x1.8p-24f)}, 2},
    {"cvt.rn.f16.f32 d, a", "hr", {bits(2049.0f)}, 0x6800},
    {"cvt.rn.f16.f32 d, a", "hr", {kNan}, 0x7fff},
};

TEST(FloatInstructions, Conversions) {
  for (const InstructionCase &test : kConversions)
    expectInstruction(test);
}

const InstructionCase kDouble[] = {
    {"add.f64 d, a, b", "lll", {bits(1.0), bits(0x1p-60)}, bits(1.0)},
    {"add.rp.f64 d, a, b", "lll", {bits(1.0), bits(0x1p-60)}, 0x3ff0000000000001},
    {"mul.f64 d, a, b", "lll", {bits(1.5), bits(2.5)}, bits(3.75)},
    {"fma.rn.f64 d, a, b, c", "llll", {bits(1.5), bits(2.0), bits(0.25)}, bits(3.25)},
    {"div.rn.f64 d, a, b", "lll", {bits(1.0), bits(3.0)}, bits(1.0 / 3.0)},
    {"sqrt.rn.f64 d, a", "ll", {bits(2.0)}, bits(std::sqrt(2.0))},
    {"min.f64 d, a, b", "lll", {bits(1.0), bits(-1.0)}, bits(-1.0)},
    {"neg.f64 d, a", "ll", {bits(1.0)}, bits(-1.0)},
    {"abs.f64 d, a", "ll", {bits(-1.0)}, bits(1.0)},
    {"setp.lt.f64 d, a, b", "pll", {bits(1.0), bits(1.5)}, 1},
};

TEST(FloatInstructions, Double) {
  for (const InstructionCase &test : kDouble)
    expectInstruction(test);
}

const InstructionCase kHalf[] = {
    {"add.f16 d, a, b", "hhh", {0x3c00, 0x3c00}, 0x4000},
    {"add.f16 d, a, b", "hhh", {0x7bff, 0x7bff}, 0x7c00},
    {"mul.f16 d, a, b", "hhh", {0x3c01, 0x3c01}, 0x3c02},
    {"sub.f16 d, a, b", "hhh", {0x3c00, 0x3c00}, 0},
    {"neg.f16 d, a", "hh", {0x3c00}, 0xbc00},
    {"min.f16 d, a, b", "hhh", {0x7e00, 0x3c00}, 0x3c00},
    // One rounding: (1 + 2^-10)^2 - (1 + 2^-9) = 2^-20
    {"fma.rn.f16 d, a, b, c", "hhhh", {0x3c01, 0x3c01, 0xbc02}, 0x0010},
    {"add.f16x2 d, a, b", "rrr", {0x3c004000, 0x40003c00}, 0x42004200},
    {"sub.f16x2 d, a, b", "rrr", {0x64086401, 0x64006400}, 0x48003c00}, // 1032 - 1024 and 1025 - 1024
    {"mul.f16x2 d, a, b", "rrr", {0x3c00c000, 0x40004000}, 0x4000c400},
    {"fma.rn.f16x2 d, a, b, c", "rrrr", {0x3c004000, 0x40004000, 0x3c003c00}, 0x42004500},
    {"neg.f16x2 d, a", "rr", {0x3c00bc00}, 0xbc003c00},
    {"setp.lt.f16 d, a, b", "phh", {0x3c00, 0x4000}, 1},
    {"cvt.rn.f16x2.f32 d, a, b", "rrr", {bits(2.0f), bits(1.0f)}, 0x40003c00},
};

TEST(FloatInstructions, Half) {
  for (const InstructionCase &test : kHalf)
    expectInstruction(test);
}

/// Approximate functions are allowed an error; ours are to be within one unit in the last place of the exact value.
struct FunctionCase {
  const char *instruction;
  double (*function)(double);
};

TEST(FloatInstructions, FunctionsAreNearTheirValues) {
  const FunctionCase functions[] = {{"ex2.approx.f32 d, a", [](double x) { return std::exp2(x); }},
                                    {"lg2.approx.f32 d, a", [](double x) { return std::log2(x); }},
                                    {"rsqrt.approx.f32 d, a", [](double x) { return 1 / std::sqrt(x); }},
                                    {"sqrt.approx.f32 d, a", [](double x) { return std::sqrt(x); }},
                                    {"rcp.approx.ftz.f32 d, a", [](double x) { return 1 / x; }},
                                    {"sin.approx.f32 d, a", [](double x) { return std::sin(x); }},
                                    {"cos.approx.f32 d, a", [](double x) { return std::cos(x); }},
                                    {"tanh.approx.f32 d, a", [](double x) { return std::tanh(x); }}};
  for (const FunctionCase &function : functions)
    for (float x : {0.25f, 1.0f, 1.7f, 3.3f})
      expectInstruction({function.instruction, "rr", {bits(x)}, bits(static_cast<float>(function.function(x)))});
}

TEST(FloatInstructions, AllF16SurviveTheWayToF32AndBack) {
  for (uint32_t half = 0; half < 0x10000; half += 97) {
    bool nan = (half & 0x7fff) > 0x7c00;
    expectInstruction(
        {"{.reg .b32 t; cvt.f32.f16 t, a; cvt.rn.f16.f32 d, t;}\n mov.b16 d, d", "hh", {half}, nan ? 0x7fffu : half});
  }
}

} // namespace
} // namespace strata::sim
