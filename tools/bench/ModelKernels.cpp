// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/ModelKernels.h"

#include "runtime/Simulator/Sample.h"
#include "tools/DescribeModel.h"
#include "tools/bench/KernelSimulation.h"
#include "tools/bench/KernelTable.h"

#include <array>
#include <fstream>
#include <iostream>

namespace strata::bench {

bool isGguf(const std::string &path) {
  std::array<char, 4> magic = {};
  std::ifstream(path, std::ios::binary).read(magic.data(), magic.size());
  return std::string_view(magic.data(), magic.size()) == "GGUF";
}

Result<ExitCode> benchModelKernels(const Options &options) {
  STRATA_ASSIGN(gguf::Model model, gguf::Model::open(options.model, {.headerOnly = true}));
  STRATA_ASSIGN(ModelDescription description, describeAndReport("strata-bench", model, {}));
  Result<Nvrtc> nvrtc = Nvrtc::open({.option = options.nvrtc});
  if (!nvrtc)
    return tl::unexpected<Error>(std::move(nvrtc.error()));
  std::vector<DecodeKernel> all = decodeKernels(model, description, {options.sequences, options.context});
  STRATA_ASSIGN(CompiledUnits compiled, compileDecodeKernels(*nvrtc, all));

  std::string file = options.model.substr(options.model.find_last_of('/') + 1);
  KernelTable table({buildCommit(), std::string(modelledGpu().name), escapeName(file), "sim"}, nvrtc);
  for (size_t i = 0; i < all.size(); ++i) {
    bool sampled = options.mostMacs > 0 && all[i].macs() > options.mostMacs;
    STRATA_ASSIGN(SimulatedKernel simulated,
                  simulateKernel(all[i], compiled.units[i], sampled ? sim::kSampledCtas : 0));
    KernelTotal total;
    for (uint64_t launch = 0; launch < all[i].launches; ++launch)
      total.add(simulated.shape, simulated.counts);
    table.add("decode", all[i].name, total);
  }
  std::cout << table.format(options.output);
  return ExitCode::Done;
}

} // namespace strata::bench
