// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Simulator/GpuFigures.h"

namespace strata::sim {

namespace {

using enum InstructionClass;

constexpr InstructionClass kInteger[] = {integer, dot};
constexpr InstructionClass kFloat[] = {float32, float16};
constexpr InstructionClass kDouble[] = {float64};
constexpr InstructionClass kSpecial[] = {special, convert};
constexpr InstructionClass kTensor[] = {tensor};

/// CUDA C++ Programming Guide, "Arithmetic Instructions", compute capability 7.0, in lanes per cycle: 64, 64, 32, 16;
/// an m8n8k4 occupies a scheduler's tensor core for 8.5 cycles (1Cat-vLLM's probe on a V100).
constexpr Pipe kPipes[] = {{"integer units", 2, kInteger},
                           {"FP32 units", 2, kFloat},
                           {"FP64 units", 1, kDouble},
                           {"special function units", 0.5, kSpecial},
                           {"tensor cores", 4 / 8.5, kTensor}};

constexpr GpuFigures kV100 = {
    .name = "V100-PCIE-16GB",
    .clock = 1380e6,       // What it ran at: RRZE-HPC/gpu-benches.
    .multiprocessors = 80, // Tesla V100 white paper, as what a multiprocessor holds.
    .registers = 65536,
    .registerUnit = 8,
    .warpUnit = 4,
    .threads = 2048,
    .ctas = 32,
    .sharedBytes = 96 * 1024,
    .sharedUnit = 256,
    .issuePerCycle = 4,
    .lsuPassesPerCycle = 1, // 128 bytes: gpu-benches measures 125.6.
    .pipes = kPipes,
    .dramBytesPerSecond = 900e9,
    .dramReadShare = 886.0 / 900,       // The best read of gpu-benches (cuda-roofline).
    .dramWriteShare = 745.0 / 900,      // With it, one read for one write gives the 809 GB/s of its row "scale".
    .l2BytesPerCycle = 2.4e12 / 1380e6, // gpu-benches.
    .l2Bytes = 6 << 20,
    .startUpSeconds = 2e-6,     // Between launches of a stream or a graph: 1.5 to 2.5 µs.
    .instructionsPerPtx = 1.15, // Of 4,370 kernels of the tests, 80 % have at most this many in their cubins.
    .ctaTurnaroundCycles = 360,
    .kneeExponent = 3,
};

constexpr GpuFigures makeV100s() {
  GpuFigures figures = kV100;
  figures.name = "V100S-PCIE-32GB";
  figures.clock = 1597e6;
  figures.dramBytesPerSecond = 1134e9;
  return figures;
}
constexpr GpuFigures kV100s = makeV100s();

} // namespace

const GpuFigures &v100() {
  return kV100;
}

const GpuFigures &v100s() {
  return kV100s;
}

} // namespace strata::sim
