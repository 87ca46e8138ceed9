// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Levels of instruction set that host kernels exist for.
#pragma once

#include <cstdint>
#include <string_view>

namespace strata {

/// In ascending order: a processor that has a level has those below it.
enum class Isa : uint8_t {
  portable, ///< Whatever the compiler targets.
  avx2,     ///< AVX2, FMA and F16C.
  avx512    ///< AVX-512 F, BW, DQ, VL and VNNI.
};

/// "portable", "avx2", "avx512", as --isa= spells them.
std::string_view isaName(Isa isa);
/// The highest level that this processor has.
Isa bestIsa();

} // namespace strata
