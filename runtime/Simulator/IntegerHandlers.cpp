// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Integer arithmetic, logic and shifts: PTX ISA, "Integer Arithmetic Instructions", "Extended-Precision …", "Logic and
// Shift Instructions".

#include "runtime/Simulator/ArithmeticParts.h"
#include "runtime/Simulator/Lanes.h"

#include <algorithm>

namespace strata::sim::STRATA_SIMULATOR_ISA {

namespace {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 Uint128;

template <typename T> using Unsigned = std::make_unsigned_t<T>;
template <typename T>
using Wide =
    std::conditional_t<sizeof(T) == 2, std::conditional_t<std::is_signed_v<T>, int32_t, uint32_t>,
                       std::conditional_t<sizeof(T) == 4, std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>,
                                          std::conditional_t<std::is_signed_v<T>, Int128, Uint128>>>;

// Results wrap: all sums are of unsigned numbers, of a size that no promotion makes signed.
template <typename T> using Math = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
template <typename T> T wrap(Math<T> value) {
  return static_cast<T>(value);
}

template <typename T> T multiplyHigh(T a, T b) {
  return static_cast<T>(static_cast<Wide<T>>(static_cast<Wide<T>>(a) * static_cast<Wide<T>>(b)) >> (8 * sizeof(T)));
}
template <typename T> T divide(T a, T b) {
  // By zero the result is unspecified; hardware gives all ones. The one quotient that overflows wraps.
  if (b == 0)
    return static_cast<T>(-1);
  if (std::is_signed_v<T> && b == static_cast<T>(-1))
    return wrap<T>(Math<T>(0) - static_cast<Math<T>>(a));
  return static_cast<T>(a / b);
}
template <typename T> T remainder(T a, T b) {
  if (b == 0)
    return a;
  if (std::is_signed_v<T> && b == static_cast<T>(-1))
    return 0;
  return static_cast<T>(a % b);
}

template <typename T> T shiftLeft(T a, uint32_t by) {
  return by >= 8 * sizeof(T) ? T(0) : static_cast<T>(static_cast<Math<T>>(a) << by);
}
template <typename T> T shiftRight(T a, uint32_t by) {
  if (by >= 8 * sizeof(T))
    return std::is_signed_v<T> && a < 0 ? static_cast<T>(-1) : T(0);
  return static_cast<T>(a >> by);
}

template <typename T> uint32_t findMostSignificant(T a, bool shiftAmount) {
  auto bits = static_cast<Unsigned<T>>(std::is_signed_v<T> && a < 0 ? ~a : a);
  if (bits == 0)
    return ~uint32_t(0);
  auto position = static_cast<uint32_t>(8 * sizeof(T)) - 1 - static_cast<uint32_t>(std::countl_zero(bits));
  return shiftAmount ? static_cast<uint32_t>(8 * sizeof(T)) - 1 - position : position;
}

template <typename T> T reverseBits(T a) {
  T result = 0;
  for (size_t bit = 0; bit < 8 * sizeof(T); ++bit)
    result = static_cast<T>(result << 1 | (a >> bit & 1));
  return result;
}

template <typename T> T extractField(T a, uint32_t position, uint32_t length) {
  constexpr uint32_t kTop = 8 * sizeof(T) - 1;
  position &= 0xff;
  length &= 0xff;
  auto bitOf = [&](uint32_t at) { return static_cast<Unsigned<T>>(static_cast<Unsigned<T>>(a) >> at & 1); };
  Unsigned<T> sign = std::is_signed_v<T> && length != 0 ? bitOf(std::min(position + length - 1, kTop)) : 0;
  Unsigned<T> result = 0;
  for (uint32_t i = 0; i <= kTop; ++i)
    result |= (i < length && position + i <= kTop ? bitOf(position + i) : sign) << i;
  return static_cast<T>(result);
}
template <typename T> T insertField(T a, T b, uint32_t position, uint32_t length) {
  constexpr uint32_t kBits = 8 * sizeof(T);
  position &= 0xff;
  length &= 0xff;
  T result = b;
  for (uint32_t bit = 0; bit < length && position + bit < kBits && bit < kBits; ++bit) {
    T one = static_cast<T>(T(1) << (position + bit));
    result = static_cast<T>((result & ~one) | ((a >> bit & 1) ? one : T(0)));
  }
  return result;
}

uint32_t permute(uint32_t a, uint32_t b, uint32_t control, PrmtMode mode) {
  uint64_t bytes = uint64_t(b) << 32 | a;
  auto byteAt = [&](uint32_t index) { return static_cast<uint32_t>(bytes >> (8 * (index & 7)) & 0xff); };
  if (mode == PrmtMode::index) {
    uint32_t result = 0;
    for (uint32_t i = 0; i < 4; ++i) {
      uint32_t selector = control >> (4 * i) & 0xf;
      uint32_t value = byteAt(selector);
      if (selector & 8) // The sign of the byte, everywhere.
        value = value & 0x80 ? 0xff : 0;
      result |= value << (8 * i);
    }
    return result;
  }
  // Rows of the table in the ISA: for each c[1:0] the bytes, from the least significant one.
  static constexpr uint8_t kTable[6][4][4] = {
      {{0, 1, 2, 3}, {1, 2, 3, 4}, {2, 3, 4, 5}, {3, 4, 5, 6}}, // f4e
      {{0, 7, 6, 5}, {1, 0, 7, 6}, {2, 1, 0, 7}, {3, 2, 1, 0}}, // b4e
      {{0, 0, 0, 0}, {1, 1, 1, 1}, {2, 2, 2, 2}, {3, 3, 3, 3}}, // rc8
      {{0, 1, 2, 3}, {1, 1, 2, 3}, {2, 2, 2, 3}, {3, 3, 3, 3}}, // ecl
      {{0, 0, 0, 0}, {0, 1, 1, 1}, {0, 1, 2, 2}, {0, 1, 2, 3}}, // ecr
      {{0, 1, 0, 1}, {2, 3, 2, 3}, {0, 1, 0, 1}, {2, 3, 2, 3}}, // rc16
  };
  const uint8_t *row = kTable[static_cast<uint32_t>(mode) - 1][control & 3];
  return byteAt(row[0]) | byteAt(row[1]) << 8 | byteAt(row[2]) << 16 | byteAt(row[3]) << 24;
}

uint32_t logic3(uint32_t a, uint32_t b, uint32_t c, uint32_t table) {
  uint32_t result = 0;
  if (table & 0x01)
    result |= ~a & ~b & ~c;
  if (table & 0x02)
    result |= ~a & ~b & c;
  if (table & 0x04)
    result |= ~a & b & ~c;
  if (table & 0x08)
    result |= ~a & b & c;
  if (table & 0x10)
    result |= a & ~b & ~c;
  if (table & 0x20)
    result |= a & ~b & c;
  if (table & 0x40)
    result |= a & b & ~c;
  if (table & 0x80)
    result |= a & b & c;
  return result;
}

template <bool SignedA, bool SignedB> uint32_t dot4(uint32_t a, uint32_t b, uint32_t c) {
  using A = std::conditional_t<SignedA, int8_t, uint8_t>;
  using B = std::conditional_t<SignedB, int8_t, uint8_t>;
  for (uint32_t i = 0; i < 4; ++i)
    c += static_cast<uint32_t>(int32_t(static_cast<A>(a >> (8 * i))) * int32_t(static_cast<B>(b >> (8 * i))));
  return c;
}

uint32_t dot2(uint32_t a, uint32_t b, uint32_t c, uint8_t option) {
  uint32_t shift = option & kHighHalf ? 16 : 0;
  for (uint32_t i = 0; i < 2; ++i) {
    uint32_t half = a >> (16 * i) & 0xffff, byte = b >> (shift + 8 * i) & 0xff;
    int64_t x = option & kSignedA ? int64_t(static_cast<int16_t>(half)) : int64_t(half);
    int64_t y = option & kSignedB ? int64_t(static_cast<int8_t>(byte)) : int64_t(byte);
    c += static_cast<uint32_t>(x * y);
  }
  return c;
}

template <typename T> uint32_t absoluteDifference(T a, T b) {
  return a < b ? static_cast<uint32_t>(b) - static_cast<uint32_t>(a)
               : static_cast<uint32_t>(a) - static_cast<uint32_t>(b);
}

template <typename T> Handler basic(Operation operation) {
  using M = Math<T>;
  switch (operation) {
  case Operation::add:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map2<T, T, T>(s, i, m, [](T a, T b) { return wrap<T>(static_cast<M>(a) + static_cast<M>(b)); });
    };
  case Operation::sub:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map2<T, T, T>(s, i, m, [](T a, T b) { return wrap<T>(static_cast<M>(a) - static_cast<M>(b)); });
    };
  case Operation::mulLow:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map2<T, T, T>(s, i, m, [](T a, T b) { return wrap<T>(static_cast<M>(a) * static_cast<M>(b)); });
    };
  case Operation::mulHigh:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map2<T, T, T>(s, i, m, [](T a, T b) { return multiplyHigh(a, b); });
    };
  case Operation::madLow:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map3<T, T, T, T>(
          s, i, m, [](T a, T b, T c) { return wrap<T>(static_cast<M>(a) * static_cast<M>(b) + static_cast<M>(c)); });
    };
  case Operation::madHigh:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map3<T, T, T, T>(s, i, m,
                       [](T a, T b, T c) { return wrap<T>(static_cast<M>(multiplyHigh(a, b)) + static_cast<M>(c)); });
    };
  case Operation::div:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map2<T, T, T>(s, i, m, [](T a, T b) { return divide(a, b); });
    };
  case Operation::rem:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map2<T, T, T>(s, i, m, [](T a, T b) { return remainder(a, b); });
    };
  case Operation::abs:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map1<T, T>(s, i, m, [](T a) { return a < 0 ? wrap<T>(M(0) - static_cast<M>(a)) : a; });
    };
  case Operation::neg:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map1<T, T>(s, i, m, [](T a) { return wrap<T>(M(0) - static_cast<M>(a)); });
    };
  case Operation::min:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map2<T, T, T>(s, i, m, [](T a, T b) { return a < b ? a : b; });
    };
  case Operation::max:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map2<T, T, T>(s, i, m, [](T a, T b) { return a < b ? b : a; });
    };
  case Operation::shiftLeft:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map2<T, T, uint32_t>(s, i, m, [](T a, uint32_t b) { return shiftLeft(a, b); });
    };
  case Operation::shiftRight:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map2<T, T, uint32_t>(s, i, m, [](T a, uint32_t b) { return shiftRight(a, b); });
    };
  case Operation::bitAnd:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map2<T, T, T>(s, i, m, [](T a, T b) { return static_cast<T>(a & b); });
    };
  case Operation::bitOr:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map2<T, T, T>(s, i, m, [](T a, T b) { return static_cast<T>(a | b); });
    };
  case Operation::bitXor:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map2<T, T, T>(s, i, m, [](T a, T b) { return static_cast<T>(a ^ b); });
    };
  case Operation::bitNot:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map1<T, T>(s, i, m, [](T a) { return static_cast<T>(~a); });
    };
  case Operation::cnot:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map1<T, T>(s, i, m, [](T a) { return static_cast<T>(a == 0); });
    };
  case Operation::mov:
    return [](WarpState &s, const Instruction &i, uint32_t m) { map1<T, T>(s, i, m, [](T a) { return a; }); };
  case Operation::select:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      uint32_t chosen = s.predicates[i.predicateSource[0]] ^ (i.predicateSourceNegated[0] ? kAllLanes : 0);
      uint32_t *d = s.file[i.destination[0]];
      const uint32_t *a = s.file[i.source[0]], *b = s.file[i.source[1]];
      forLanes(m, [&](uint32_t lane) {
        T one = getLane<T>(a, lane), other = getLane<T>(b, lane);
        setLane<T>(d, lane, chosen >> lane & 1 ? one : other);
      });
    };
  default:
    return nullptr;
  }
}

