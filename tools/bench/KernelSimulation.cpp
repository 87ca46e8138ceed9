// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/KernelSimulation.h"

#include "compiler/Codegen/Cubin.h"
#include "compiler/Codegen/KernelSources.h"
#include "runtime/Base/HostLimits.h"
#include "runtime/Simulator/Simulator.h"
#include "tools/bench/KernelOperands.h"

#include <fmt/format.h>

namespace strata::bench {

namespace {

using kernels::Plan;
using kernels::Step;

constexpr const char *kEntry = "measured";

KernelUnit unitOf(const ShapedKernel &kernel, const Plan &plan, const Step &step) {
  std::string source = unitPrefix(step.files);
  if (step.epilogue)
    source += fmt::format("static __device__ __forceinline__ void epilogue(float value, unsigned row, unsigned column, "
                          "const float *residual, float *result) {{\n  unsigned long long at = row * {}ull + column;\n"
                          "  result[at] = value{};\n}}\n",
                          step.resultColumns, kernel.request.residual ? " + residual[at]" : "");
  if (step.frequencies)
    source += fmt::format("__device__ const float frequencies[{}] = {{1.0f}};\n", kernel.request.rope / 2);
  return {kernel.name, source + kernels::entryPoint(plan, step, kEntry)};
}

} // namespace

Result<CompiledUnits> compileKernelsOf(const Nvrtc &nvrtc, const std::vector<ShapedKernel> &decodeKernels) {
  std::vector<KernelUnit> units;
  for (const ShapedKernel &kernel : decodeKernels) {
    Plan plan = kernels::plan(kernel.request);
    units.push_back(unitOf(kernel, plan, plan.steps[0]));
  }
  return compileKernels(nvrtc, units, {.workers = hostLimits().cores});
}

Result<SimulatedKernel> simulateKernel(const ShapedKernel &kernel, const CompiledUnit &compiled, uint64_t sampledCtas) {
  Plan plan = kernels::plan(kernel.request);
  const Step &step = plan.steps[0];
  sim::GlobalMemory memory;
  STRATA_ASSIGN(sim::Module module, sim::Module::load(compiled.ptx, memory));
  STRATA_ASSIGN(std::vector<KernelResources> resources, cubinResources(compiled.cubin));
  const sim::Program *program = module.find(kEntry);
  if (!program || resources.size() != 1)
    return fail(ExitCode::Bug, "", fmt::format("the kernel of {} is not what its text says", kernel.name));
  STRATA_ASSIGN(KernelOperands operands, KernelOperands::make(memory, kernel, plan, step));
  sim::LaunchOptions options;
  options.block[0] = step.threads;
  options.grid[0] = step.gridX;
  options.grid[1] = (kernel.request.maximumRows + step.rowsPerCta - 1) / step.rowsPerCta;
  options.dynamicSharedBytes = step.dynamicSharedBytes;
  options.sampledCtas = sampledCtas;
  options.checks.unwritten = options.checks.races = false; // Results are of no interest here.
  sim::Launcher launcher(memory);
  STRATA_ASSIGN(sim::Counts counts, launcher.launch(*program, options, operands.arguments()));
  sim::LaunchShape shape{options.grid, step.threads, resources[0].registers,
                         resources[0].sharedBytes + step.dynamicSharedBytes};
  return SimulatedKernel{shape, counts};
}

} // namespace strata::bench
