// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The kernels of the real model, by shape: what a sample of their CTAs says of all, and how often they are launched.
#include "runtime/Simulator/Footprint.h"
#include "tools/bench/KernelSimulation.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace strata::bench {
namespace {

std::vector<ShapedKernel> kernelsOfV31(uint32_t sequences) {
  gguf::Model model =
      gguf::Model::open(STRATA_DERIVED_MODELS "/deepseek-v3.1-q4_0.header.gguf", {.headerOnly = true}).value();
  return decodeKernels(model, describeModel(model, {}).value(), {sequences, 256});
}

TEST(DecodeKernels, AreThoseOfTheModel) {
  std::vector<ShapedKernel> products = kernelsOfV31(1);
  uint64_t macs = 0;
  for (const ShapedKernel &product : products)
    macs += product.launches * product.macs();
  // 37 billion parameters are active for a token; all but the embedding, norms and the like are in these products.
  EXPECT_GT(macs, 36'000'000'000u);
  EXPECT_LT(macs, 37'000'000'000u);
  auto launches = [&](std::string_view name) {
    auto found = std::find_if(products.begin(), products.end(), [&](auto &product) { return product.name == name; });
    return found == products.end() ? 0 : found->launches;
  };
  EXPECT_EQ(launches("attn_q_a"), 61u);
  EXPECT_EQ(launches("ffn_gate_up"), 3u);
  EXPECT_EQ(launches("ffn_down_exps"), 58u);
  EXPECT_EQ(launches("output"), 1u);
}

TEST(PromptProducts, AreInTheManyColumnForm) {
  gguf::Model model =
      gguf::Model::open(STRATA_DERIVED_MODELS "/deepseek-v3.1-q4_0.header.gguf", {.headerOnly = true}).value();
  uint64_t macs = 0;
  for (const ShapedKernel &kernel : promptProducts(model, describeModel(model, {}).value(), 100)) {
    EXPECT_EQ(kernel.request.form, schema::Form::many);
    EXPECT_EQ(kernel.request.maximumRows, 100u);
    macs += kernel.launches * kernel.macs();
  }
  EXPECT_GT(macs, 100 * 12'000'000'000u) << "attention's 11.4 billion weights, dense layers and routers";
  EXPECT_LT(macs, 100 * 14'000'000'000u);
}

/// `a` is within the share `bound` of `b`.
void expectNear(uint64_t a, uint64_t b, double bound, const char *what) {
  EXPECT_NEAR(static_cast<double>(a), static_cast<double>(b), bound * static_cast<double>(b)) << what;
}

TEST(ASampleOfAProduct, SaysWhatAllCtasSay) {
  Nvrtc nvrtc = Nvrtc::open().value();
  for (uint32_t sequences : {1u, 8u}) {
    std::vector<ShapedKernel> products = kernelsOfV31(sequences);
    std::erase_if(products, [](auto &product) { return product.name != "attn_q_a" && product.name != "attn_v_b"; });
    ASSERT_EQ(products.size(), 2u);
    CompiledUnits compiled = compileKernelsOf(nvrtc, products).value();
    for (size_t i = 0; i < products.size(); ++i) {
      SCOPED_TRACE(products[i].name);
      SimulatedKernel whole = simulateKernel(products[i], compiled.units[i], 0).value();
      SimulatedKernel sample = simulateKernel(products[i], compiled.units[i], 64).value();
      EXPECT_EQ(whole.counts.executedCtas, whole.counts.ctas);
      EXPECT_EQ(sample.counts.ctas, whole.counts.ctas);
      EXPECT_LE(sample.counts.executedCtas, 64u);
      expectNear(sample.counts.warpInstructions, whole.counts.warpInstructions, 0.001, "instructions");
      expectNear(sample.counts.globalSectors, whole.counts.globalSectors, 0.03, "sectors");
      expectNear(sample.counts.globalLines, whole.counts.globalLines, 0.03, "lines");
      expectNear(sample.counts.fetchedSectors, whole.counts.fetchedSectors, 0.03, "sectors past L1");
      expectNear(sample.counts.uniqueSectorsRead, whole.counts.uniqueSectorsRead, 0.05, "different sectors");
      expectNear(sample.counts.ctaCycles, whole.counts.ctaCycles, 0.05, "cycles");
      double seconds = modelTime(sim::v100s(), whole.shape, whole.counts).seconds;
      EXPECT_NEAR(modelTime(sim::v100s(), sample.shape, sample.counts).seconds, seconds, 0.03 * seconds);
    }
  }
}

} // namespace
} // namespace strata::bench