/// Multiplications with a result of twice the size: of 16 and 32 bits.
template <typename T> Handler widening(Operation operation) {
  using W = Wide<T>;
  if (operation == Operation::mulWide)
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map2<W, T, T>(s, i, m, [](T a, T b) { return static_cast<W>(static_cast<W>(a) * static_cast<W>(b)); });
    };
  if (operation == Operation::madWide)
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map3<W, T, T, W>(s, i, m, [](T a, T b, W c) {
        return static_cast<W>(static_cast<Math<W>>(static_cast<W>(a) * static_cast<W>(b)) + static_cast<Math<W>>(c));
      });
    };
  return nullptr;
}

/// Operations on bits, of 32 and 64 bits.
template <typename T> Handler bits(Operation operation) {
  switch (operation) {
  case Operation::popc:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map1<uint32_t, T>(s, i, m, [](T a) { return static_cast<uint32_t>(std::popcount(static_cast<Unsigned<T>>(a))); });
    };
  case Operation::clz:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map1<uint32_t, T>(s, i, m,
                        [](T a) { return static_cast<uint32_t>(std::countl_zero(static_cast<Unsigned<T>>(a))); });
    };
  case Operation::bfind:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map1<uint32_t, T>(s, i, m, [&](T a) { return findMostSignificant(a, i.option != 0); });
    };
  case Operation::brev:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map1<T, T>(s, i, m, [](T a) { return static_cast<T>(reverseBits(static_cast<Unsigned<T>>(a))); });
    };
  case Operation::bfe:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map3<T, T, uint32_t, uint32_t>(s, i, m, [](T a, uint32_t b, uint32_t c) { return extractField(a, b, c); });
    };
  case Operation::bfi:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      uint32_t *d = s.file[i.destination[0]];
      const uint32_t *a = s.file[i.source[0]], *b = s.file[i.source[1]], *c = s.file[i.source[2]],
                     *e = s.file[i.source[3]];
      forLanes(m, [&](uint32_t l) {
        using U = Unsigned<T>;
        setLane<U>(d, l,
                   insertField(getLane<U>(a, l), getLane<U>(b, l), getLane<uint32_t>(c, l), getLane<uint32_t>(e, l)));
      });
    };
  default:
    return nullptr;
  }
}

