// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Between the expert store and the operations that compute experts: who is asked for when, and computed when.
#pragma once

#include "runtime/Device/Device.h"
#include "runtime/Memory/ExpertStore.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace strata {

/// The most that a feed is asked for at one time.
struct ExpertFeedShape {
  uint32_t experts = 0; ///< Of a layer.
  uint64_t rows = 0;    ///< Of any call, and
  uint32_t used = 0;    ///< experts of each.
};

/// Brings the experts of one layer after the other into memory and has them computed in parts. When decoding, those
/// that are there are computed while the others are read, in whatever order they come; what their results become
/// together is computed when all are there. In prompts every expert is computed in its turn, in ascending index, while
/// the next ones are read. Nothing is allocated in a step, and nothing is held after one.
class ExpertFeed {
public:
  ExpertFeed(std::unique_ptr<ExpertStore> fromStore, const ExpertFeedShape &shape, bool waitsForAll);

  /// Where the experts of the layer that runs are, for BoundOperand::experts.
  const std::byte *const *table(ExpertMatrix matrix) const { return tables[static_cast<size_t>(matrix)].data(); }
  /// Which of a layer's matrices a tensor is.
  ExpertMatrix matrixOf(std::string_view tensor) const;

  /// `used` names the experts of every row. Calls launch(part) for parts that together are all of them, and keeps all
  /// in memory until release(), also after an error. Fails as the store and as `launch` do.
  template <typename Launch>
  Result<void> computeAsTheyCome(uint32_t layer, std::span<const int32_t> used, const Launch &launch) {
    return gather(layer, used, {&call<Launch>, &launch});
  }
  void release();
  /// The same in ascending order, each for itself. Holds nothing afterwards.
  template <typename Launch>
  Result<void> computeInOrder(uint32_t layer, std::span<const int32_t> used, const Launch &launch) {
    return pass(layer, used, {&call<Launch>, &launch});
  }

  /// A pass of a prompt of `rows` tokens begins: its first experts are asked of the disk, if nearly all will be used.
  void beginPass(uint64_t rows);
  /// Between the experts of two layers: takes what the disk has brought, and asks it for more where there is room.
  void readAhead();

  ExpertStore &store() { return *experts; }
  /// Room for the ids of a call, for who fetches them.
  std::vector<int32_t> ids;

  static uint64_t hostBytes(const ExpertFeedShape &shape);

private:
  struct Body {
    Result<void> (*function)(const void *launch, const ExpertPart &part);
    const void *launch;
  };
  template <typename Launch> static Result<void> call(const void *launch, const ExpertPart &part) {
    return (*static_cast<const Launch *>(launch))(part);
  }

  Result<void> gather(uint32_t layer, std::span<const int32_t> used, const Body &body);
  Result<void> pass(uint32_t layer, std::span<const int32_t> used, const Body &body);
  Result<void> passHeld(uint32_t layer, const Body &body);
  void listNeeded(uint32_t layer, ExpertUse use, std::span<const int32_t> used);
  Result<void> ask(uint32_t layer, ExpertUse use);
  Result<size_t> takeReady();
  Result<void> compute(size_t first, size_t end, const Body &body);
  void aheadIsAfter(uint32_t layer);

  std::unique_ptr<ExpertStore> experts;
  bool waitForAll;
  uint32_t usedByRow;
  std::array<std::vector<const std::byte *>, kExpertMatrices> tables;
  std::vector<uint8_t> taken;   ///< By expert: ExpertPart::taken.
  std::vector<uint32_t> needed; ///< In the order in which they are asked for.
  size_t asked = 0;             ///< The first ones of them.
  std::vector<ExpertStore::Handle> held;
  std::vector<uint32_t> heldExperts; ///< Of the handles.
  size_t computed = 0;               ///< The first ones of the held.
  bool begun = false;                ///< A part has been launched.
  // Of a prompt, the next expert to be read before a layer asks for it.
  size_t aheadLayer = 0; ///< In the store's layers; their number: none is.
  uint32_t aheadExpert = 0;
};

} // namespace strata
