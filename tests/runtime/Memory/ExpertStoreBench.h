// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// An expert store on simulated reads, and experts whose bytes are known.
#pragma once

#include "runtime/Memory/ExpertStore.h"
#include "runtime/Memory/Reads/SimulatedReads.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace strata::test {

inline constexpr uint32_t kLayers = 2, kExperts = 8;
inline constexpr std::array<uint64_t, kExpertMatrices> kSlabBytes = {5001, 5001,
                                                                     9002}; // Not whole pages, at no page's start.
inline constexpr uint64_t kSlotBytes = 2 * 12288 + 16384;                   // Pages around each slab, one more.

using Contents = std::vector<std::vector<std::byte>>;

/// Two files: layer 1 in the first, layer 2 in the second.
inline const Contents &fileContents() {
  static const Contents contents = [] {
    std::mt19937_64 random(7);
    Contents files(kLayers);
    for (auto &file : files) {
      file.resize(100 + kExperts * (kSlabBytes[0] + kSlabBytes[1] + kSlabBytes[2]));
      for (std::byte &byte : file)
        byte = static_cast<std::byte>(random());
    }
    return files;
  }();
  return contents;
}

inline ExpertCatalogue catalogue() {
  ExpertCatalogue made;
  for (uint32_t layer = 0; layer < kLayers; ++layer) {
    ExpertLayer one;
    one.layer = layer + 1;
    one.experts = kExperts;
    uint64_t offset = 100;
    for (uint32_t matrix = 0; matrix < kExpertMatrices; ++matrix) {
      SlabTable slabs = {"blk." + std::to_string(layer + 1) + ".ffn_" + std::to_string(matrix) + "_exps.weight",
                         layer,
                         offset,
                         kSlabBytes[matrix],
                         {}};
      for (uint32_t expert = 0; expert < kExperts; ++expert, offset += kSlabBytes[matrix])
        slabs.checksums.push_back(checksumOf(std::span(fileContents()[layer]).subspan(offset, kSlabBytes[matrix])));
      one.matrices[matrix] = slabs;
    }
    made.table.push_back(one);
  }
  made.finish();
  return made;
}

inline SimulatedFaults randomFaults(std::mt19937_64 &random) {
  return {uint32_t(random() % 200), uint32_t(random() % 200), uint32_t(random() % 100),
          uint32_t(random() % 100), uint32_t(random() % 20),  uint32_t(random() % 4)};
}

/// Its store, its disk.
struct ExpertStoreBench {
  explicit ExpertStoreBench(const SimulatedFaults &faults = {}, uint64_t seed = 1, uint32_t slots = 6,
                            std::vector<LayerBuffers> layers = {})
      : reads(fileContents(), seed, faults) {
    ExpertStoreOptions options;
    options.sharedSlots = slots;
    options.keepsShared = true;
    options.layers = std::move(layers);
    options.files = {"a.gguf", "b.gguf"};
    auto created = ExpertStore::create(catalogue(), reads, std::make_unique<LruPolicy>(), options);
    if (!created)
      throw std::runtime_error(created.error().message);
    store = *std::move(created);
  }

  bool isRight(ExpertStore::Handle handle, uint32_t layer, uint32_t expert) const {
    static const ExpertCatalogue places = catalogue();
    for (uint32_t matrix = 0; matrix < kExpertMatrices; ++matrix) {
      const SlabTable &slabs = places.find(layer)->matrices[matrix];
      std::span<const std::byte> slab = store->slab(handle, static_cast<ExpertMatrix>(matrix));
      auto expected =
          std::span(fileContents()[slabs.file]).subspan(slabs.offset + expert * slabs.slabBytes, slabs.slabBytes);
      if (!std::equal(slab.begin(), slab.end(), expected.begin(), expected.end()))
        return false;
    }
    return true;
  }

  /// From now on the disk is well, and nothing is in quarantine.
  void heal() {
    reads.faults = {};
    reads.returnLost();
    reads.passTime(Quarantine::kTime);
  }

  /// One expert: its error, or nothing if its bytes are right.
  std::optional<Error> use(uint32_t layer, uint32_t expert) {
    ExpertStore::Handle handle = 0;
    if (auto wanted = store->want(layer, {&expert, 1}, {&handle, 1}); !wanted)
      return wanted.error();
    auto waited = store->wait(handle);
    bool right = waited && isRight(handle, layer, expert);
    store->release(handle);
    if (!waited)
      return waited.error();
    EXPECT_TRUE(right) << "layer " << layer << " expert " << expert;
    return std::nullopt;
  }

  SimulatedReads reads;
  std::unique_ptr<ExpertStore> store;
};

} // namespace strata::test
