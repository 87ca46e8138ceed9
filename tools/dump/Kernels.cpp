// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The kernels of an artifact for a GPU.
#include "tools/dump/Dump.h"

#include <algorithm>

namespace strata {

namespace {

template <typename Visit> void forEachKernel(const LoadedArtifact &artifact, Visit visit) {
  if (const auto *kernels = artifact.root().kernels())
    for (const schema::Kernel *kernel : *kernels)
      visit(*kernel);
}

/// The column of names is as wide as the longest.
size_t nameWidth(const LoadedArtifact &artifact) {
  size_t width = std::string_view("kernel").size();
  forEachKernel(artifact,
                [&](const schema::Kernel &kernel) { width = std::max(width, dump::name(kernel.name()).size()); });
  return width;
}

/// A text of every kernel under its name.
std::string texts(const LoadedArtifact &artifact, std::string_view title,
                  const flatbuffers::String *(schema::Kernel::*text)() const) {
  std::string result = dump::banner(title);
  forEachKernel(artifact, [&](const schema::Kernel &kernel) {
    result += fmt::format("// {}\n{}\n", dump::name(kernel.name()), (kernel.*text)()->string_view());
  });
  return result;
}

} // namespace

std::string dumpKernels(const LoadedArtifact &artifact) {
  std::string result = dump::banner("Kernels");
  size_t width = nameWidth(artifact);
  result += fmt::format("{:<{}}{:>9}{:>10}{:>10}{:>9}  repeated\n", "kernel", width, "threads", "grid x", "rows/CTA",
                        "shared");
  forEachKernel(artifact, [&](const schema::Kernel &kernel) {
    result += fmt::format("{:<{}}{:>9}{:>10}{:>10}{:>9}", dump::name(kernel.name()), width, kernel.threads(),
                          dump::thousands(kernel.grid_x()), kernel.rows_per_cta(),
                          dump::thousands(uint64_t(kernel.dynamic_shared_bytes()) + kernel.shared_bytes()));
    if (kernel.segment_rows())
      result += fmt::format("  for every {} of {} a row", dump::thousands(kernel.segment_rows()), kernel.per_row());
    result += "\n";
  });
  return result;
}

std::string dumpResources(const LoadedArtifact &artifact) {
  std::string result = dump::banner("Resources");
  size_t width = nameWidth(artifact);
  result += fmt::format("{:<{}}{:>10}{:>14}{:>15}{:>9}{:>12}\n", "kernel", width, "registers", "static shared",
                        "dynamic shared", "stack", "cubin");
  forEachKernel(artifact, [&](const schema::Kernel &kernel) {
    result += fmt::format("{:<{}}{:>10}{:>14}{:>15}{:>9}{:>12}\n", dump::name(kernel.name()), width, kernel.registers(),
                          kernel.shared_bytes(), kernel.dynamic_shared_bytes(), kernel.stack_bytes(),
                          dump::thousands(kernel.cubin()->size()));
  });
  return result;
}

std::string dumpSource(const LoadedArtifact &artifact) {
  return texts(artifact, "CUDA source", &schema::Kernel::source);
}

std::string dumpPtx(const LoadedArtifact &artifact) {
  return texts(artifact, "PTX", &schema::Kernel::ptx);
}

} // namespace strata
