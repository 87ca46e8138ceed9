// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Artifact/Checks.h"

#include <fmt/format.h>

namespace strata::artifact {

/// sm_70: threads of a CTA, its shared memory with the opt-in, CTAs along x.
static constexpr uint32_t kMostThreads = 1024, kMostSharedBytes = 96 * 1024, kMostCtas = 0x7fffffff;

static uint32_t kernelCount(const schema::Artifact &artifact) {
  return artifact.kernels() ? artifact.kernels()->size() : 0;
}

static Result<void> checkLaunch(const schema::Kernel &kernel) {
  std::string name = printable(kernel.name());
  if (kernel.threads() == 0 || kernel.threads() > kMostThreads || kernel.threads() % 32 != 0)
    return refuse("A15", fmt::format("kernel {} has CTAs of {} threads: whole warps, at most {}", name,
                                     kernel.threads(), kMostThreads));
  if (kernel.grid_x() == 0 || kernel.grid_x() > kMostCtas)
    return refuse("A15", fmt::format("kernel {} has a grid of {} CTAs", name, kernel.grid_x()));
  if (kernel.dynamic_shared_bytes() > kMostSharedBytes)
    return refuse("A15", fmt::format("kernel {} asks for {} bytes of shared memory, more than the {} of a CTA", name,
                                     kernel.dynamic_shared_bytes(), kMostSharedBytes));
  if ((kernel.segment_rows() == 0) != (kernel.per_row() == 0))
    return refuse("A15", fmt::format("kernel {} is repeated for {} of every {} rows", name, kernel.per_row(),
                                     kernel.segment_rows()));
  return {};
}

/// Addresses that a kernel gets of a dispatch's operands.
static uint32_t addressesOf(const flatbuffers::Vector<const schema::Operand *> &operands) {
  uint32_t count = 0;
  for (const schema::Operand *operand : operands)
    count += operand->kind() == schema::OperandKind::none ? 0 : operand->kind() == schema::OperandKind::kv ? 2 : 1;
  return count;
}

static Result<void> checkDispatch(const schema::Artifact &artifact, const schema::Program &program,
                                  const schema::Block &block, const schema::Dispatch &dispatch) {
  bool onGpu = dispatch.device() == schema::DeviceKind::gpu;
  uint32_t launches = dispatch.kernels() ? dispatch.kernels()->size() : 0;
  if (!hasSeveralTiers(artifact) && dispatch.device() != artifact.arenas()->Get(0)->device())
    return refuse("A20",
                  fmt::format("{} runs on another device than its memory is on", describe(program, block, dispatch)));
  // A25: which dispatches of a plan over several tiers may have none.
  bool mayHaveNone = hasSeveralTiers(artifact) && onGpu;
  if (mayHaveNone && launches == 0)
    return {};
  if (onGpu != (launches > 0))
    return refuse("A14", fmt::format("{} has {} kernels on the {}", describe(program, block, dispatch), launches,
                                     schema::EnumNameDeviceKind(dispatch.device())));
  uint32_t addresses = addressesOf(*dispatch.reads()) + addressesOf(*dispatch.writes());
  for (uint32_t i = 0; i < launches; ++i) {
    uint32_t index = dispatch.kernels()->Get(i);
    if (index >= kernelCount(artifact))
      return refuse("A14", fmt::format("{} refers to kernel {} of {}", describe(program, block, dispatch), index,
                                       kernelCount(artifact)));
    const schema::Kernel &kernel = *artifact.kernels()->Get(index);
    if (kernel.parameters() != addresses)
      return refuse("A15", fmt::format("kernel {} takes {} addresses and {} has {}", printable(kernel.name()),
                                       kernel.parameters(), describe(program, block, dispatch), addresses));
  }
  return {};
}

Result<void> checkKernels(const schema::Artifact &artifact) {
  for (uint32_t i = 0; i < kernelCount(artifact); ++i)
    STRATA_TRY(checkLaunch(*artifact.kernels()->Get(i)));
  for (const schema::Tensor *tensor : *artifact.tensors()) {
    if (tensor->repack() < 0)
      continue;
    if (static_cast<uint32_t>(tensor->repack()) >= kernelCount(artifact))
      return refuse("A14", fmt::format("tensor {} refers to kernel {} of {}", printable(tensor->name()),
                                       tensor->repack(), kernelCount(artifact)));
    if (artifact.kernels()->Get(static_cast<uint32_t>(tensor->repack()))->parameters() != 2)
      return refuse("A15", fmt::format("the kernel that repacks tensor {} does not take two addresses",
                                       printable(tensor->name())));
  }
  for (const schema::Program *program : *artifact.programs())
    STRATA_TRY(forEachDispatch(
        *program, [&](const schema::Block &block, const schema::Stage &, const schema::Dispatch &dispatch) {
          return checkDispatch(artifact, *program, block, dispatch);
        }));
  return {};
}

} // namespace strata::artifact
