// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Comparisons: PTX ISA, "Comparison and Selection Instructions".

#include "runtime/Simulator/ArithmeticParts.h"
#include "runtime/Simulator/FloatMath.h"
#include "runtime/Simulator/Lanes.h"

namespace strata::sim::STRATA_SIMULATOR_ISA {

namespace {

/// Half precision compares as the f32 that it is.
struct HalfBits {
  uint16_t bits;
};

template <typename T> auto comparable(T value) {
  if constexpr (std::is_same_v<T, HalfBits>)
    return halfToFloat(value.bits);
  else
    return value;
}

template <Comparison C, typename V> bool holds(V a, V b) {
  bool unordered = false;
  if constexpr (std::is_floating_point_v<V>)
    unordered = std::isnan(a) || std::isnan(b);
  switch (C) {
  case Comparison::eq:
    return a == b;
  case Comparison::ne:
    return !unordered && a != b;
  case Comparison::lt:
    return a < b;
  case Comparison::le:
    return a <= b;
  case Comparison::gt:
    return a > b;
  case Comparison::ge:
    return a >= b;
  case Comparison::equ:
    return unordered || a == b;
  case Comparison::neu:
    return unordered || a != b;
  case Comparison::ltu:
    return unordered || a < b;
  case Comparison::leu:
    return unordered || a <= b;
  case Comparison::gtu:
    return unordered || a > b;
  case Comparison::geu:
    return unordered || a >= b;
  case Comparison::num:
    return !unordered;
  case Comparison::nan:
    return unordered;
  }
  return false;
}

template <Comparison C, typename T> uint32_t compareLanes(const WarpState &s, const Instruction &i, uint32_t mask) {
  const uint32_t *a = s.file[i.source[0]], *b = s.file[i.source[1]];
  bool flush = i.flushSubnormals;
  uint32_t result = 0;
  forLanes(mask, [&](uint32_t lane) {
    auto x = comparable(getLane<T>(a, lane)), y = comparable(getLane<T>(b, lane));
    if constexpr (std::is_floating_point_v<decltype(x)>)
      if (flush) {
        x = flushed(x);
        y = flushed(y);
      }
    result |= uint32_t(holds<C>(x, y)) << lane;
  });
  return result;
}

uint32_t combined(const WarpState &s, const Instruction &i, uint32_t result) {
  if (i.predicateSource[0] == kNoUnit)
    return result;
  uint32_t other = s.predicates[i.predicateSource[0]] ^ (i.predicateSourceNegated[0] ? kAllLanes : 0);
  return i.option == kCombineAnd ? result & other : i.option == kCombineOr ? result | other : result ^ other;
}

template <Comparison C, typename T> void setPredicate(WarpState &s, const Instruction &i, uint32_t mask) {
  uint32_t result = compareLanes<C, T>(s, i, mask);
  uint32_t inverse = combined(s, i, ~result);
  result = combined(s, i, result);
  auto store = [&](Unit predicate, uint32_t value) {
    if (predicate != kNoUnit)
      s.predicates[predicate] = (s.predicates[predicate] & ~mask) | (value & mask);
  };
  store(i.predicateDestination[0], result);
  store(i.predicateDestination[1], inverse);
}

template <Comparison C, typename T, bool Float> void setNumber(WarpState &s, const Instruction &i, uint32_t mask) {
  uint32_t result = combined(s, i, compareLanes<C, T>(s, i, mask));
  uint32_t *d = s.file[i.destination[0]];
  uint32_t yes = Float ? std::bit_cast<uint32_t>(1.0f) : kAllLanes;
  forLanes(mask, [&](uint32_t lane) { d[lane] = result >> lane & 1 ? yes : 0; });
}

template <Comparison C> Handler ofComparison(bool predicate, Type type, Type resultType) {
  auto choose = [&]<typename T>(T) -> Handler {
    if (predicate)
      return setPredicate<C, T>;
    return resultType == Type::f32 ? Handler(setNumber<C, T, true>) : Handler(setNumber<C, T, false>);
  };
  switch (type) {
  case Type::u16:
  case Type::b16:
    return choose(uint16_t());
  case Type::s16:
    return choose(int16_t());
  case Type::u32:
  case Type::b32:
    return choose(uint32_t());
  case Type::s32:
    return choose(int32_t());
  case Type::u64:
  case Type::b64:
    return choose(uint64_t());
  case Type::s64:
    return choose(int64_t());
  case Type::f32:
    return choose(float());
  case Type::f64:
    return choose(double());
  case Type::f16:
    return choose(HalfBits());
  default:
    return nullptr;
  }
}

} // namespace

Handler compareHandler(Operation operation, Comparison comparison, Type type, Type resultType) {
  bool predicate = operation == Operation::setp;
  switch (comparison) {
  case Comparison::eq:
    return ofComparison<Comparison::eq>(predicate, type, resultType);
  case Comparison::ne:
    return ofComparison<Comparison::ne>(predicate, type, resultType);
  case Comparison::lt:
    return ofComparison<Comparison::lt>(predicate, type, resultType);
  case Comparison::le:
    return ofComparison<Comparison::le>(predicate, type, resultType);
  case Comparison::gt:
    return ofComparison<Comparison::gt>(predicate, type, resultType);
  case Comparison::ge:
    return ofComparison<Comparison::ge>(predicate, type, resultType);
  case Comparison::equ:
    return ofComparison<Comparison::equ>(predicate, type, resultType);
  case Comparison::neu:
    return ofComparison<Comparison::neu>(predicate, type, resultType);
  case Comparison::ltu:
    return ofComparison<Comparison::ltu>(predicate, type, resultType);
  case Comparison::leu:
    return ofComparison<Comparison::leu>(predicate, type, resultType);
  case Comparison::gtu:
    return ofComparison<Comparison::gtu>(predicate, type, resultType);
  case Comparison::geu:
    return ofComparison<Comparison::geu>(predicate, type, resultType);
  case Comparison::num:
    return ofComparison<Comparison::num>(predicate, type, resultType);
  case Comparison::nan:
    return ofComparison<Comparison::nan>(predicate, type, resultType);
  }
  return nullptr;
}

} // namespace strata::sim::STRATA_SIMULATOR_ISA
