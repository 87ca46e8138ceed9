// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/Calibration.h"

#include "compiler/Codegen/CompileKernels.h"
#include "compiler/Codegen/Cubin.h"
#include "runtime/Simulator/Simulator.h"
#include "tools/bench/SimulatedBuffer.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace strata::bench {

namespace {

/// One number of 8 bytes a thread and array, and no more: what is in flight is what the threads that fit make it.
constexpr const char *kReadSource = R"(
extern "C" __global__ void streamRead(const double *first, const double *, double *result, unsigned long long count) {
  unsigned long long index = static_cast<unsigned long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index >= count)
    return;
  double number = first[index];
  if (number == 4.25) // None is: it keeps the load.
    result[index] = number;
}
)";
constexpr const char *kScaleSource = R"(
extern "C" __global__ void streamScale(const double *first, const double *, double *result, unsigned long long count) {
  unsigned long long index = static_cast<unsigned long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index < count)
    result[index] = first[index] * 0.75;
}
)";
constexpr const char *kTriadSource = R"(
extern "C" __global__ void streamTriad(const double *first, const double *second, double *result,
                                       unsigned long long count) {
  unsigned long long index = static_cast<unsigned long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index < count)
    result[index] = first[index] * 0.75 + second[index];
}
)";

/// A row of Q4_0 as files have it, blocks of a 2-byte scale and 16 bytes of digits, times a row of blocks of (scale,
/// sum) and 32 int8. Four warps share the row; two lanes share a block. Blocks of 18 bytes are aligned to 2: digits
/// come in pieces of that size.
constexpr const char *kUnalignedSource = R"(
constexpr unsigned kColumns = 4096, kBlocks = kColumns / 32, kWeightBytes = 18, kInputBytes = 36;

__device__ __forceinline__ int dotBytes(int a, int b, int sum) {
  int result;
  asm("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
  return result;
}
__device__ __forceinline__ float floatOf(unsigned short half) {
  float result;
  asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(half));
  return result;
}
__device__ __forceinline__ unsigned wordAt(const unsigned char *bytes) {
  const unsigned short *halves = reinterpret_cast<const unsigned short *>(bytes);
  return halves[0] | static_cast<unsigned>(halves[1]) << 16;
}

extern "C" __global__ void __launch_bounds__(128) unalignedProduct(const unsigned char *weights,
                                                                   const unsigned char *input, float *result) {
  __shared__ float sums[3][32];
  unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, half = threadIdx.x % 2;
  const unsigned char *row = weights + static_cast<unsigned long long>(blockIdx.x) * kBlocks * kWeightBytes;
  float sum = 0.0f;
  for (unsigned block = threadIdx.x / 2; block < kBlocks; block += 64) {
    const unsigned char *weight = row + block * kWeightBytes, *numbers = input + block * kInputBytes;
    const int *words = reinterpret_cast<const int *>(numbers + 4) + 2 * half;
    int dot = 0;
#pragma unroll
    for (unsigned i = 0; i < 2; ++i) {
      unsigned digits = wordAt(weight + 2 + 8 * half + 4 * i);
      dot = dotBytes(static_cast<int>(digits & 0x0f0f0f0fu), words[i], dot);
      dot = dotBytes(static_cast<int>(digits >> 4 & 0x0f0f0f0fu), words[i + 4], dot);
    }
    unsigned scaleAndSum = *reinterpret_cast<const unsigned *>(numbers);
    float scale = floatOf(static_cast<unsigned short>(scaleAndSum & 0xffff));
    float total = floatOf(static_cast<unsigned short>(scaleAndSum >> 16));
    sum += floatOf(*reinterpret_cast<const unsigned short *>(weight)) * (static_cast<float>(dot) * scale - 4.0f * total);
  }
  if (warp > 0)
    sums[warp - 1][lane] = sum;
  __syncthreads();
  if (warp > 0)
    return;
#pragma unroll
  for (unsigned i = 0; i < 3; ++i)
    sum += sums[i][lane];
#pragma unroll
  for (unsigned distance = 16; distance > 0; distance /= 2)
    sum += __shfl_xor_sync(0xffffffffu, sum, distance);
  if (lane == 0)
    result[blockIdx.x] = sum;
}
)";

/// A kernel of the calibration, compiled.
struct Loaded {
  sim::Module module;
  const sim::Program *program;
  KernelResources resources;
};

Result<Loaded> load(const Nvrtc &nvrtc, sim::GlobalMemory &memory, const char *name, const char *source) {
  KernelUnit unit{name, source};
  STRATA_ASSIGN(CompiledUnits compiled, compileKernels(nvrtc, std::span(&unit, 1), {}));
  STRATA_ASSIGN(sim::Module module, sim::Module::load(compiled.units[0].ptx, memory));
  STRATA_ASSIGN(std::vector<KernelResources> resources, cubinResources(compiled.units[0].cubin));
  const sim::Program *program = module.find(name);
  if (!program || resources.size() != 1)
    return fail(ExitCode::Bug, "", fmt::format("the calibration's kernel {} is not what its text says", name));
  return Loaded{std::move(module), program, resources[0]};
}

/// Time on a V100 from the counts of a few CTAs.
Result<sim::ModelledTime> model(sim::GlobalMemory &memory, const Loaded &kernel, sim::LaunchOptions options,
                                const sim::Arguments &arguments) {
  options.sampledCtas = 8;
  sim::Launcher launcher(memory);
  STRATA_ASSIGN(sim::Counts counts, launcher.launch(*kernel.program, options, arguments));
  sim::LaunchShape shape{options.grid, options.block[0], kernel.resources.registers,
                         kernel.resources.sharedBytes + options.dynamicSharedBytes};
  return sim::modelTime(sim::v100(), shape, counts);
}

