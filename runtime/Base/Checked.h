// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The one type for arithmetic on numbers that come from a file.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>

namespace strata {

/// An unsigned 64-bit number that remembers whether any step on the way to it overflowed, underflowed or divided by
/// zero. Every count, size and offset out of a file goes through it before it is used:
///
///   Checked end = Checked(offset) + Checked(rows) * rowBytes;
///   if (!end.valid() || end.value() > fileBytes) return fail(...);
class Checked {
public:
  constexpr Checked() = default;
  /// Negative numbers make an invalid value.
  template <typename T, typename = std::enable_if_t<std::is_integral_v<T>>>
  constexpr Checked(T initial) : number(static_cast<uint64_t>(initial)) {
    if constexpr (std::is_signed_v<T>)
      ok = initial >= 0;
  }

  constexpr bool valid() const { return ok; }
  /// The number; 0 if it is not valid.
  constexpr uint64_t value() const { return ok ? number : 0; }
  /// The number as a narrower type; nothing if it is not valid or does not fit.
  template <typename T> constexpr std::optional<T> as() const {
    if (!ok || number > static_cast<uint64_t>(std::numeric_limits<T>::max()))
      return std::nullopt;
    return static_cast<T>(number);
  }

  friend constexpr Checked operator+(Checked a, Checked b) {
    uint64_t sum = 0;
    bool overflow = __builtin_add_overflow(a.number, b.number, &sum);
    return make(sum, a.ok && b.ok && !overflow);
  }
  friend constexpr Checked operator-(Checked a, Checked b) {
    return make(a.number - b.number, a.ok && b.ok && a.number >= b.number);
  }
  friend constexpr Checked operator*(Checked a, Checked b) {
    uint64_t product = 0;
    bool overflow = __builtin_mul_overflow(a.number, b.number, &product);
    return make(product, a.ok && b.ok && !overflow);
  }
  friend constexpr Checked operator/(Checked a, Checked b) {
    bool defined = a.ok && b.ok && b.number != 0;
    return make(defined ? a.number / b.number : 0, defined);
  }
  friend constexpr Checked operator%(Checked a, Checked b) {
    bool defined = a.ok && b.ok && b.number != 0;
    return make(defined ? a.number % b.number : 0, defined);
  }
  Checked &operator+=(Checked other) { return *this = *this + other; }
  Checked &operator*=(Checked other) { return *this = *this * other; }

  /// The next multiple of `alignment`, which must not be zero.
  constexpr Checked alignUp(Checked alignment) const {
    Checked rest = *this % alignment;
    if (!rest.valid() || rest.number == 0)
      return rest.valid() ? *this : rest;
    return *this + (alignment - rest);
  }
  /// True if both are valid and this is at most `limit`.
  constexpr bool atMost(Checked limit) const { return ok && limit.ok && number <= limit.number; }

private:
  static constexpr Checked make(uint64_t resultNumber, bool resultOk) {
    Checked result;
    result.number = resultNumber;
    result.ok = resultOk;
    return result;
  }
  uint64_t number = 0;
  bool ok = true;
};

} // namespace strata
