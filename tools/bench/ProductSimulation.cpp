// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/ProductSimulation.h"

#include "compiler/Codegen/Cubin.h"
#include "compiler/Codegen/KernelSources.h"
#include "runtime/Base/HostLimits.h"
#include "runtime/Schema/RowBytes.h"
#include "runtime/Simulator/Simulator.h"
#include "tools/bench/SimulatedBuffer.h"

#include <cstring>
#include <fmt/format.h>

namespace strata::bench {

namespace {

using kernels::Plan;
using kernels::Request;
using kernels::Step;

constexpr const char *kEntry = "product";

KernelUnit unitOf(const DecodeProduct &product, const Plan &plan, const Step &step) {
  std::string source = unitPrefix(step.files);
  if (step.epilogue)
    source += fmt::format("static __device__ __forceinline__ void epilogue(float value, unsigned row, unsigned column, "
                          "const float *residual, float *result) {{\n  unsigned long long at = row * {}ull + column;\n"
                          "  result[at] = value{};\n}}\n",
                          step.resultColumns, product.request.residual ? " + residual[at]" : "");
  return {product.name, source + kernels::entryPoint(plan, step, kEntry)};
}

/// Bytes of an operand, by the name that kernels have for it.
Result<Checked> operandBytes(const DecodeProduct &product, const Step &step, std::string_view name) {
  const Request &r = product.request;
  bool experts = r.expertsUsed > 0, down = r.operation == schema::Operation::experts_down;
  Checked rows = r.maximumRows, used = rows * r.expertsUsed, hidden = Checked(r.expertsUsed) * r.width + r.sharedWidth;
  Checked columns = down ? hidden : Checked(r.columns) * (r.operation == schema::Operation::head_matmul ? r.heads : 1);
  auto weight = [&](size_t slot, Checked matrices, Checked results, Checked length) {
    return encodedBytes(r.weights[slot], length, matrices * results);
  };
  auto routed = [&](size_t slot) {
    return down ? weight(slot, used, r.columns, r.width) : weight(slot, used, r.width, r.columns);
  };
  auto shared = [&](size_t slot) {
    return down ? weight(slot, 1, r.columns, r.sharedWidth) : weight(slot, 1, r.sharedWidth, r.columns);
  };
  if (name == "input")
    return rows * valueRowBytes(kernels::isRepacked(r.weights[0]) ? schema::Element::activation : schema::Element::f32,
                                r.activations, columns);
  if (name == "result" || name == "residual")
    return rows * (step.epilogue ? Checked(step.resultColumns) : hidden) * 4;
  if (name == "ids" || name == "weights")
    return used * 4;
  if (name == "weight")
    return weight(0, r.operation == schema::Operation::head_matmul ? r.heads : 1, r.results, r.columns);
  if (name == "gate" || name == "down")
    return experts ? routed(0) : weight(0, 1, r.results, r.columns);
  if (name == "up")
    return experts ? routed(1) : weight(1, 1, r.results, r.columns);
  if (name == "sharedGate" || name == "sharedDown")
    return shared(down ? 1 : 2);
  if (name == "sharedUp")
    return shared(3);
  return fail(ExitCode::Bug, "", fmt::format("nobody knows the size of operand {} of {}", name, product.name));
}

/// Operands of the right size.
class Operands {
public:
  explicit Operands(sim::GlobalMemory &globalMemory) : memory(globalMemory) {}

  Result<sim::Arguments> make(const DecodeProduct &product, const Plan &plan, const Step &step) {
    sim::Arguments arguments;
    for (const kernels::Parameter &parameter : plan.parameters) {
      STRATA_ASSIGN(Checked bytes, operandBytes(product, step, parameter.name));
      if (!bytes.valid())
        return fail(ExitCode::Input, "", fmt::format("the operands of {} are too large", product.name));
      STRATA_ASSIGN(SimulatedBuffer buffer, SimulatedBuffer::allocate(memory, bytes.value()));
      if (parameter.name == "ids")
        for (uint64_t i = 0; i * 4 < bytes.value(); ++i) {
          auto expert = static_cast<int32_t>(i % product.request.experts);
          std::memcpy(buffer.data() + i * 4, &expert, 4);
        }
      arguments.add(reinterpret_cast<uint64_t>(buffer.data()));
      buffers.push_back(std::move(buffer));
    }
    arguments.add(product.request.maximumRows);
    return arguments;
  }

private:
  sim::GlobalMemory &memory;
  std::vector<SimulatedBuffer> buffers;
};

} // namespace

Result<CompiledUnits> compileProducts(const Nvrtc &nvrtc, const std::vector<DecodeProduct> &products) {
  std::vector<KernelUnit> units;
  for (const DecodeProduct &product : products) {
    Plan plan = kernels::plan(product.request);
    units.push_back(unitOf(product, plan, plan.steps[0]));
  }
  return compileKernels(nvrtc, units, {.workers = hostLimits().cores});
}

Result<SimulatedProduct> simulateProduct(const DecodeProduct &product, const CompiledUnit &compiled,
                                         uint64_t sampledCtas) {
  Plan plan = kernels::plan(product.request);
  const Step &step = plan.steps[0];
  sim::GlobalMemory memory;
  STRATA_ASSIGN(sim::Module module, sim::Module::load(compiled.ptx, memory));
  STRATA_ASSIGN(std::vector<KernelResources> resources, cubinResources(compiled.cubin));
  const sim::Program *program = module.find(kEntry);
  if (!program || resources.size() != 1)
    return fail(ExitCode::Bug, "", fmt::format("the kernel of {} is not what its text says", product.name));
  Operands operands(memory);
  STRATA_ASSIGN(sim::Arguments arguments, operands.make(product, plan, step));
  sim::LaunchOptions options;
  options.block[0] = step.threads;
  options.grid[0] = step.gridX;
  options.grid[1] = (product.request.maximumRows + step.rowsPerCta - 1) / step.rowsPerCta;
  options.dynamicSharedBytes = step.dynamicSharedBytes;
  options.sampledCtas = sampledCtas;
  sim::Launcher launcher(memory);
  STRATA_ASSIGN(sim::Counts counts, launcher.launch(*program, options, arguments));
  sim::LaunchShape shape{options.grid, step.threads, resources[0].registers,
                         resources[0].sharedBytes + step.dynamicSharedBytes};
  return SimulatedProduct{shape, counts};
}

} // namespace strata::bench
