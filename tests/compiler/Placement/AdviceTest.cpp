// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Placement/Advice.h"

#include "compiler/Placement/Requantise.h"
#include "tests/compiler/Placement/PlacementFixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Advice, AFasterDiskHelpsADiskBoundPlanMost) {
  auto advice = valueOrThrow(adviseFaster(v31Weights(), machineOf("ovh-ai1-1-gpu"), defaultRequest()));
  ASSERT_GE(advice.size(), 3u);
  EXPECT_EQ(advice[0].change, "a disk of 4.0 GB/s");
  EXPECT_NEAR(advice[0].gain, 0.99, 0.01);
  for (size_t i = 1; i < advice.size(); ++i)
    EXPECT_LE(advice[i].gain, advice[i - 1].gain);
}

TEST(Advice, WhatIsAdvisedIsWhatItBrings) {
  ModelWeights weights = v31Weights();
  MachineDescription machine = machineOf("ovh-ai1-1-gpu");
  for (const Advice &one : valueOrThrow(adviseFaster(weights, machine, defaultRequest())))
    if (one.change == "16.0 GiB more RAM") {
      machine.ramBytes += uint64_t(16) << 30;
      Plan plan = valueOrThrow(makePlan(weights, machine, defaultRequest()));
      EXPECT_DOUBLE_EQ(predict(plan, weights, machine).uniform.tokensPerSecond(), one.tokensPerSecond);
      return;
    }
  FAIL() << "no advice about RAM";
}

TEST(Advice, OptionsThatMakeAPlanFit) {
  ModelWeights weights = v31Weights();
  PlanRequest request = defaultRequest(163840);
  request.settings.kvNumberBytes = 4;
  MachineDescription machine = hostWith(uint64_t(24) << 30);
  auto advice = valueOrThrow(adviseFitting(weights, machine, request));
  EXPECT_THAT(advice, ElementsAre("--kv=f16", "--context=81920", HasSubstr("more RAM")));
  request.settings.kvNumberBytes = 2;
  EXPECT_FALSE(valueOrThrow(makePlan(weights, machine, request)).shortfall);
  EXPECT_TRUE(valueOrThrow(adviseFitting(weights, machine, request)).empty()) << "it fits";
}

uint64_t bytesAs(Encoding encoding, const char *list = kPlainList) {
  auto tensors = requantise(readTensorList(list), encoding);
  return valueOrThrow(weighModel(tensors.value(), describeOrThrow(openV31()))).total;
}

TEST(Requantise, SizesOfV31) {
  EXPECT_EQ(bytesAs(Encoding::Q4_0), 378060636160u) << "the plain list itself";
  EXPECT_EQ(bytesAs(Encoding::Q4_0, kImatrixList), 378060636160u) << "the Q4_1 tensors too";
  constexpr uint64_t kParameters = 671026419200, kPlain = 106445312 + 1006592;
  EXPECT_EQ(bytesAs(Encoding::Q8_0), (kParameters - kPlain) / 32 * 34 + kPlain * 4);
  // Rows of attn_k_b have 128 elements and fall back to Q8_0.
  constexpr uint64_t kKeys = 61 * 128ull * 512 * 128;
  EXPECT_EQ(bytesAs(Encoding::Q6_K), (kParameters - kPlain - kKeys) / 256 * 210 + kKeys / 32 * 34 + kPlain * 4);
  EXPECT_EQ(bytesAs(Encoding::Q4_K), (kParameters - kPlain - kKeys - 926679040) / 256 * 144 + 926679040 / 256 * 210 +
                                         kKeys / 32 * 22 + kPlain * 4);
  uint64_t before = ~uint64_t(0);
  for (Encoding encoding : comparedEncodings()) {
    EXPECT_LT(bytesAs(encoding), before);
    before = bytesAs(encoding);
  }
}

TEST(Requantise, RowsThatFitNoBlockHaveNoSize) {
  std::vector<gguf::TensorInfo> tensors = readTensorList(kPlainList);
  tensors[0].encoding = Encoding::F16;
  tensors[0].dimensions.back() = 33;
  EXPECT_FALSE(requantise(tensors, Encoding::Q4_K));
}

TEST(Requantise, PerplexityIsASiblings) {
  ModelDescription v31 = describeOrThrow(openV31());
  EXPECT_THAT(std::string(publishedPerplexity(v31, Encoding::Q4_0)), HasSubstr("3.2895 (R1-0528)"));
  EXPECT_EQ(publishedPerplexity(v31, Encoding::Q5_K), "");
  EXPECT_EQ(publishedPerplexity(describeOrThrow(openTiny()), Encoding::Q4_0), "");
  EXPECT_EQ(mainEncoding(readTensorList(kImatrixList)), Encoding::Q4_0);
}

} // namespace
} // namespace strata
