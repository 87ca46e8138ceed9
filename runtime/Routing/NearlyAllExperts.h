// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// When a prompt uses nearly all experts of a layer: who reads them ahead and who predicts the time must agree.
#pragma once

#include <cstdint>

namespace strata {

/// True if `tokens` together choose four times as many experts as a layer has: evenly spread they use 98 in 100, so
/// that all may be read before the router has chosen.
inline bool usesNearlyAllExperts(uint64_t tokens, uint64_t usedByToken, uint64_t experts) {
  constexpr uint64_t kChoicesOfEach = 4;
  return tokens * usedByToken >= kChoicesOfEach * experts;
}

} // namespace strata
