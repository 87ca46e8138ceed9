// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Every kernel of tiny, of router256 and of the real model: it compiles for sm_70, spills nothing, and stays within the
// registers and the shared memory that its geometry promises.
#include "compiler/Codegen/CompileKernels.h"
#include "compiler/Codegen/Cubin.h"
#include "compiler/Codegen/KernelSources.h"
#include "tests/compiler/Codegen/ModelRequests.h"
#include "tests/compiler/Codegen/Ptxas.h"

#include <cstdlib>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <set>
#include <thread>

namespace strata::test {
namespace {

using schema::ActivationEncoding;
using schema::KvEncoding;

constexpr uint32_t kSharedBytesOfAnSm = 96 * 1024;

struct Gated {
  kernels::Step step;
  KernelUnit unit;
};

/// The distinct kernels of a model under several settings.
std::vector<Gated> kernelsOf(const std::string &path, std::span<const ModelSettings> settings) {
  gguf::Model model = gguf::Model::open(path, {.headerOnly = true}).value();
  DescribeOptions options;
  if (path.find("router256") != std::string::npos || path.find("deepseek") != std::string::npos)
    options.expertGroups = ExpertGroups{8, 4};
  ModelDescription description = describeModel(model, options).value();
  std::set<std::string> seen;
  std::vector<Gated> result;
  for (const ModelSettings &setting : settings)
    for (const kernels::Request &request : modelRequests(model, description, setting)) {
      kernels::Plan plan = kernels::plan(request);
      for (const kernels::Step &step : plan.steps) {
        if (!seen.insert(step.callee).second)
          continue;
        std::string source = unitPrefix(step.files);
        if (step.epilogue)
          source += fmt::format(
              "static __device__ __forceinline__ void epilogue(float value, unsigned row, unsigned column, const float "
              "*residual, float *result) {{ result[row * {0}ull + column] = value{1}; }}\n",
              step.resultColumns,
              request.residual ? fmt::format(" + residual[row * {}ull + column]", step.resultColumns) : "");
        if (step.frequencies)
          source += fmt::format("__device__ const float frequencies[{}] = {{1.0f, 0.5f}};\n", request.rope / 2);
        result.push_back({step, {step.name, source + kernels::entryPoint(plan, step, "kernelOfTest")}});
      }
    }
  return result;
}

/// STRATA_PRINT_RESOURCES=1 prints a line for each kernel.
void checkGates(const std::string &path, std::span<const ModelSettings> settings) {
  std::vector<Gated> all = kernelsOf(path, settings);
  std::vector<KernelUnit> units;
  for (const Gated &gated : all)
    units.push_back(gated.unit);
  auto compiled = compileKernels(Nvrtc::open().value(), units, {.workers = std::thread::hardware_concurrency()});
  ASSERT_TRUE(compiled) << compiled.error().message;
  bool print = std::getenv("STRATA_PRINT_RESOURCES") != nullptr;
  for (size_t i = 0; i < all.size(); ++i) {
    const kernels::Step &step = all[i].step;
    SCOPED_TRACE(step.callee);
    auto resources = cubinResources(compiled->units[i].cubin).value();
    ASSERT_EQ(resources.size(), 1u);
    const KernelResources &kernel = resources[0];
    EXPECT_EQ(kernel.stackBytes, 0u) << "registers are spilled";
    EXPECT_LE(kernel.registers, step.registerCeiling());
    EXPECT_LE(kernel.sharedBytes, 48u * 1024);
    EXPECT_LE((kernel.sharedBytes + step.dynamicSharedBytes) * (step.minimumCtas == 2 ? 2u : 1u), kSharedBytesOfAnSm);
    if (print)
      fmt::print("{:4} of {:3} registers, {:6} B shared, {} x {} threads: {}\n", kernel.registers,
                 step.registerCeiling(), kernel.sharedBytes + step.dynamicSharedBytes, step.gridX, step.threads,
                 step.callee);
  }
}

/// `ptxas -v`, of the wheels that NVRTC is from, says the same of a kernel's PTX: no spills, and no more registers than
/// its ceiling.
void checkWithPtxas(const std::string &path) {
  ModelSettings settings;
  std::vector<Gated> all = kernelsOf(path, std::span(&settings, 1));
  std::vector<KernelUnit> units;
  for (const Gated &gated : all)
    units.push_back(gated.unit);
  auto compiled = compileKernels(Nvrtc::open().value(), units, {.workers = std::thread::hardware_concurrency()});
  ASSERT_TRUE(compiled) << compiled.error().message;
  for (size_t i = 0; i < all.size(); ++i) {
    SCOPED_TRACE(all[i].step.callee);
    PtxasReport report = runPtxas(compiled->units[i].ptx);
    EXPECT_EQ(report.spillStoreBytes, 0u) << report.text;
    EXPECT_EQ(report.spillLoadBytes, 0u) << report.text;
    EXPECT_GT(report.registers, 0u) << report.text;
    EXPECT_LE(report.registers, all[i].step.registerCeiling()) << report.text;
  }
}

TEST(KernelGatesTest, PtxasSaysTheSameOfTiny) {
  checkWithPtxas(STRATA_TEST_MODELS "/tiny.Q4_0.gguf");
}
TEST(KernelGatesTest, PtxasSaysTheSameOfDeepseekV31) {
  checkWithPtxas(STRATA_DERIVED_MODELS "/deepseek-v3.1-q4_0.header.gguf");
}

TEST(KernelGatesTest, PtxasReportsSpills) {
  constexpr const char *kSpilling = R"(
extern "C" __global__ __launch_bounds__(1024, 2) void spills(float *data) {
  float values[64];
#pragma unroll
  for (int i = 0; i < 64; ++i)
    values[i] = data[i * 1024 + threadIdx.x];
  __syncthreads();
#pragma unroll
  for (int i = 0; i < 64; ++i)
    data[i * 1024 + threadIdx.x] = values[63 - i] * values[(i * 7) % 64];
})";
  auto compiled = Nvrtc::open().value().compile({"spills", kSpilling});
  ASSERT_TRUE(compiled) << compiled.error().message;
  EXPECT_GT(runPtxas(compiled->ptx).spillStoreBytes, 0u);
}

TEST(KernelGatesTest, TinyInEverySetting) {
  std::vector<ModelSettings> settings;
  for (ActivationEncoding activations : {ActivationEncoding::i8, ActivationEncoding::i16, ActivationEncoding::f32})
    for (uint32_t sequences : {1u, 2u, 4u, 8u})
      for (KvEncoding kv : {KvEncoding::f16, KvEncoding::f32})
        settings.push_back({activations, activations, kv, sequences, 4096, 64});
  checkGates(STRATA_TEST_MODELS "/tiny.Q4_0.gguf", settings);
}

TEST(KernelGatesTest, Router256) {
  ModelSettings settings;
  checkGates(STRATA_TEST_MODELS "/router256.Q4_0.gguf", std::span(&settings, 1));
}

TEST(KernelGatesTest, DeepseekV31InItsOwnSetting) {
  ModelSettings settings;
  checkGates(STRATA_DERIVED_MODELS "/deepseek-v3.1-q4_0.header.gguf", std::span(&settings, 1));
}

TEST(KernelGatesTest, DeepseekV31InEverySetting) {
  std::vector<ModelSettings> settings;
  for (ActivationEncoding activations : {ActivationEncoding::i8, ActivationEncoding::i16, ActivationEncoding::f32})
    for (uint32_t sequences : {1u, 2u, 4u, 8u})
      settings.push_back({activations, activations,
                          activations == ActivationEncoding::f32 ? KvEncoding::f32 : KvEncoding::f16, sequences, 32768,
                          512});
  checkGates(STRATA_DERIVED_MODELS "/deepseek-v3.1-q4_0.header.gguf", settings);
}

} // namespace
} // namespace strata::test
