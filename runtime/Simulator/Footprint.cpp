// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Simulator/Footprint.h"

#include <cmath>

namespace strata::sim {

void Footprint::start() {
  pages.clear();
  lastPage = nullptr;
  cta = 0;
}

Footprint::Tag &Footprint::tag(uint64_t sector) {
  uint64_t number = sector / kTagsOfAPage;
  if (!lastPage || number != lastNumber) {
    std::unique_ptr<Page> &page = pages[number];
    if (!page)
      page = std::make_unique<Page>();
    lastPage = page.get();
    lastNumber = number;
  }
  return (*lastPage)[sector % kTagsOfAPage];
}

void Footprint::touch(Tag &tag, uint8_t flag) const {
  if (!(tag.flags & (kRead | kWritten))) {
    tag.group = ctaGroup;
    tag.row = ctaRow;
  }
  tag.flags = static_cast<uint8_t>(tag.flags | flag | (tag.group != ctaGroup ? kGroups : 0) |
                                   (tag.row != ctaRow ? kRows : 0) | (ctaLeads ? kLeader : 0));
}

MemoryLevel Footprint::load(uint64_t sector) {
  Tag &found = tag(sector);
  MemoryLevel level = found.reader == cta                ? MemoryLevel::l1
                      : found.flags & (kRead | kWritten) ? MemoryLevel::l2
                                                         : MemoryLevel::dram;
  touch(found, kRead);
  found.reader = cta;
  return level;
}

void Footprint::store(uint64_t sector) {
  touch(tag(sector), kWritten);
}

Footprint::Sectors Footprint::total(double columnsOfOne, double rowsOfOne) const {
  double read = 0, written = 0, rowShared = 0;
  for (const auto &[number, page] : pages)
    for (const Tag &tag : *page) {
      double columns = tag.flags & kGroups ? 1 : tag.flags & kLeader ? 0 : columnsOfOne;
      double like = columns * (tag.flags & kRows ? 1 : rowsOfOne);
      if (tag.flags & kRead)
        read += like;
      if ((tag.flags & kRead) && (tag.flags & (kRows | kGroups)) == kRows)
        rowShared += like;
      if (tag.flags & kWritten)
        written += like;
    }
  auto rounded = [](double sectors) { return static_cast<uint64_t>(std::llround(sectors)); };
  return {rounded(read), rounded(written), rounded(rowShared)};
}

} // namespace strata::sim
