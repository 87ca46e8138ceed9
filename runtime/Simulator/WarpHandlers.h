// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The handlers of what lanes of a warp do together, and of moves that arithmetic has no place for.
#pragma once

#include "runtime/Simulator/Program.h"

namespace strata::sim {

enum class ShuffleMode : uint8_t { up, down, butterfly, index };
enum class VoteMode : uint8_t { all, any, uniform, ballot };

/// Sources: value, lane or distance, clamp and segment mask, member mask. The second result is the predicate.
Handler shuffleHandler(ShuffleMode mode);
/// Source 0 is the member mask; the predicate that is voted on is predicate source 0.
Handler voteHandler(VoteMode mode);
/// Sources: value, member mask. `all` also sets a predicate.
Handler matchHandler(bool all, bool wide);
Handler activeMaskHandler();
/// Source 0 is the member mask.
Handler warpBarrierHandler();
Handler trapHandler();
/// The instructions that the warp has issued, as a clock: 32 bits, or 64.
Handler clockHandler(bool wide);

enum class Logic : uint8_t { move, invert, conjunction, disjunction, difference };
/// Predicates of predicates.
Handler predicateHandler(Logic logic);

/// `mov {a,b}, c` and `mov c, {a,b}`: parts of a number, the lowest first. `partBits` is 8, 16 or 32.
Handler packHandler(uint32_t partBits, bool wide);
Handler unpackHandler(uint32_t partBits, bool wide);

/// Adds or removes the window of generic addresses: `immediate` is the window, 64 bits.
Handler windowHandler(bool toGeneric);

} // namespace strata::sim
