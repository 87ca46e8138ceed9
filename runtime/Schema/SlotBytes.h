// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Experts that are read from their file by direct reads: what they take in RAM, and how many reads are under way at one
// time. Planner and expert store must agree on it.
#pragma once

#include "runtime/Base/Checked.h"

namespace strata {

/// Offsets, lengths and addresses of direct reads are multiples of it.
inline constexpr uint64_t kReadAlignment = 4096;

/// Reads under way at one time: where neither the user nor the plan says how many, and the most that they may say.
inline constexpr uint32_t kReadDepth = 16, kMostReadDepth = 4096;

/// The buffer of one slab: it is read as the pages that enclose it, and may begin anywhere in the first of them.
inline Checked slabBufferBytes(Checked slabBytes) {
  return slabBytes.alignUp(kReadAlignment) + kReadAlignment;
}

} // namespace strata
