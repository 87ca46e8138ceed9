// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Which sectors of global memory the CTAs of a launch touch, and how often they are shared between them.
#pragma once

#include "runtime/Simulator/Latencies.h"

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>

namespace strata::sim {

/// Sectors are 32 bytes. A launch may execute a sample of its CTAs (Sample.h), and what the rest touches is then
/// estimated. A sector that several groups touch is taken for one that all share. Of a group's own sectors those count
/// that its leader did not touch: as much is new in every other CTA, after its neighbour. What one row has for itself,
/// the other rows have as much of.
class Footprint {
public:
  static constexpr uint64_t kSectorBytes = 32;

  void start();
  void startCta(uint32_t group, uint32_t row, bool leads = false) {
    ++cta;
    ctaGroup = group;
    ctaRow = row;
    ctaLeads = leads;
  }

  MemoryLevel load(uint64_t sector);
  void store(uint64_t sector);

  struct Sectors {
    uint64_t read = 0, written = 0;
    uint64_t rowShared = 0; ///< Of those read: in one column, and in several rows.
  };
  /// Different sectors that the whole grid touches, if a CTA that does not lead stands for so many columns and a row
  /// for so many rows.
  Sectors total(double columnsOfOne, double rowsOfOne) const;

private:
  enum : uint8_t { kRead = 1, kWritten = 2, kGroups = 4, kRows = 8, kLeader = 16 };
  /// Who touched a sector first, and whether others did.
  struct Tag {
    uint32_t reader = 0; ///< The CTA that loaded it last; 0: none.
    uint32_t group = 0, row = 0;
    uint8_t flags = 0;
  };
  static constexpr uint64_t kTagsOfAPage = 128;
  using Page = std::array<Tag, kTagsOfAPage>;

  Tag &tag(uint64_t sector);
  void touch(Tag &tag, uint8_t flag) const;

  std::unordered_map<uint64_t, std::unique_ptr<Page>> pages;
  uint64_t lastNumber = 0;
  Page *lastPage = nullptr;
  uint32_t cta = 0, ctaGroup = 0, ctaRow = 0;
  bool ctaLeads = false;
};

} // namespace strata::sim
