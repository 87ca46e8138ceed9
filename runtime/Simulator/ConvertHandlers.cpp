// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Conversions: PTX ISA, "cvt".

#include "runtime/Simulator/ArithmeticParts.h"
#include "runtime/Simulator/FloatMath.h"
#include "runtime/Simulator/Lanes.h"

namespace strata::sim::STRATA_SIMULATOR_ISA {

namespace {

/// f16 as a type of its own: its bits are not a number.
struct Half {
  uint16_t bits;
};
template <typename T> constexpr bool kIsFloat = std::is_floating_point_v<T> || std::is_same_v<T, Half>;

/// The value in the widest type that holds it exactly.
template <typename T> auto widen(T value) {
  if constexpr (std::is_same_v<T, Half>)
    return double(halfToFloat(value.bits));
  else if constexpr (std::is_floating_point_v<T>)
    return double(value);
  else
    return value;
}

double whole(double value, IntegerRounding rounding) {
  switch (rounding) {
  case IntegerRounding::nearest:
    return std::nearbyint(value); // Ties to even: the processor rounds to nearest here.
  case IntegerRounding::zero:
    return std::trunc(value);
  case IntegerRounding::down:
    return std::floor(value);
  case IntegerRounding::up:
    return std::ceil(value);
  case IntegerRounding::none:
    break;
  }
  return value;
}

/// Clamped to the type's range; NaN becomes 0.
template <typename D> D toInteger(double value) {
  if (std::isnan(value))
    return 0;
  constexpr D kLow = std::numeric_limits<D>::min(), kHigh = std::numeric_limits<D>::max();
  if (value <= static_cast<double>(kLow))
    return kLow;
  if (value >= static_cast<double>(kHigh)) // For 64 bits this is 2^63 or 2^64, which does not fit.
    return kHigh;
  return static_cast<D>(value);
}

template <typename D, typename S> D toFloat(S value, const Instruction &i) {
  if constexpr (std::is_same_v<D, Half>) {
    double exact = static_cast<double>(value);
    return Half{doubleToHalf(i.saturate ? saturated(exact) : exact, i.rounding)};
  } else {
    D result;
    if (i.rounding == Rounding::nearest) {
      result = static_cast<D>(value);
    } else {
      DirectedRounding rounding(i.rounding);
      volatile S held = value; // Not before the rounding is set.
      result = static_cast<D>(held);
    }
    if (i.flushSubnormals)
      result = flushed(result);
    if constexpr (sizeof(D) == 4)
      if (std::isnan(result))
        result = std::bit_cast<D>(kNanF32);
    return i.saturate ? saturated(result) : result;
  }
}

template <typename D, typename S> void convert(WarpState &s, const Instruction &i, uint32_t mask) {
  uint32_t *d = s.file[i.destination[0]];
  const uint32_t *a = s.file[i.source[0]];
  auto rounding = static_cast<IntegerRounding>(i.option);
  forLanes(mask, [&](uint32_t lane) {
    auto value = widen(getLane<S>(a, lane));
    if constexpr (kIsFloat<S>)
      if (i.flushSubnormals && sizeof(S) == 4)
        value = std::fabs(value) < 1.1754943508222875e-38 ? std::copysign(0.0, value) : value; // 2^-126
    if constexpr (kIsFloat<D> && kIsFloat<S>)
      setLane<D>(d, lane, toFloat<D>(whole(value, rounding), i));
    else if constexpr (kIsFloat<D>)
      setLane<D>(d, lane, toFloat<D>(value, i));
    else if constexpr (kIsFloat<S>)
      setLane<D>(d, lane, toInteger<D>(whole(value, rounding)));
    else if (i.saturate && std::is_signed_v<S> && !std::is_signed_v<D> && value < 0)
      setLane<D>(d, lane, D(0));
    else if (i.saturate && value > S(0) &&
             static_cast<uint64_t>(value) > static_cast<uint64_t>(std::numeric_limits<D>::max()))
      setLane<D>(d, lane, std::numeric_limits<D>::max());
    else if (i.saturate && std::is_signed_v<S> &&
             static_cast<int64_t>(value) < static_cast<int64_t>(std::numeric_limits<D>::min()))
      setLane<D>(d, lane, std::numeric_limits<D>::min());
    else
      setLane<D>(d, lane, static_cast<D>(value));
  });
}

/// Destinations narrower than a register are extended to it, by their sign if they have one: registers of the ISA are
/// wider than the value, and a later use of all of it sees that.
template <typename D> void extend(WarpState &s, const Instruction &i, uint32_t mask) {
  uint32_t *d = s.file[i.destination[0]];
  forLanes(mask, [&](uint32_t lane) { d[lane] = static_cast<uint32_t>(static_cast<int32_t>(getLane<D>(d, lane))); });
}
template <typename D, typename S> void convertNarrow(WarpState &s, const Instruction &i, uint32_t mask) {
  convert<D, S>(s, i, mask);
  extend<D>(s, i, mask);
}

template <typename D, typename S> Handler handler() {
  if constexpr (!kIsFloat<D> && sizeof(D) < 4)
    return convertNarrow<D, S>;
  else
    return convert<D, S>;
}

template <typename D> Handler from(Type type) {
  switch (type) {
  case Type::u8:
  case Type::b8:
    return handler<D, uint8_t>();
  case Type::s8:
    return handler<D, int8_t>();
  case Type::u16:
  case Type::b16:
    return handler<D, uint16_t>();
  case Type::s16:
    return handler<D, int16_t>();
  case Type::u32:
  case Type::b32:
    return handler<D, uint32_t>();
  case Type::s32:
    return handler<D, int32_t>();
  case Type::u64:
  case Type::b64:
    return handler<D, uint64_t>();
  case Type::s64:
    return handler<D, int64_t>();
  case Type::f16:
    return handler<D, Half>();
  case Type::f32:
    return handler<D, float>();
  case Type::f64:
    return handler<D, double>();
  default:
    return nullptr;
  }
}

/// Two f32 to a pair of f16, the first one in the upper half.
void packHalves(WarpState &s, const Instruction &i, uint32_t mask) {
  map2<uint32_t, float, float>(s, i, mask, [&](float a, float b) {
    return uint32_t(doubleToHalf(a, i.rounding)) << 16 | doubleToHalf(b, i.rounding);
  });
}

/// The common one, without a branch in the loop.
void halfToF32(WarpState &s, const Instruction &i, uint32_t mask) {
  map1<float, uint16_t>(s, i, mask, [](uint16_t a) { return halfToFloat(a); });
}

} // namespace

Handler convertHandler(Type to, Type type, IntegerRounding rounding, const Instruction &modifiers) {
  if (to == Type::f32 && type == Type::f16 && rounding == IntegerRounding::none && !modifiers.saturate &&
      !modifiers.flushSubnormals)
    return halfToF32;
  switch (to) {
  case Type::f16x2:
    return type == Type::f32 ? packHalves : nullptr;
  case Type::u8:
  case Type::b8:
    return from<uint8_t>(type);
  case Type::s8:
    return from<int8_t>(type);
  case Type::u16:
  case Type::b16:
    return from<uint16_t>(type);
  case Type::s16:
    return from<int16_t>(type);
  case Type::u32:
  case Type::b32:
    return from<uint32_t>(type);
  case Type::s32:
    return from<int32_t>(type);
  case Type::u64:
  case Type::b64:
    return from<uint64_t>(type);
  case Type::s64:
    return from<int64_t>(type);
  case Type::f16:
    return from<Half>(type);
  case Type::f32:
    return from<float>(type);
  case Type::f64:
    return from<double>(type);
  default:
    return nullptr;
  }
}

} // namespace strata::sim::STRATA_SIMULATOR_ISA
