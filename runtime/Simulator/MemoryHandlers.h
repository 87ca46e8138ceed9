// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The handlers of loads, stores and atomics.
#pragma once

#include "runtime/Simulator/Program.h"

namespace strata::sim {

enum class AtomicOperation : uint8_t {
  add,
  min,
  max,
  bitAnd,
  bitOr,
  bitXor,
  exchange,
  compareAndSwap,
  increment,
  decrement
};

/// An instruction's options: its base register has 32 bits; the registers of its elements have 64, and the elements
/// less.
constexpr uint8_t kNarrowBase = 1, kWideElements = 2;

/// Source 0 is the base of the address, `immediate` its offset; destinations are the elements of the vector. Null for
/// types that are not in memory.
Handler loadHandler(Type element);
/// Sources from 1 on are the elements.
Handler storeHandler(Type element);
/// From the launch's parameters at `immediate`.
Handler parameterHandler(Type element);
/// Source 1 is the operand, source 2 what is stored by a compare-and-swap; with a destination it gets the old value.
Handler atomicHandler(AtomicOperation operation, Type element);

} // namespace strata::sim