/// A published row: two CTAs of so many threads on a multiprocessor, so many arrays read and written.
struct StreamRow {
  const char *name, *source, *does;
  uint64_t arrays;
  uint32_t threads;
  double bytesPerSecond;
};
constexpr StreamRow kStreamRows[] = {
    {"streamRead", kReadSource, "read", 1, 256, 491e9},
    {"streamRead", kReadSource, "read", 1, 512, 746e9},
    {"streamRead", kReadSource, "read", 1, 768, 824e9},
    {"streamRead", kReadSource, "read", 1, 1024, 867e9},
    {"streamScale", kScaleSource, "read, write", 2, 1024, 809e9},
    {"streamTriad", kTriadSource, "read two, write", 3, 1024, 788e9},
};

Result<CalibrationRow> runStream(const Nvrtc &nvrtc, const StreamRow &row) {
  sim::GlobalMemory memory;
  STRATA_ASSIGN(Loaded kernel, load(nvrtc, memory, row.name, row.source));
  constexpr uint64_t kBytes = 256 << 20;
  std::vector<SimulatedBuffer> arrays;
  sim::Arguments arguments;
  for (int i = 0; i < 3; ++i) {
    STRATA_ASSIGN(SimulatedBuffer array, SimulatedBuffer::allocate(memory, kBytes));
    arguments.add(reinterpret_cast<uint64_t>(array.data()));
    arrays.push_back(std::move(array));
  }
  arguments.add(kBytes / 8);
  sim::LaunchOptions options;
  options.block[0] = row.threads;
  options.grid[0] = static_cast<uint32_t>((kBytes / 8 + row.threads - 1) / row.threads);
  options.dynamicSharedBytes = 48 * 1024; // Two of them fit.
  STRATA_ASSIGN(sim::ModelledTime time, model(memory, kernel, options, arguments));
  return CalibrationRow{fmt::format("{} at {:.0f} % occupancy", row.does, 100 * time.occupancy), row.bytesPerSecond,
                        row.bytesPerSecond, time, static_cast<double>(row.arrays * kBytes) / time.seconds};
}

/// A V100 decodes 7B models in Q4_0 with 40 to 55 % of its 900 GB/s (llama.cpp).
Result<void> addUnaligned(const Nvrtc &nvrtc, std::vector<CalibrationRow> &rows) {
  sim::GlobalMemory memory;
  STRATA_ASSIGN(Loaded kernel, load(nvrtc, memory, "unalignedProduct", kUnalignedSource));
  constexpr uint64_t kRows = 4096, kBlocks = 4096 / 32, kBytes = kRows * kBlocks * 18;
  STRATA_ASSIGN(SimulatedBuffer weights, SimulatedBuffer::allocate(memory, kBytes));
  STRATA_ASSIGN(SimulatedBuffer input, SimulatedBuffer::allocate(memory, kBlocks * 36));
  STRATA_ASSIGN(SimulatedBuffer result, SimulatedBuffer::allocate(memory, kRows * 4));
  sim::LaunchOptions options;
  options.block[0] = 128;
  options.grid[0] = kRows;
  sim::Arguments arguments;
  for (const SimulatedBuffer *buffer : {&weights, &input, &result})
    arguments.add(reinterpret_cast<uint64_t>(buffer->data()));
  STRATA_ASSIGN(sim::ModelledTime time, model(memory, kernel, options, arguments));
  rows.push_back(
      {"4096 x 4096 in ggml's Q4_0", 0.40 * 900e9, 0.55 * 900e9, time, static_cast<double>(kBytes) / time.seconds});
  return {};
}

} // namespace

double CalibrationRow::error() const {
  return bytesPerSecond / std::clamp(bytesPerSecond, measuredLow, measuredHigh) - 1;
}

Result<std::vector<CalibrationRow>> calibrate(const Nvrtc &nvrtc) {
  std::vector<CalibrationRow> rows;
  for (const StreamRow &row : kStreamRows) {
    STRATA_ASSIGN(CalibrationRow result, runStream(nvrtc, row));
    rows.push_back(std::move(result));
  }
  STRATA_TRY(addUnaligned(nvrtc, rows));
  return rows;
}

double largestError(const std::vector<CalibrationRow> &rows) {
  double largest = 0;
  for (const CalibrationRow &row : rows)
    largest = std::max(largest, std::abs(row.error()));
  return largest;
}

std::string describeCalibration(const std::vector<CalibrationRow> &rows) {
  std::string result = "the model against measurements on a V100:";
  for (const CalibrationRow &row : rows) {
    std::string measured = row.measuredLow == row.measuredHigh
                               ? fmt::format("{:.0f}", row.measuredLow / 1e9)
                               : fmt::format("{:.0f} to {:.0f}", row.measuredLow / 1e9, row.measuredHigh / 1e9);
    result +=
        fmt::format("\n  {:<34} {:>4.0f} GB/s, measured {:>10} ({:+.0f} %), limited by {}", row.name,
                    row.bytesPerSecond / 1e9, measured, std::round(100 * row.error()) + 0.0, row.modelled.bottleneck);
  }
  return result + "\n";
}

} // namespace strata::bench
