// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tests/compiler/Codegen/KernelDevice.h"

#include "compiler/Codegen/CompileKernels.h"
#include "compiler/Codegen/KernelSources.h"

#include <cstring>
#include <fmt/format.h>
#include <new>

namespace strata::test {

using kernels::Kind;
using schema::Operation;

static constexpr std::align_val_t kAlignment{64};

static void freeAligned(std::byte *bytes) {
  ::operator delete[](bytes, kAlignment);
}

const Nvrtc &testNvrtc() {
  static const Nvrtc nvrtc = Nvrtc::open().value();
  return nvrtc;
}

KernelDevice::KernelDevice(Nvrtc &&opened, uint64_t launchSeed) : nvrtc(std::move(opened)), seed(launchSeed) {}

std::unique_ptr<KernelDevice> KernelDevice::create(uint64_t seed) {
  return std::unique_ptr<KernelDevice>(new KernelDevice(Nvrtc(testNvrtc()), seed));
}

Result<std::byte *> KernelDevice::allocate(uint64_t bytes) {
  auto *memoryOfIt = static_cast<std::byte *>(::operator new[](bytes > 0 ? bytes : 1, kAlignment));
  std::memset(memoryOfIt, 0, bytes);
  allocations.emplace_back(memoryOfIt, freeAligned);
  STRATA_TRY(memory.add(memoryOfIt, bytes));
  return memoryOfIt;
}

Result<void> KernelDevice::copyToDevice(std::byte *to, std::span<const std::byte> from) {
  std::memcpy(to, from.data(), from.size());
  memory.markWritten(to, from.size());
  return {};
}

Result<void> KernelDevice::copyFromDevice(std::span<std::byte> to, const std::byte *from) {
  std::memcpy(to.data(), from, to.size());
  return {};
}

/// The unit of one step as the compiler would generate it.
static std::string unitOf(const kernels::Plan &plan, const kernels::Step &step, bool residual,
                          std::span<const float> frequencies) {
  std::string source = unitPrefix(step.files);
  if (step.epilogue) {
    // The width of a row of the result is not in the signature: it is a constant of the generated text.
    source += "static __device__ __forceinline__ void epilogue(float value, unsigned row, unsigned column, const float "
              "*residual, float *result) {\n";
    source += fmt::format("  unsigned long long at = row * {}ull + column;\n  result[at] = {};\n}}\n",
                          step.resultColumns, residual ? "value + residual[at]" : "value");
  }
  if (step.frequencies) {
    std::string numbers;
    for (float frequency : frequencies)
      numbers += fmt::format("{:.9e}f, ", frequency);
    source += fmt::format("__device__ const float frequencies[] = {{{}}};\n", numbers);
  }
  return source + kernels::entryPoint(plan, step, "kernelOfTest");
}

Result<std::vector<const sim::Program *>> KernelDevice::load(const kernels::Plan &plan, bool residual,
                                                             std::span<const float> frequencies) {
  std::vector<KernelUnit> units;
  std::vector<std::string> sources;
  for (const kernels::Step &step : plan.steps) {
    std::string source = unitOf(plan, step, residual, frequencies);
    if (change)
      source = change(std::move(source));
    if (!loaded.contains(source))
      units.push_back({step.name, source});
    sources.push_back(std::move(source));
  }
  STRATA_ASSIGN(CompiledUnits compiled, compileKernels(nvrtc, units, {.workers = 2}));
  for (size_t i = 0; i < units.size(); ++i) {
    STRATA_ASSIGN(sim::Module module, sim::Module::load(compiled.units[i].ptx, memory));
    loaded.emplace(units[i].source, std::make_unique<sim::Module>(std::move(module)));
  }
  std::vector<const sim::Program *> programs;
  for (const std::string &source : sources)
    programs.push_back(loaded.at(source)->find("kernelOfTest"));
  return programs;
}

Result<void> KernelDevice::run(const kernels::Request &request, const Pointers &pointers, uint64_t rows,
                               std::span<const float> frequencies) {
  kernels::Plan plan = kernels::plan(request);
  if (plan.parameters.size() != pointers.size())
    return fail(ExitCode::Bug, "", fmt::format("{} parameters, {} pointers", plan.parameters.size(), pointers.size()));
  STRATA_ASSIGN(std::vector<const sim::Program *> programs, load(plan, request.residual, frequencies));
  auto launchStep = [&](size_t index, uint32_t segment) -> Result<void> {
    const kernels::Step &step = plan.steps[index];
    sim::LaunchOptions options;
    options.block[0] = step.threads;
    options.grid[0] = step.gridX;
    options.grid[1] = step.rowsPerCta == 0 ? 1 : static_cast<uint32_t>((rows + step.rowsPerCta - 1) / step.rowsPerCta);
    options.dynamicSharedBytes = step.dynamicSharedBytes;
    options.seed = seed;
    sim::Arguments arguments;
    for (const std::byte *pointer : pointers)
      arguments.add(pointer);
    arguments.add(static_cast<uint32_t>(rows));
    if (step.segmentRows > 0)
      arguments.add(segment);
    STRATA_ASSIGN(sim::Counts launched, launcher.launch(*programs[index], options, arguments));
    counts += launched;
    return {};
  };
  for (size_t first = 0; first < plan.steps.size();) {
    const kernels::Step &step = plan.steps[first];
    size_t end = first + 1;
    uint64_t segments = 1;
    if (step.segmentRows > 0) {
      while (end < plan.steps.size() && plan.steps[end].segmentRows > 0 && plan.steps[end].group == step.group)
        ++end;
      segments = (rows * step.perRow + step.segmentRows - 1) / step.segmentRows;
    }
    for (uint64_t segment = 0; segment < segments; ++segment)
      for (size_t index = first; index < end; ++index)
        STRATA_TRY(launchStep(index, static_cast<uint32_t>(segment)));
    first = end;
  }
  return {};
}

Result<const std::byte *> KernelDevice::repacked(const BoundOperand &weight) {
  if (!kernels::isRepacked(weight.encoding))
    return weight.data;
  kernels::Request request;
  request.kind = Kind::Repack;
  request.weights[0] = weight.encoding;
  auto [matrices, rows, columns] = weight.dimensions;
  request.results = static_cast<uint32_t>(rows);
  request.columns = static_cast<uint32_t>(columns);
  STRATA_ASSIGN(std::byte * to, allocate(encodedBytes(weight.encoding, columns, matrices * rows).value()));
  STRATA_TRY(run(request, {weight.data, to}, matrices, {}));
  return to;
}

static bool present(const BoundOperand &operand) {
  return operand.kind != schema::OperandKind::none;
}

/// What the constants of the kernels are, from the operands as they are bound.
static kernels::Request requestOf(const KernelCall &call) {
  const CallParameters &parameters = call.parameters;
  kernels::Request request;
  request.operation = call.operation;
  request.form = call.form;
  request.activations = call.activations;
  request.maximumRows = static_cast<uint32_t>(call.rows);
  request.heads = parameters.heads;
  request.epsilon = parameters.epsilon;
  request.magnitude = parameters.magnitude;
  request.scale = parameters.scale;
  request.nope = parameters.nope;
  request.rope = static_cast<uint32_t>(parameters.frequencies.size() * 2);
  request.splitPositions = parameters.splitPositions;
  request.experts = parameters.experts;
  request.expertsUsed = parameters.expertsUsed;
  request.width = parameters.width;
  request.sharedWidth = parameters.sharedWidth;
  request.groups = parameters.groups;
  request.groupsUsed = parameters.groupsUsed;
  request.gate = parameters.gate;
  request.normalise = parameters.normalise;
  request.columns = static_cast<uint32_t>(call.reads[0].columns);
  size_t weights = 0;
  for (const BoundOperand &operand : call.reads) {
    if (operand.kind == schema::OperandKind::weight)
      request.weights[weights++] = operand.encoding;
    if (operand.kind == schema::OperandKind::kv) {
      request.kv = operand.kv->encoding;
      request.latent = operand.kv->latent;
      request.rope = operand.kv->rope;
      request.blocksPerSequence = operand.kv->blocksPerSequence;
    }
  }
  auto result = static_cast<uint32_t>(call.writes[0].columns);
  switch (call.operation) {
  case Operation::embed:
    request.results = static_cast<uint32_t>(call.reads[1].dimensions[1]);
    request.columns = static_cast<uint32_t>(call.reads[1].dimensions[2]);
    break;
  case Operation::matmul:
    request.residual = present(call.reads[2]);
    request.results = result;
    break;
  case Operation::gated_matmul:
    request.results = result;
    break;
  case Operation::head_matmul:
    request.columns /= parameters.heads;
    request.results = result / parameters.heads;
    break;
  case Operation::kv_append:
    request.kv = call.writes[0].kv->encoding;
    request.latent = call.writes[0].kv->latent;
    request.blocksPerSequence = call.writes[0].kv->blocksPerSequence;
    break;
  case Operation::attention_splits:
    request.splits = result / (parameters.heads * (request.latent + 2));
    break;
  case Operation::attention_combine:
    request.latent = result / parameters.heads;
    request.splits = static_cast<uint32_t>(call.reads[0].columns / (parameters.heads * (request.latent + 2)));
    break;
  case Operation::route:
    request.experts = request.columns;
    request.bias = present(call.reads[1]);
    break;
  case Operation::experts_down:
  case Operation::experts:
    request.residual = true;
    request.columns = result;
    break;
  default:
    break;
  }
  if (call.operation == Operation::experts)
    request.segmentRows = static_cast<uint32_t>(call.reads[12].rows);
  return request;
}

Result<void> KernelDevice::launch(const KernelCall &call) {
  kernels::Request request = requestOf(call);
  Pointers pointers;
  auto add = [&](const BoundOperand &operand) -> Result<void> {
    if (operand.kind == schema::OperandKind::weight) {
      STRATA_ASSIGN(const std::byte *weight, repacked(operand));
      pointers.push_back(weight);
    } else if (operand.kind == schema::OperandKind::kv) {
      pointers.push_back(operand.kv->layer);
      pointers.push_back(reinterpret_cast<const std::byte *>(operand.kv->blockTable));
    } else if (present(operand)) {
      pointers.push_back(operand.data);
    }
    return {};
  };
  bool experts = call.operation == Operation::experts;
  for (size_t i = 0; i < (experts ? 10 : call.reads.size()); ++i)
    STRATA_TRY(add(call.reads[i]));
  Pointers scratch;
  if (experts) {
    // The scratch of a device of this kind is not that of the host.
    uint64_t widest = std::max(request.width, request.sharedWidth);
    uint64_t tokens = call.rows, segment = request.segmentRows;
    for (uint64_t bytes : {tokens * request.columns * 4, tokens * request.expertsUsed * 4,
                           tokens * request.expertsUsed * 4, (request.experts + uint64_t{1}) * 4, segment * widest * 4,
                           segment * widest * 4, segment * request.columns * 4}) {
      STRATA_ASSIGN(std::byte * allocated, allocate(bytes));
      scratch.push_back(allocated);
    }
    pointers.insert(pointers.end(), scratch.begin(), scratch.end());
  }
  for (size_t i = 0; i < (experts ? 1 : call.writes.size()); ++i)
    STRATA_TRY(add(call.writes[i]));
  pointers.insert(pointers.end(), scratch.begin(), scratch.end());
  return run(request, pointers, call.rows, call.parameters.frequencies);
}

} // namespace strata::test