/// What exists for 32 bits only.
Handler only32(Operation operation, bool isSigned) {
  switch (operation) {
  case Operation::sad:
    if (isSigned)
      return [](WarpState &s, const Instruction &i, uint32_t m) {
        map3<uint32_t, int32_t, int32_t, uint32_t>(
            s, i, m, [](int32_t a, int32_t b, uint32_t c) { return c + absoluteDifference(a, b); });
      };
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map3<uint32_t, uint32_t, uint32_t, uint32_t>(
          s, i, m, [](uint32_t a, uint32_t b, uint32_t c) { return c + absoluteDifference(a, b); });
    };
  case Operation::funnelLeft:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map3<uint32_t, uint32_t, uint32_t, uint32_t>(s, i, m, [&](uint32_t a, uint32_t b, uint32_t c) {
        uint32_t by = i.option ? c & 31 : std::min(c, 32u);
        return static_cast<uint32_t>((uint64_t(b) << 32 | a) << by >> 32);
      });
    };
  case Operation::funnelRight:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map3<uint32_t, uint32_t, uint32_t, uint32_t>(s, i, m, [&](uint32_t a, uint32_t b, uint32_t c) {
        uint32_t by = i.option ? c & 31 : std::min(c, 32u);
        return static_cast<uint32_t>((uint64_t(b) << 32 | a) >> by);
      });
    };
  case Operation::prmt:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map3<uint32_t, uint32_t, uint32_t, uint32_t>(s, i, m, [&](uint32_t a, uint32_t b, uint32_t c) {
        return permute(a, b, c, static_cast<PrmtMode>(i.option));
      });
    };
  case Operation::lop3:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map3<uint32_t, uint32_t, uint32_t, uint32_t>(s, i, m, [&](uint32_t a, uint32_t b, uint32_t c) {
        return logic3(a, b, c, static_cast<uint32_t>(i.immediate));
      });
    };
  case Operation::dp4a:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      auto run = [&](auto f) { map3<uint32_t, uint32_t, uint32_t, uint32_t>(s, i, m, f); };
      if (i.option == (kSignedA | kSignedB))
        run([](uint32_t a, uint32_t b, uint32_t c) { return dot4<true, true>(a, b, c); });
      else if (i.option == kSignedA)
        run([](uint32_t a, uint32_t b, uint32_t c) { return dot4<true, false>(a, b, c); });
      else if (i.option == kSignedB)
        run([](uint32_t a, uint32_t b, uint32_t c) { return dot4<false, true>(a, b, c); });
      else
        run([](uint32_t a, uint32_t b, uint32_t c) { return dot4<false, false>(a, b, c); });
    };
  case Operation::dp2a:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map3<uint32_t, uint32_t, uint32_t, uint32_t>(
          s, i, m, [&](uint32_t a, uint32_t b, uint32_t c) { return dot2(a, b, c, i.option); });
    };
  default:
    return nullptr;
  }
}

