// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Artifact/Sections.h"
#include "dialects/Kern/KernOps.h"

#include <fmt/format.h>

namespace strata {

static std::unique_ptr<schema::KernelT> kernelSection(kern::FuncOp function, const CompiledKernel &compiled) {
  auto section = std::make_unique<schema::KernelT>();
  section->name = function.getSymName().str();
  section->source = compiled.source;
  section->ptx = compiled.ptx;
  for (std::byte byte : compiled.cubin)
    section->cubin.push_back(static_cast<uint8_t>(byte));
  section->parameters = function.getPointerCount();
  kern::LaunchAttr launch = function.getLaunch();
  section->threads = launch.getThreads();
  section->grid_x = launch.getGridX();
  section->rows_per_cta = launch.getRowsPerCta();
  section->dynamic_shared_bytes = launch.getSharedBytes();
  if (kern::RepeatAttr repeat = function.getRepeatAttr()) {
    section->group = repeat.getGroup();
    section->per_row = repeat.getPerRow();
    section->segment_rows = repeat.getSegmentRows();
  }
  section->registers = compiled.registers;
  section->shared_bytes = compiled.sharedBytes;
  section->stack_bytes = compiled.stackBytes;
  return section;
}

Result<std::vector<std::unique_ptr<schema::KernelT>>> kernelSections(mlir::ModuleOp plan,
                                                                     std::span<const CompiledKernel> compiled) {
  std::vector<std::unique_ptr<schema::KernelT>> sections;
  for (auto function : plan.getOps<kern::FuncOp>()) {
    if (sections.size() == compiled.size())
      return planError(fmt::format("kernel @{} was not compiled", function.getSymName().str()));
    sections.push_back(kernelSection(function, compiled[sections.size()]));
  }
  return sections;
}

} // namespace strata
