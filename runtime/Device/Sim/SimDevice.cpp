// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Device/Sim/SimDevice.h"

#include "runtime/Base/Checked.h"
#include "runtime/Simulator/Sample.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>

namespace strata {

/// As CUDA's allocations are: how many lines of memory an access touches depends on it.
static constexpr uint64_t kAlignment = 256;

void SimDevice::Free::operator()(std::byte *bytes) const {
  std::free(bytes);
}

SimDevice::~SimDevice() = default;

Result<std::unique_ptr<SimDevice>> SimDevice::create(const schema::Artifact &artifact,
                                                     const SimDeviceOptions &options) {
  if (!artifact.kernels() || artifact.kernels()->size() == 0)
    return fail(
        ExitCode::Machine, "",
        "the artifact has no kernels for a GPU: it was compiled for the host; run it with --device=host, or compile it "
        "for a machine with a GPU");
  std::unique_ptr<SimDevice> device(new SimDevice(options));
  device->kernels.reserve(artifact.kernels()->size());
  for (uint32_t i = 0; i < artifact.kernels()->size(); ++i) {
    const schema::Kernel &kernel = *artifact.kernels()->Get(i);
    STRATA_TRY(
        device->load(kernel, options.ptx.empty() ? kernel.ptx()->string_view() : std::string_view(options.ptx[i])));
  }
  return device;
}

Result<void> SimDevice::load(const schema::Kernel &kernel, std::string_view ptx) {
  std::string name = escapeName(kernel.name()->string_view());
  auto module = sim::Module::load(ptx, memory);
  if (!module)
    return fail(module.error().code, module.error().id, fmt::format("kernel {}: {}", name, module.error().message));
  const sim::Program *program = module->find(kernel.name()->string_view());
  size_t wanted = size_t(kernel.parameters()) + (kernel.segment_rows() ? 2 : 1);
  if (!program || program->parameters.size() != wanted)
    return fail(
        ExitCode::Input, "A15",
        fmt::format("the PTX of kernel {} has no entry of that name with {} parameters: compile the model again", name,
                    wanted));
  kernels.push_back({std::move(*module), program, kernel.threads(), kernel.grid_x(), kernel.rows_per_cta(),
                     kernel.dynamic_shared_bytes(), kernel.group(), kernel.per_row(), kernel.segment_rows()});
  return {};
}

Result<std::byte *> SimDevice::allocate(uint64_t bytes) {
  Checked rounded = Checked(std::max<uint64_t>(bytes, 1)).alignUp(kAlignment);
  auto *storage = rounded.valid() ? static_cast<std::byte *>(std::aligned_alloc(kAlignment, rounded.value())) : nullptr;
  if (!storage)
    return fail(ExitCode::Machine, "",
                fmt::format("{} bytes of memory cannot be had for the simulated GPU: free memory", bytes));
  std::fill_n(storage, rounded.value(), std::byte(0));
  allocations.emplace_back(storage);
  STRATA_TRY(memory.add(storage, bytes));
  return storage;
}

Result<void> SimDevice::copyToDevice(std::byte *to, std::span<const std::byte> from) {
  std::copy(from.begin(), from.end(), to);
  memory.markWritten(to, from.size());
  return {};
}

Result<void> SimDevice::copyFromDevice(std::span<std::byte> to, const std::byte *from) {
  std::copy_n(from, to.size(), to.begin());
  return {};
}

Result<void> SimDevice::run(uint32_t index, const sim::Arguments &operands, uint64_t rows, uint32_t segment,
                            uint64_t sampledCtas) {
  const LoadedKernel &kernel = kernels[index];
  sim::LaunchOptions launch;
  launch.block[0] = kernel.threads;
  launch.grid[0] = kernel.gridX;
  launch.grid[1] = kernel.rowsPerCta ? static_cast<uint32_t>((rows + kernel.rowsPerCta - 1) / kernel.rowsPerCta) : 1;
  launch.dynamicSharedBytes = kernel.dynamicSharedBytes;
  launch.checks = options.checks;
  launch.seed = options.seed;
  launch.sampledCtas = sampledCtas;
  sim::Arguments arguments = operands;
  arguments.add(static_cast<uint32_t>(rows));
  if (kernel.repeats())
    arguments.add(segment);
  STRATA_ASSIGN(sim::Counts counts, launcher.launch(*kernel.program, launch, arguments));
  total += counts;
  if (options.observer)
    options.observer({index, launch.grid, kernel.threads, counts});
  return {};
}

/// Multiplications of a weight with an activation; 0 for what is no product.
static Checked multiplications(const KernelCall &call) {
  using schema::Operation;
  switch (call.operation) {
  case Operation::matmul:
  case Operation::gated_matmul:
  case Operation::head_matmul:
  case Operation::experts_gate_up:
  case Operation::experts_down:
  case Operation::experts_grouped:
    break;
  default:
    return 0;
  }
  Checked sum = 0;
  for (const BoundOperand &operand : call.reads) {
    if (operand.kind != schema::OperandKind::weight)
      continue;
    bool routed = call.parameters.experts > 1 && operand.dimensions[0] == call.parameters.experts;
    sum += Checked(routed ? call.parameters.expertsUsed : operand.dimensions[0]) * operand.dimensions[1] *
           operand.dimensions[2] * call.rows;
  }
  return sum;
}

Result<void> SimDevice::launch(const KernelCall &call) {
  if (call.rows == 0)
    return {};
  sim::Arguments operands;
  for (std::span<const BoundOperand> side : {call.reads, call.writes})
    for (const BoundOperand &operand : side) {
      if (operand.kind == schema::OperandKind::none)
        continue;
      if (operand.kind != schema::OperandKind::kv) {
        operands.add(reinterpret_cast<uint64_t>(operand.data));
        continue;
      }
      operands.add(reinterpret_cast<uint64_t>(operand.kv->layer));
      operands.add(reinterpret_cast<uint64_t>(operand.kv->blockTable));
    }
  bool sampled = options.mostMacs > 0 && !multiplications(call).atMost(options.mostMacs);
  for (size_t first = 0; first < call.kernels.size();) {
    const LoadedKernel &kernel = kernels[call.kernels[first]];
    size_t end = first + 1;
    if (!kernel.repeats()) {
      // The experts of a prompt are sorted first, by all CTAs: the others need it.
      bool sorts = call.operation == schema::Operation::experts_grouped;
      STRATA_TRY(run(call.kernels[first], operands, call.rows, 0, sampled && !sorts ? sim::kSampledCtas : 0));
      first = end;
      continue;
    }
    while (end < call.kernels.size() && kernels[call.kernels[end]].repeats() &&
           kernels[call.kernels[end]].group == kernel.group)
      ++end;
    uint64_t segments = (call.rows * kernel.perRow + kernel.segmentRows - 1) / kernel.segmentRows;
    for (uint32_t segment = 0; segment < segments; ++segment)
      for (size_t i = first; i < end; ++i)
        STRATA_TRY(run(call.kernels[i], operands, call.rows, segment, sampled ? sim::kSampledCtas : 0));
    first = end;
  }
  return {};
}

Result<void> SimDevice::repack(uint32_t kernel, std::byte *weight, uint64_t bytes, uint64_t matrices) {
  std::unique_ptr<std::byte, Free> copy(
      static_cast<std::byte *>(std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment)));
  if (!copy)
    return fail(ExitCode::Machine, "",
                fmt::format("{} bytes of memory cannot be had to repack a weight: free memory", bytes));
  std::copy_n(weight, bytes, copy.get());
  STRATA_TRY(memory.add(copy.get(), bytes));
  memory.markWritten(copy.get(), bytes);
  sim::Arguments operands;
  operands.add(reinterpret_cast<uint64_t>(copy.get())).add(reinterpret_cast<uint64_t>(weight));
  Result<void> result = run(kernel, operands, matrices, 0);
  memory.remove(copy.get());
  return result;
}

} // namespace strata
