// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The numbers of DeepSeek V3.1, to the byte.

#include "compiler/Placement/Inventory.h"
#include "tests/compiler/Placement/PlacementFixture.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

struct ClassRow {
  TensorClass tensorClass;
  uint32_t tensors;
  uint64_t parameters;
  uint64_t bytes;
};

/// Plain Q4_0.
constexpr ClassRow kPlain[] = {
    {TensorClass::RoutedExperts, 174, 653908770816, 367823683584},
    {TensorClass::Attention, 366, 11413422080, 6420049920},
    {TensorClass::SharedExperts, 174, 2554331136, 1436811264},
    {TensorClass::DenseFfn, 9, 1189085184, 668860416},
    {TensorClass::Router, 116, 106445312, 425781248},
    {TensorClass::TokenEmbedding, 1, 926679040, 521256960},
    {TensorClass::Output, 1, 926679040, 760166400},
    {TensorClass::Norms, 245, 1006592, 4026368},
};
constexpr uint64_t kParameters = 671026419200;

Inventory inventoryOf(std::span<const gguf::TensorInfo> tensors) {
  return valueOrThrow(takeInventory(tensors, describeOrThrow(openV31())));
}

TEST(Inventory, ClassesOfV31) {
  gguf::Model model = openV31();
  Inventory inventory = inventoryOf(model.tensors());
  for (const ClassRow &row : kPlain) {
    SCOPED_TRACE(tensorClassName(row.tensorClass));
    EXPECT_EQ(inventory.of(row.tensorClass).tensors, row.tensors);
    EXPECT_EQ(inventory.of(row.tensorClass).parameters, row.parameters);
    EXPECT_EQ(inventory.of(row.tensorClass).bytes, row.bytes);
  }
  EXPECT_EQ(inventory.total.tensors, 1086u);
  EXPECT_EQ(inventory.total.parameters, kParameters);
  EXPECT_EQ(inventory.total.bytes, 378060636160u);
}

TEST(Inventory, ExpertsAndTokensOfV31) {
  gguf::Model model = openV31();
  Inventory inventory = inventoryOf(model.tensors());
  EXPECT_EQ(inventory.expertBytes, 24772608u);
  EXPECT_EQ(inventory.routedExperts, 14848u);
  EXPECT_EQ(inventory.routedBytesPerToken, 11494490112u);
  EXPECT_EQ(inventory.bytesPerToken, 21210189760u);
  EXPECT_EQ(inventory.bytesPerToken - inventory.routedBytesPerToken, 9715699648u);
}

TEST(Inventory, ListAndHeaderAgree) {
  std::vector<gguf::TensorInfo> tensors = readTensorList("deepseek-v3.1-q4_0-tensors.tsv");
  ASSERT_EQ(tensors.size(), 1086u);
  EXPECT_EQ(inventoryOf(tensors).total.bytes, 378060636160u);
}

TEST(Inventory, WithImatrixElevenTensorsAreQ4_1) {
  std::vector<gguf::TensorInfo> tensors = readTensorList("deepseek-v3.1-q4_0-imatrix-tensors.tsv");
  ASSERT_EQ(tensors.size(), 1086u);
  Inventory inventory = inventoryOf(tensors);
  EXPECT_EQ(inventory.total.bytes, 379028602880u);
  EXPECT_EQ(inventory.total.parameters, kParameters);
  // Three dense layers, then four whose experts and shared experts have a larger down.
  EXPECT_EQ(inventory.of(TensorClass::DenseFfn).bytes, 668860416u + 3 * (82575360u - 74317824u));
  EXPECT_EQ(inventory.of(TensorClass::RoutedExperts).bytes, 367823683584u + 4 * (2348810240u - 2113929216u));
  EXPECT_EQ(inventory.of(TensorClass::SharedExperts).bytes, 1436811264u + 4 * (9175040u - 8257536u));
  EXPECT_EQ(inventory.expertBytes, 24772608u) << "what most layers have";
  EXPECT_EQ(inventory.routedBytesPerToken, 11494490112u + 4 * 8 * (25690112u - 24772608u));
}

TEST(Inventory, TensorsThatTheModelDoesNotUseAreNotCounted) {
  gguf::Model model = openTiny();
  ModelDescription tiny = describeOrThrow(model);
  std::vector<gguf::TensorInfo> tensors = model.tensors();
  uint64_t used = valueOrThrow(takeInventory(tensors, tiny)).total.bytes;
  gguf::TensorInfo unused = tensors.back();
  unused.name = "blk.9.attn_norm.weight";
  tensors.push_back(unused);
  unused.name = "rope_freqs.weight";
  tensors.push_back(unused);
  EXPECT_EQ(valueOrThrow(takeInventory(tensors, tiny)).total.bytes, used);
}

TEST(Inventory, G33SumsThatOverflowAreRefused) {
  gguf::Model model = openTiny();
  std::vector<gguf::TensorInfo> tensors = model.tensors();
  for (gguf::TensorInfo &tensor : tensors)
    tensor.bytes = uint64_t(1) << 62;
  auto inventory = takeInventory(tensors, describeOrThrow(model));
  ASSERT_FALSE(inventory);
  EXPECT_EQ(inventory.error().id, "G33");
  EXPECT_EQ(inventory.error().code, ExitCode::Input);
}

TEST(Kv, BytesOfV31) {
  ModelDescription v31 = describeOrThrow(openV31());
  EXPECT_EQ(kvBytesPerPosition(v31, 2), 70272u);
  EXPECT_EQ(kvBytesPerPosition(v31, 4), 140544u);
  EXPECT_EQ(kvBytes(v31, 2, 32768, 1).value(), 2302672896u);
  EXPECT_EQ(kvBytes(v31, 2, 163840, 1).value(), 11513364480u);
  EXPECT_EQ(kvBytes(v31, 2, 65, 3).value(), 3u * 128 * 70272) << "whole blocks of 64 positions";
  EXPECT_FALSE(kvBytes(v31, 4, ~uint64_t(0) - 100, 2).valid());
}

} // namespace
} // namespace strata
