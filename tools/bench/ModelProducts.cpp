// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/ModelProducts.h"

#include "tools/DescribeModel.h"
#include "tools/bench/KernelTable.h"
#include "tools/bench/ProductSimulation.h"

#include <array>
#include <fstream>
#include <iostream>

namespace strata::bench {

/// Above this a launch is counted on a sample of its CTAs: what all of them would take, seconds instead of half a
/// minute.
static constexpr uint64_t kMostMacs = 100'000'000;
static constexpr uint64_t kSampledCtas = 64;

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
    uint64_t sample = products[i].macs() > kMostMacs ? kSampledCtas : 0;
    STRATA_ASSIGN(SimulatedProduct simulated, simulateProduct(products[i], compiled.units[i], sample));
    KernelTotal total;
    for (uint64_t launch = 0; launch < products[i].launches; ++launch)
      total.add(simulated.shape, simulated.counts);
    table.add("decode", products[i].name, total);
  }
  std::cout << table.format(options.output);
  return ExitCode::Done;
}

} // namespace strata::bench
