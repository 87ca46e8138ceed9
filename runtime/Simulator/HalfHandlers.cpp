// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// f16 and f16x2 arithmetic, and the products of the tensor cores: PTX ISA, "Half Precision Floating Point Instructions"
// and "mma.sync.aligned.m8n8k4".

#include "runtime/Simulator/ArithmeticParts.h"
#include "runtime/Simulator/FloatMath.h"
#include "runtime/Simulator/Lanes.h"

namespace strata::sim::STRATA_SIMULATOR_ISA {

namespace {

/// Sums and products of f16 are exact in f64, so that there is one rounding.
struct HalfMath {
  bool flush, saturate;
  explicit HalfMath(const Instruction &i) : flush(i.flushSubnormals), saturate(i.saturate) {}

  double in(uint16_t bits) const {
    bool subnormal = (bits & 0x7c00) == 0;
    return flush && subnormal ? std::copysign(0.0, halfToFloat(bits)) : double(halfToFloat(bits));
  }
  uint16_t out(double value) const {
    uint16_t bits = doubleToHalf(saturate ? saturated(value) : value);
    return flush && (bits & 0x7c00) == 0 ? static_cast<uint16_t>(bits & 0x8000) : bits;
  }
};

bool isNan(uint16_t bits) {
  return (bits & 0x7fff) > 0x7c00;
}

uint16_t extremum(uint16_t a, uint16_t b, bool wantLarger) {
  if (isNan(a))
    return isNan(b) ? kNanF16 : b;
  if (isNan(b))
    return a;
  float x = halfToFloat(a), y = halfToFloat(b);
  bool aIsSmaller = x < y || (x == y && std::signbit(x));
  return aIsSmaller != wantLarger ? a : b;
}

/// One f16 result; `a`, `b`, `c` are bits.
template <Operation O> uint16_t compute(const HalfMath &math, uint16_t a, uint16_t b, uint16_t c) {
  if constexpr (O == Operation::add)
    return math.out(math.in(a) + math.in(b));
  if constexpr (O == Operation::sub)
    return math.out(math.in(a)-math.in(b));
  if constexpr (O == Operation::mul)
    return math.out(math.in(a)*math.in(b));
  if constexpr (O == Operation::fma)
    return math.out(math.in(a)*math.in(b) + math.in(c));
  if constexpr (O == Operation::neg)
    return static_cast<uint16_t>(a ^ 0x8000);
  if constexpr (O == Operation::abs)
    return static_cast<uint16_t>(a & 0x7fff);
  if constexpr (O == Operation::min || O == Operation::max)
    return extremum(a, b, O == Operation::max);
  return 0;
}

template <Operation O> void run(WarpState &s, const Instruction &i, uint32_t m) {
  HalfMath math(i);
  uint32_t *d = s.file[i.destination[0]];
  const uint32_t *a = s.file[i.source[0]], *b = s.file[i.source[i.sources > 1 ? 1 : 0]],
                 *c = s.file[i.source[i.sources > 2 ? 2 : 0]];
  bool two = i.option != 0;
  forLanes(m, [&](uint32_t lane) {
    auto half = [&](uint32_t shift) {
      return uint32_t(compute<O>(math, static_cast<uint16_t>(a[lane] >> shift), static_cast<uint16_t>(b[lane] >> shift),
                                 static_cast<uint16_t>(c[lane] >> shift)))
             << shift;
    };
    d[lane] = two ? half(0) | half(16) : half(0);
  });
}

/// Which lanes form a product of 8×4 and 4×8: four low ones and the four 16 above them.
uint32_t laneOf(uint32_t quad, uint32_t index) {
  return quad * 4 + (index & 3) + (index & 4 ? 16 : 0);
}

struct Fragments {
  float a[8][4], b[4][8];
};

void readFragments(WarpState &s, const Instruction &i, uint32_t quad, bool aByColumns, bool bByColumns, Fragments &f) {
  for (uint32_t index = 0; index < 8; ++index) {
    uint32_t lane = laneOf(quad, index), low = index & 3, base = index & 4;
    for (uint32_t element = 0; element < 4; ++element) {
      auto half = [&](uint32_t source) {
        return halfToFloat(static_cast<uint16_t>(s.file[i.source[source + element / 2]][lane] >> (element % 2 * 16)));
      };
      if (aByColumns)
        f.a[element + base][low] = half(0);
      else
        f.a[low + base][element] = half(0);
      if (bByColumns)
        f.b[element][low + base] = half(2);
      else
        f.b[low][element + base] = half(2);
    }
  }
}

/// Where element `e` of a lane's accumulators stands: rows of four lanes if they are f16, scattered if f32.
void placeOf(uint32_t index, uint32_t e, bool isHalf, uint32_t &row, uint32_t &column) {
  uint32_t low = index & 3;
  row = isHalf ? index : (low & 1) + (e & 2) + (index & 4);
  column = isHalf ? e : (e & 4) + (low & 2) + (e & 1);
}

template <bool AByColumns, bool BByColumns, bool ResultIsHalf, bool AddendIsHalf>
void multiply(WarpState &s, const Instruction &i, uint32_t mask) {
  if (mask != kAllLanes)
    return s.fail(Fault::Kind::divergent, static_cast<uint32_t>(std::countr_zero(~mask)));
  for (uint32_t quad = 0; quad < 4; ++quad) {
    Fragments f;
    readFragments(s, i, quad, AByColumns, BByColumns, f);
    float c[8][8];
    for (uint32_t index = 0; index < 8; ++index)
      for (uint32_t e = 0; e < 8; ++e) {
        uint32_t row, column, lane = laneOf(quad, index);
        placeOf(index, e, AddendIsHalf, row, column);
        c[row][column] = AddendIsHalf
                             ? halfToFloat(static_cast<uint16_t>(s.file[i.source[4 + e / 2]][lane] >> (e % 2 * 16)))
                             : std::bit_cast<float>(s.file[i.source[4 + e]][lane]);
      }
    // The order within a sum of four products is not specified: here it is exact, and rounded once.
    for (uint32_t row = 0; row < 8; ++row)
      for (uint32_t column = 0; column < 8; ++column) {
        double sum = c[row][column];
        for (uint32_t k = 0; k < 4; ++k)
          sum += double(f.a[row][k]) * double(f.b[k][column]);
        c[row][column] = static_cast<float>(sum);
      }
    for (uint32_t index = 0; index < 8; ++index)
      for (uint32_t e = 0; e < 8; ++e) {
        uint32_t row, column, lane = laneOf(quad, index);
        placeOf(index, e, ResultIsHalf, row, column);
        if (!ResultIsHalf) {
          s.file[i.destination[e]][lane] = std::bit_cast<uint32_t>(c[row][column]);
          continue;
        }
        uint32_t &unit = s.file[i.destination[e / 2]][lane];
        uint32_t shift = e % 2 * 16;
        unit = (unit & ~(uint32_t(0xffff) << shift)) | uint32_t(floatToHalf(c[row][column])) << shift;
      }
  }
}

template <bool A, bool B> Handler multiplier(bool resultIsHalf, bool addendIsHalf) {
  if (resultIsHalf)
    return addendIsHalf ? multiply<A, B, true, true> : multiply<A, B, true, false>;
  return addendIsHalf ? multiply<A, B, false, true> : multiply<A, B, false, false>;
}

} // namespace

Handler halfHandler(Operation operation, Type, const Instruction &) {
  switch (operation) {
  case Operation::add:
    return run<Operation::add>;
  case Operation::sub:
    return run<Operation::sub>;
  case Operation::mul:
    return run<Operation::mul>;
  case Operation::fma:
    return run<Operation::fma>;
  case Operation::neg:
    return run<Operation::neg>;
  case Operation::abs:
    return run<Operation::abs>;
  case Operation::min:
    return run<Operation::min>;
  case Operation::max:
    return run<Operation::max>;
  default:
    return nullptr;
  }
}

Handler mmaHandler(bool aByColumns, bool bByColumns, bool resultIsHalf, bool addendIsHalf) {
  if (aByColumns)
    return bByColumns ? multiplier<true, true>(resultIsHalf, addendIsHalf)
                      : multiplier<true, false>(resultIsHalf, addendIsHalf);
  return bByColumns ? multiplier<false, true>(resultIsHalf, addendIsHalf)
                    : multiplier<false, false>(resultIsHalf, addendIsHalf);
}

} // namespace strata::sim::STRATA_SIMULATOR_ISA