/// a (+ or −) b with the carry of each lane in state.carry.
template <typename F> void withCarry(WarpState &s, const Instruction &i, uint32_t m, F f) {
  uint32_t *d = s.file[i.destination[0]];
  uint32_t out = s.carry;
  forLanes(m, [&](uint32_t lane) {
    uint64_t carry = i.option & kCarryIn ? s.carry >> lane & 1 : 0;
    uint64_t result = f(lane, carry);
    setLane<uint32_t>(d, lane, static_cast<uint32_t>(result));
    uint32_t bit = static_cast<uint32_t>(result >> 32 & 1);
    out = (out & ~(uint32_t(1) << lane)) | bit << lane;
  });
  if (i.option & kCarryOut)
    s.carry = out;
}

Handler carrying(Operation operation, bool isSigned) {
  switch (operation) {
  case Operation::addCarry:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      const uint32_t *a = s.file[i.source[0]], *b = s.file[i.source[1]];
      withCarry(s, i, m, [&](uint32_t lane, uint64_t carry) { return uint64_t(a[lane]) + b[lane] + carry; });
    };
  case Operation::subCarry:
    // The carry is the borrow.
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      const uint32_t *a = s.file[i.source[0]], *b = s.file[i.source[1]];
      withCarry(s, i, m, [&](uint32_t lane, uint64_t carry) { return uint64_t(a[lane]) - b[lane] - carry; });
    };
  case Operation::madLowCarry:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      const uint32_t *a = s.file[i.source[0]], *b = s.file[i.source[1]], *c = s.file[i.source[2]];
      withCarry(s, i, m, [&](uint32_t lane, uint64_t carry) { return uint64_t(a[lane] * b[lane]) + c[lane] + carry; });
    };
  case Operation::madHighCarry:
    if (isSigned)
      return [](WarpState &s, const Instruction &i, uint32_t m) {
        const uint32_t *a = s.file[i.source[0]], *b = s.file[i.source[1]], *c = s.file[i.source[2]];
        withCarry(s, i, m, [&](uint32_t lane, uint64_t carry) {
          return uint64_t(static_cast<uint32_t>(
                     multiplyHigh(static_cast<int32_t>(a[lane]), static_cast<int32_t>(b[lane])))) +
                 c[lane] + carry;
        });
      };
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      const uint32_t *a = s.file[i.source[0]], *b = s.file[i.source[1]], *c = s.file[i.source[2]];
      withCarry(s, i, m, [&](uint32_t lane, uint64_t carry) {
        return uint64_t(multiplyHigh(a[lane], b[lane])) + c[lane] + carry;
      });
    };
  default:
    return nullptr;
  }
}

