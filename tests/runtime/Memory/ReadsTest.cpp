// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The back ends on a real file: the same bytes from each.

#include "runtime/Memory/Reads/Reads.h"

#include "runtime/Memory/ExpertStore.h"
#include "runtime/Weights/WeightFile.h"
#include "tests/runtime/Artifact/TestModel.h"

#include <cstring>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata::test {
namespace {

struct ReadsTest : testing::Test {
  TestModel model;
  WeightFiles files = *WeightFiles::open(model.model().files());
  std::string content = testModelFile();

  /// Every expert of the model through a store.
  std::vector<std::byte> readAll(Reads &reads) {
    ExpertStoreOptions options;
    options.sharedSlots = 2;
    options.files = {model.path()};
    ExpertCatalogue catalogue = *ExpertCatalogue::of(model.model(), nullptr);
    auto store = ExpertStore::create(catalogue, reads, std::make_unique<LruPolicy>(), options);
    EXPECT_TRUE(store) << store.error().message;
    std::vector<std::byte> all;
    for (const ExpertLayer &layer : catalogue.layers())
      for (uint32_t expert = 0; expert < layer.experts; ++expert) {
        ExpertStore::Handle handle = 0;
        EXPECT_TRUE((*store)->want(layer.layer, {&expert, 1}, {&handle, 1}));
        auto waited = (*store)->wait(handle);
        EXPECT_TRUE(waited) << waited.error().message;
        for (ExpertMatrix matrix : {ExpertMatrix::Gate, ExpertMatrix::Up, ExpertMatrix::Down}) {
          const SlabTable &slabs = layer.matrices[static_cast<uint32_t>(matrix)];
          std::span<const std::byte> slab = (*store)->slab(handle, matrix);
          EXPECT_EQ(std::memcmp(slab.data(), content.data() + slabs.offset + expert * slabs.slabBytes, slab.size()), 0);
          all.insert(all.end(), slab.begin(), slab.end());
        }
        (*store)->release(handle);
      }
    return all;
  }
};

TEST_F(ReadsTest, F11_SameBytesFromEveryBackEnd) {
  auto buffered = openReads(files, {.backend = ReadBackend::Buffered});
  auto automatic = openReads(files, {});
  ASSERT_TRUE(buffered && automatic);
  EXPECT_THAT((*buffered)->description(), testing::HasSubstr("buffered reads"));
  EXPECT_THAT((*automatic)->description(),
              testing::AnyOf(testing::HasSubstr("direct reads"), testing::HasSubstr("direct reads are refused: ")));
  std::vector<std::byte> bytes = readAll(**buffered);
  EXPECT_GT(bytes.size(), 1000u);
  EXPECT_EQ(readAll(**automatic), bytes);
}

TEST_F(ReadsTest, F08_DeletedWhileOpen) {
  std::filesystem::remove(model.path());
  auto reads = openReads(files, {});
  ASSERT_TRUE(reads);
  readAll(**reads);
}

TEST_F(ReadsTest, F06_TruncatedWhileOpen) {
  auto reads = openReads(files, {});
  ASSERT_TRUE(reads);
  ExpertCatalogue catalogue = *ExpertCatalogue::of(model.model(), nullptr);
  ExpertStoreOptions options;
  options.sharedSlots = 2;
  auto store = ExpertStore::create(catalogue, **reads, std::make_unique<LruPolicy>(), options);
  ASSERT_TRUE(store);
  std::filesystem::resize_file(model.path(), model.model().files()[0].headerBytes);
  uint32_t expert = catalogue.layers()[0].experts - 1;
  ExpertStore::Handle handle = 0;
  ASSERT_TRUE((*store)->want(catalogue.layers()[0].layer, {&expert, 1}, {&handle, 1}));
  auto waited = (*store)->wait(handle);
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().id, "F06");
}

} // namespace
} // namespace strata::test
