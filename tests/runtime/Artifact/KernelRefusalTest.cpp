// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// One case for each way in which the kernels of an artifact can be what cannot be launched.

#include "tests/runtime/Artifact/Refusal.h"

namespace strata::test {
namespace {

using schema::ArtifactT;
using schema::Operation;

/// As if the artifact were for a GPU, where no dispatch has kernels yet.
void moveToGpu(ArtifactT &artifact) {
  artifact.kv->gpu_layers = artifact.kv->layers;
  for (auto &arena : artifact.arenas) {
    arena->device = schema::DeviceKind::gpu;
    arena->tier = schema::Tier::gpu;
  }
  for (auto &tensor : artifact.tensors)
    tensor->tier = schema::Tier::gpu;
  for (auto &program : artifact.programs)
    for (auto &each : program->blocks)
      for (auto &stage : each->stages)
        for (auto &inStage : stage->dispatches)
          inStage->device = schema::DeviceKind::gpu;
}
/// Adds a kernel that could be launched.
schema::KernelT &addKernel(ArtifactT &artifact, uint32_t parameters) {
  auto kernel = std::make_unique<schema::KernelT>();
  kernel->name = "kernel";
  kernel->parameters = parameters;
  kernel->threads = 128;
  kernel->grid_x = 1;
  artifact.kernels.push_back(std::move(kernel));
  return *artifact.kernels.back();
}

const std::vector<RefusalCase> &cases() {
  static const std::vector<RefusalCase> all = {
      {"A14_HostHasNoKernels", "has 1 kernels on the host",
       [](ArtifactT &a) { decodeDispatch(a, kEmbeddingBlock, Operation::embed).kernels = {0}; }},
      {"A14_GpuHasKernels", "has 0 kernels on the gpu", moveToGpu},
      {"A14_KernelOfDispatch", "refers to kernel 1 of 1",
       [](ArtifactT &a) {
         moveToGpu(a);
         addKernel(a, 3);
         decodeDispatch(a, kEmbeddingBlock, Operation::embed).kernels = {1};
       }},
      {"A14_KernelOfTensor", "tensor token_embd.weight refers to kernel 0 of 0",
       [](ArtifactT &a) { a.tensors[0]->repack = 0; }},
      {"A15_Addresses", "kernel kernel takes 2 addresses and embed of block embedding in the decode program has 3",
       [](ArtifactT &a) {
         moveToGpu(a);
         addKernel(a, 2);
         decodeDispatch(a, kEmbeddingBlock, Operation::embed).kernels = {0};
       }},
      {"A15_RepackAddresses", "the kernel that repacks tensor token_embd.weight does not take two addresses",
       [](ArtifactT &a) {
         addKernel(a, 3);
         a.tensors[0]->repack = 0;
       }},
      {"A15_Threads", "kernel kernel has CTAs of 100 threads", [](ArtifactT &a) { addKernel(a, 2).threads = 100; }},
      {"A15_Grid", "kernel kernel has a grid of 0 CTAs", [](ArtifactT &a) { addKernel(a, 2).grid_x = 0; }},
      {"A15_SharedMemory", "kernel kernel asks for 98305 bytes of shared memory",
       [](ArtifactT &a) { addKernel(a, 2).dynamic_shared_bytes = 98305; }},
      {"A15_Segments", "kernel kernel is repeated for 0 of every 8 rows",
       [](ArtifactT &a) { addKernel(a, 2).segment_rows = 8; }},
  };
  return all;
}

class ArtifactKernelRefusal : public testing::TestWithParam<RefusalCase> {};

TEST_P(ArtifactKernelRefusal, IsRefused) {
  expectRefused(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Cases, ArtifactKernelRefusal, testing::ValuesIn(cases()),
                         [](const auto &info) { return info.param.name; });

} // namespace
} // namespace strata::test
