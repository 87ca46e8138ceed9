// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Device/Host/HostDevice.h"

#include "runtime/Base/HostLimits.h"
#include "runtime/Device/Host/Attention/Tile.h"
#include "runtime/Device/Host/Kernels.h"
#include "runtime/Device/Host/Scratch.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>

namespace strata {

using schema::Operation;

Result<std::unique_ptr<HostDevice>> HostDevice::create(const HostDeviceOptions &options) {
  if (options.isa > bestIsa())
    return fail(ExitCode::Machine, "",
                fmt::format("this processor does not have {}: its best level is {}, which is used without --isa",
                            isaName(options.isa), isaName(bestIsa())));
  STRATA_ASSIGN(std::unique_ptr<ThreadPool> pool, ThreadPool::create(options.threads));
  Checked scratchBytes = Checked(options.workerScratchBytes).alignUp(64);
  Checked allScratch = scratchBytes * options.threads;
  if (!allScratch.valid())
    return fail(ExitCode::Machine, "",
                fmt::format("{} threads with {} bytes of scratch each are more than there is memory: use fewer with "
                            "--threads",
                            options.threads, options.workerScratchBytes));
  std::unique_ptr<HostDevice> device(new HostDevice(std::move(pool), scratchBytes.value(), options.isa));
  STRATA_ASSIGN(device->scratch, device->allocate(allScratch.value()));
  return device;
}

HostDevice::HostDevice(std::unique_ptr<ThreadPool> threadPool, uint64_t scratchBytes, Isa level)
    : pool(std::move(threadPool)), isa(level), workerScratchBytes(scratchBytes) {}

std::vector<std::string> HostDevice::notes() const {
  std::vector<std::string> notes;
  HostLimits limits = hostLimits();
  if (isa == Isa::portable)
    notes.emplace_back("this processor has no AVX2: the portable kernels run, which are several times slower");
  if (limits.fractionOfCore)
    notes.emplace_back("the CPU quota of this process is less than one core: its thread is throttled");
  if (pool->threads() > limits.cores)
    notes.push_back(
        fmt::format("{} threads share {} cores: --threads={} is faster", pool->threads(), limits.cores, limits.cores));
  else if (pool->threads() > 1 && !pool->pinned())
    notes.emplace_back("threads cannot be kept on cores of their own here: the system moves them");
  if (!limits.hugePages)
    notes.emplace_back("huge pages are switched off (/sys/kernel/mm/transparent_hugepage/enabled): weights are read a "
                       "few percent slower");
  return notes;
}

Result<std::byte *> HostDevice::allocate(uint64_t bytes) {
  PageMemory memory(bytes);
  if (!memory.data())
    return fail(ExitCode::Machine, "",
                fmt::format("{} bytes of memory cannot be had ({}): free memory, or compile for less with --context, "
                            "--sequences or --prompt-tokens",
                            bytes, std::strerror(errno)));
  memories.push_back(std::move(memory));
  return memories.back().data();
}

Result<void> HostDevice::copyToDevice(std::byte *to, std::span<const std::byte> from) {
  std::copy(from.begin(), from.end(), to);
  return {};
}

Result<void> HostDevice::copyFromDevice(std::span<std::byte> to, const std::byte *from) {
  std::copy_n(from, to.size(), to.begin());
  return {};
}

static HostScratchShape scratchShape(const KernelCall &call) {
  HostScratchShape shape{.operation = call.operation};
  switch (call.operation) {
  case Operation::attention:
  case Operation::attention_splits:
    shape.latent = call.reads[2].kv->latent;
    shape.rope = call.reads[2].kv->rope;
    break;
  case Operation::kv_append:
    shape.latent = call.writes[0].kv->latent;
    shape.rope = call.writes[0].kv->rope;
    break;
  case Operation::query_rope:
    shape.rope = call.parameters.frequencies.size() * 2;
    break;
  case Operation::route:
    shape.experts = call.reads[0].columns;
    shape.groups = call.parameters.groups;
    break;
  default:
    break;
  }
  return shape;
}

static Result<void> run(const host::Context &context, const KernelCall &call) {
  switch (call.operation) {
  case Operation::embed:
    return host::embed(context, call), Result<void>();
  case Operation::add:
    return host::add(context, call), Result<void>();
  case Operation::rms_norm:
    return host::rmsNorm(context, call), Result<void>();
  case Operation::quantise:
    return host::quantise(context, call), Result<void>();
  case Operation::matmul:
    return host::matmul(context, call);
  case Operation::gated_matmul:
    return host::gatedMatmul(context, call);
  case Operation::head_matmul:
    return host::headMatmul(context, call);
  case Operation::query_rope:
    return host::queryRope(context, call), Result<void>();
  case Operation::kv_append:
    return host::kvAppend(context, call), Result<void>();
  case Operation::attention_splits:
    return host::attentionSplits(context, call), Result<void>();
  case Operation::attention_combine:
    return host::attentionCombine(context, call), Result<void>();
  case Operation::attention:
    return host::attention(context, call), Result<void>();
  case Operation::route:
    return host::route(context, call), Result<void>();
  case Operation::experts_gate_up:
    return host::expertsGateUp(context, call);
  case Operation::experts_down:
    return host::expertsDown(context, call);
  case Operation::experts:
    return host::experts(context, call);
  case Operation::experts_grouped:
  case Operation::rms_norm_quantise:
  case Operation::rms_norm_both:
    return fail(
        ExitCode::Input, "A20",
        fmt::format("{} runs on a GPU only: compile the model again", schema::EnumNameOperation(call.operation)));
  case Operation::transfer:
  case Operation::wait:
  case Operation::stream:
    return fail(ExitCode::Input, "A20", "a transfer is nothing that a device computes: compile the model again");
  }
  return fail(ExitCode::Input, "A13", "the artifact has an operation that this device does not know");
}

static const host::AttentionKernels &attentionKernelsOf(Isa isa) {
  switch (isa) {
  case Isa::avx512:
    return host::kAvx512Attention;
  case Isa::avx2:
    return host::kAvx2Attention;
  case Isa::portable:
    break;
  }
  return host::kPortableAttention;
}

Result<void> HostDevice::launch(const KernelCall &call) {
  Checked needed = hostWorkerScratchBytes(scratchShape(call));
  if (!needed.atMost(workerScratchBytes))
    return fail(ExitCode::Input, "A18",
                fmt::format("{} needs {} bytes of scratch per thread but the artifact provides {}: compile the model "
                            "again",
                            schema::EnumNameOperation(call.operation), needed.value(), workerScratchBytes));
  return run(host::Context{*pool, isa, attentionKernelsOf(isa), scratch, workerScratchBytes}, call);
}

Result<void> HostDevice::synchronise() {
  return {};
}

} // namespace strata
