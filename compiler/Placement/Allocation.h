// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Which experts a tier gets.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace strata {

/// Distributes `budget` bytes over layers whose experts have `sizes` and of which `available` are left: the same number
/// in every layer, as far as there are any, and of what remains one more in the layers with the smallest experts, the
/// first ones among equals. No distribution that is equal within one has more experts.
std::vector<uint32_t> allocateEqually(std::span<const uint64_t> sizes, std::span<const uint32_t> available,
                                      uint64_t budget);

/// One expert of a ranking.
struct RankedExpert {
  uint32_t layer = 0; ///< Counted from the first layer that has experts.
  uint32_t expert = 0;
};

/// All experts of some layers with `experts` each, those first that take the largest share of their layer's uses: a
/// byte of memory saves the most bytes of reading there. Of equals the lowest index, then the first layer. `counts` has
/// `experts` numbers per layer.
std::vector<RankedExpert> rankExperts(uint32_t experts, std::span<const uint64_t> counts);

} // namespace strata
