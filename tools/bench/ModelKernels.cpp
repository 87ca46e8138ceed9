// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/ModelKernels.h"

#include "runtime/Simulator/Sample.h"
#include "tools/DescribeModel.h"
#include "tools/bench/KernelSimulation.h"
#include "tools/bench/KernelTable.h"

#include <iostream>

namespace strata::bench {

/// Adds a row for each of the kernels, which are one program's.
static Result<void> addKernels(KernelTable &table, const char *program, const std::vector<ShapedKernel> &shaped,
                               const Nvrtc &nvrtc, uint64_t mostMacs, uint64_t sampledCtas) {
  STRATA_ASSIGN(CompiledUnits compiled, compileKernelsOf(nvrtc, shaped));
  for (size_t i = 0; i < shaped.size(); ++i) {
    bool sampled = mostMacs > 0 && shaped[i].macs() > mostMacs;
    STRATA_ASSIGN(SimulatedKernel simulated, simulateKernel(shaped[i], compiled.units[i], sampled ? sampledCtas : 0));
    KernelTotal total;
    for (uint64_t launch = 0; launch < shaped[i].launches; ++launch)
      total.add(simulated.shape, simulated.counts);
    total.macs = shaped[i].launches * shaped[i].macs();
    table.add(program, shaped[i].name, total);
  }
  return {};
}

Result<ExitCode> benchModelKernels(const Options &options) {
  STRATA_ASSIGN(gguf::Model model, gguf::Model::open(options.model, {.headerOnly = true}));
  STRATA_ASSIGN(ModelDescription description, describeAndReport("strata-bench", model, {}));
  Result<Nvrtc> nvrtc = Nvrtc::open({.option = options.nvrtc});
  if (!nvrtc)
    return tl::unexpected<Error>(std::move(nvrtc.error()));
  std::string file = options.model.substr(options.model.find_last_of('/') + 1);
  KernelTable table({buildCommit(), std::string(modelledGpu().name), escapeName(file), "sim"}, nvrtc);
  STRATA_TRY(addKernels(table, "decode", decodeKernels(model, description, {options.sequences, options.context}),
                        *nvrtc, options.mostMacs, sim::kSampledCtas));
  // CTAs of tensor-core tiles are alike, and each does much.
  STRATA_TRY(addKernels(table, "prompt", promptProducts(model, description, options.tokens), *nvrtc, options.mostMacs,
                        sim::kSampledCtas / 4));
  std::cout << table.format(options.output);
  return ExitCode::Done;
}

} // namespace strata::bench
