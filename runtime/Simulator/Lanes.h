// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Loops over the lanes of a warp, for handlers. These headers are compiled for several instruction sets: everything in
// them has internal linkage, so that no linker takes code of one for another.
#pragma once

#include "runtime/Simulator/WarpState.h"

#include <bit>
#include <cstring>
#include <type_traits>

namespace strata::sim {
namespace {

constexpr uint32_t kAllLanes = ~uint32_t(0);

/// The unsigned integer of a type's size.
template <typename T>
using Bits = std::conditional_t<
    sizeof(T) == 8, uint64_t,
    std::conditional_t<sizeof(T) == 4, uint32_t, std::conditional_t<sizeof(T) == 2, uint16_t, uint8_t>>>;

template <typename T> [[gnu::always_inline]] inline T getLane(const uint32_t *unit, uint32_t lane) {
  if constexpr (sizeof(T) == 8)
    return std::bit_cast<T>(reinterpret_cast<const uint64_t *>(unit)[lane]);
  else
    return std::bit_cast<T>(static_cast<Bits<T>>(unit[lane]));
}

template <typename T> [[gnu::always_inline]] inline void setLane(uint32_t *unit, uint32_t lane, T value) {
  if constexpr (sizeof(T) == 8)
    reinterpret_cast<uint64_t *>(unit)[lane] = std::bit_cast<uint64_t>(value);
  else
    unit[lane] = std::bit_cast<Bits<T>>(value);
}

template <typename F> [[gnu::always_inline]] inline void forLanes(uint32_t mask, F f) {
  if (mask == kAllLanes) {
#pragma GCC ivdep
    for (uint32_t lane = 0; lane < 32; ++lane)
      f(lane);
    return;
  }
  for (uint32_t rest = mask; rest; rest &= rest - 1)
    f(static_cast<uint32_t>(std::countr_zero(rest)));
}

/// D = f(A) in every lane; likewise with two and three sources.
template <typename D, typename A, typename F>
[[gnu::always_inline]] inline void map1(WarpState &state, const Instruction &i, uint32_t mask, F f) {
  uint32_t *d = state.file[i.destination[0]];
  const uint32_t *a = state.file[i.source[0]];
  forLanes(mask, [&](uint32_t lane) { setLane<D>(d, lane, f(getLane<A>(a, lane))); });
}
template <typename D, typename A, typename B, typename F>
[[gnu::always_inline]] inline void map2(WarpState &state, const Instruction &i, uint32_t mask, F f) {
  uint32_t *d = state.file[i.destination[0]];
  const uint32_t *a = state.file[i.source[0]], *b = state.file[i.source[1]];
  forLanes(mask, [&](uint32_t lane) { setLane<D>(d, lane, f(getLane<A>(a, lane), getLane<B>(b, lane))); });
}
template <typename D, typename A, typename B, typename C, typename F>
[[gnu::always_inline]] inline void map3(WarpState &state, const Instruction &i, uint32_t mask, F f) {
  uint32_t *d = state.file[i.destination[0]];
  const uint32_t *a = state.file[i.source[0]], *b = state.file[i.source[1]], *c = state.file[i.source[2]];
  forLanes(mask, [&](uint32_t lane) {
    setLane<D>(d, lane, f(getLane<A>(a, lane), getLane<B>(b, lane), getLane<C>(c, lane)));
  });
}

} // namespace
} // namespace strata::sim
