// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Memory/ExpertCatalogue.h"

#include "runtime/Schema/SlotBytes.h"

#include "runtime/Base/Checked.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace strata {

Checked slotBytes(const ExpertLayer &layer) {
  Checked bytes;
  for (const SlabTable &slabs : layer.matrices)
    bytes += slabBufferBytes(slabs.slabBytes);
  return bytes;
}

void ExpertCatalogue::finish() {
  total = 0;
  for (ExpertLayer &layer : table) {
    layer.firstKey = total;
    total += layer.experts;
  }
}

const ExpertLayer *ExpertCatalogue::find(uint32_t layer) const {
  auto found = std::find_if(table.begin(), table.end(), [&](const ExpertLayer &one) { return one.layer == layer; });
  return found == table.end() ? nullptr : &*found;
}

Result<ExpertCatalogue> ExpertCatalogue::of(const gguf::Model &model, const Checksums *checksums) {
  static constexpr std::array<const char *, kExpertMatrices> kNames = {"gate", "up", "down"};
  constexpr uint32_t kLayers = 4096; // Far above any model's.
  ExpertCatalogue catalogue;
  std::string name; // Of 12,288 tensors, most of which no model has.
  for (uint32_t number = 0; number < kLayers; ++number) {
    ExpertLayer layer;
    layer.layer = number;
    uint32_t found = 0;
    for (uint32_t matrix = 0; matrix < kExpertMatrices; ++matrix) {
      name.clear();
      fmt::format_to(std::back_inserter(name), "blk.{}.ffn_{}_exps.weight", number, kNames[matrix]);
      const gguf::TensorInfo *info = model.findTensor(name);
      if (!info || !isExpertTensor(*info))
        continue;
      auto experts = Checked(info->dimensions.front()).as<uint32_t>();
      if (!experts || (found != 0 && *experts != layer.experts))
        return fail(ExitCode::Input, "G46",
                    fmt::format("the tensor {} has {} experts and another of its layer {}; convert the model again",
                                name, info->dimensions.front(), layer.experts));
      ++found;
      layer.experts = *experts;
      const TensorChecksums *sums = checksums ? checksums->find(name) : nullptr;
      layer.matrices[matrix] = {name, info->file, info->offset, info->bytes / *experts,
                                sums ? sums->hashes : std::vector<uint64_t>()};
    }
    if (found != 0 && found != kExpertMatrices)
      return fail(ExitCode::Input, "G46",
                  fmt::format("layer {} has {} of the {} matrices of its experts; convert the model again", number,
                              found, kExpertMatrices));
    if (found != 0)
      catalogue.table.push_back(std::move(layer));
  }
  catalogue.finish();
  return catalogue;
}

} // namespace strata
