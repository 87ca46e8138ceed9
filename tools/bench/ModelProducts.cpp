// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/ModelProducts.h"

#include "runtime/Simulator/Sample.h"
#include "tools/DescribeModel.h"
#include "tools/bench/KernelTable.h"
#include "tools/bench/ProductSimulation.h"

#include <array>
#include <fstream>
#include <iostream>

namespace strata::bench {

bool isGguf(const std::string &path) {
  std::array<char, 4> magic = {};
  std::ifstream(path, std::ios::binary).read(magic.data(), magic.size());
  return std::string_view(magic.data(), magic.size()) == "GGUF";
}

Result<ExitCode> benchModelProducts(const Options &options) {
  STRATA_ASSIGN(gguf::Model model, gguf::Model::open(options.model, {.headerOnly = true}));
  STRATA_ASSIGN(ModelDescription description, describeAndReport("strata-bench", model, {}));
  STRATA_ASSIGN(Nvrtc nvrtc, Nvrtc::open());
  std::vector<DecodeProduct> products = decodeProducts(model, description, options.sequences);
  STRATA_ASSIGN(CompiledUnits compiled, compileProducts(nvrtc, products));

  std::string file = options.model.substr(options.model.find_last_of('/') + 1);
  KernelTable table({buildCommit(), std::string(modelledGpu().name), escapeName(file), "sim"});
  for (size_t i = 0; i < products.size(); ++i) {
    bool sampled = options.mostMacs > 0 && products[i].macs() > options.mostMacs;
    STRATA_ASSIGN(SimulatedProduct simulated,
                  simulateProduct(products[i], compiled.units[i], sampled ? sim::kSampledCtas : 0));
    KernelTotal total;
    for (uint64_t launch = 0; launch < products[i].launches; ++launch)
      total.add(simulated.shape, simulated.counts);
    table.add("decode", products[i].name, total);
  }
  std::cout << table.format(options.output);
  return ExitCode::Done;
}

} // namespace strata::bench