template <typename T> Handler ofType(Operation operation) {
  if (Handler found = basic<T>(operation))
    return found;
  if constexpr (sizeof(T) <= 4)
    if (Handler found = widening<T>(operation))
      return found;
  if constexpr (sizeof(T) >= 4)
    if (Handler found = bits<T>(operation))
      return found;
  if constexpr (sizeof(T) == 4)
    if (Handler found = only32(operation, std::is_signed_v<T>))
      return found;
  if constexpr (sizeof(T) == 4)
    return carrying(operation, std::is_signed_v<T>);
  return nullptr;
}

} // namespace

Handler integerHandler(Operation operation, Type type) {
  switch (type) {
  case Type::u16:
  case Type::b16:
  case Type::f16:
    return ofType<uint16_t>(operation);
  case Type::s16:
    return ofType<int16_t>(operation);
  case Type::u32:
  case Type::b32:
  case Type::f32:
  case Type::f16x2:
    return ofType<uint32_t>(operation);
  case Type::s32:
    return ofType<int32_t>(operation);
  case Type::u64:
  case Type::b64:
  case Type::f64:
    return ofType<uint64_t>(operation);
  case Type::s64:
    return ofType<int64_t>(operation);
  default:
    return nullptr;
  }
}

} // namespace strata::sim::STRATA_SIMULATOR_ISA
