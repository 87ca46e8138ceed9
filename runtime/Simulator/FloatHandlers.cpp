// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// f32 and f64 arithmetic: PTX ISA, "Floating Point Instructions". Approximate functions are computed in f64 and rounded
// to nearest: within the error that the ISA allows, and not the bits of any GPU.

#include "runtime/Simulator/ArithmeticParts.h"
#include "runtime/Simulator/FloatMath.h"
#include "runtime/Simulator/Lanes.h"

namespace strata::sim::STRATA_SIMULATOR_ISA {

namespace {

/// f32 results that are NaN have one bit pattern; those of f64 keep a payload, which no one looks at.
float canonical(float value) {
  return std::isnan(value) ? std::bit_cast<float>(kNanF32) : value;
}
double canonical(double value) {
  return value;
}

/// A number of a subnormal one is zero in the instruction's .ftz form, whether it goes in or comes out.
template <typename T> struct Exact {
  bool flush, saturate;
  explicit Exact(const Instruction &i) : flush(i.flushSubnormals), saturate(i.saturate) {}
  T in(T value) const { return flush ? flushed(value) : value; }
  T out(T value) const {
    T result = canonical(flush ? flushed(value) : value);
    return saturate ? saturated(result) : result;
  }
};

template <typename T> bool isPlain(const Instruction &i) {
  return i.rounding == Rounding::nearest && !i.flushSubnormals && !i.saturate;
}

template <typename T> T smaller(T a, T b) {
  if (std::isnan(a))
    return canonical(b);
  if (std::isnan(b))
    return a;
  if (a == b) // -0 is below +0.
    return std::signbit(a) ? a : b;
  return a < b ? a : b;
}
template <typename T> T larger(T a, T b) {
  if (std::isnan(a))
    return canonical(b);
  if (std::isnan(b))
    return a;
  if (a == b)
    return std::signbit(a) ? b : a;
  return a < b ? b : a;
}

/// Arithmetic that has rounding modes, in the form that almost all of it has.
template <typename T> Handler plainArithmetic(Operation operation) {
  switch (operation) {
  case Operation::add:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map2<T, T, T>(s, i, m, [](T a, T b) { return canonical(a + b); });
    };
  case Operation::sub:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map2<T, T, T>(s, i, m, [](T a, T b) { return canonical(a - b); });
    };
  case Operation::mul:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map2<T, T, T>(s, i, m, [](T a, T b) { return canonical(a * b); });
    };
  case Operation::fma:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map3<T, T, T, T>(s, i, m, [](T a, T b, T c) { return canonical(std::fma(a, b, c)); });
    };
  default:
    return nullptr;
  }
}

template <typename T> Handler roundedArithmetic(Operation operation) {
  switch (operation) {
  case Operation::add:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      DirectedRounding rounding(i.rounding);
      Exact<T> exact(i);
      map2<T, T, T>(s, i, m, [&](T a, T b) { return exact.out(exact.in(a) + exact.in(b)); });
    };
  case Operation::sub:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      DirectedRounding rounding(i.rounding);
      Exact<T> exact(i);
      map2<T, T, T>(s, i, m, [&](T a, T b) { return exact.out(exact.in(a)-exact.in(b)); });
    };
  case Operation::mul:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      DirectedRounding rounding(i.rounding);
      Exact<T> exact(i);
      map2<T, T, T>(s, i, m, [&](T a, T b) { return exact.out(exact.in(a)*exact.in(b)); });
    };
  case Operation::fma:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      DirectedRounding rounding(i.rounding);
      Exact<T> exact(i);
      map3<T, T, T, T>(s, i, m,
                       [&](T a, T b, T c) { return exact.out(std::fma(exact.in(a), exact.in(b), exact.in(c))); });
    };
  case Operation::div:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      DirectedRounding rounding(i.rounding);
      Exact<T> exact(i);
      map2<T, T, T>(s, i, m, [&](T a, T b) { return exact.out(exact.in(a) / exact.in(b)); });
    };
  case Operation::rcp:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      DirectedRounding rounding(i.rounding);
      Exact<T> exact(i);
      map1<T, T>(s, i, m, [&](T a) { return exact.out(T(1) / exact.in(a)); });
    };
  case Operation::sqrt:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      DirectedRounding rounding(i.rounding);
      Exact<T> exact(i);
      map1<T, T>(s, i, m, [&](T a) { return exact.out(std::sqrt(exact.in(a))); });
    };
  default:
    return nullptr;
  }
}

/// Without a rounding: one exact result.
template <typename T> Handler exactOperation(Operation operation) {
  switch (operation) {
  case Operation::min:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      Exact<T> exact(i);
      map2<T, T, T>(s, i, m, [&](T a, T b) { return exact.out(smaller(exact.in(a), exact.in(b))); });
    };
  case Operation::max:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      Exact<T> exact(i);
      map2<T, T, T>(s, i, m, [&](T a, T b) { return exact.out(larger(exact.in(a), exact.in(b))); });
    };
  case Operation::abs:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      Exact<T> exact(i);
      map1<T, T>(s, i, m, [&](T a) { return std::fabs(exact.in(a)); });
    };
  case Operation::neg:
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      Exact<T> exact(i);
      map1<T, T>(s, i, m, [&](T a) { return -exact.in(a); });
    };
  case Operation::copysign:
    // The sign of a on b.
    return [](WarpState &s, const Instruction &i, uint32_t m) {
      map2<T, T, T>(s, i, m, [](T a, T b) { return std::copysign(b, a); });
    };
  default:
    return nullptr;
  }
}

/// Functions of one f32, in f64.
template <double (*Function)(double)> Handler approximate() {
  return [](WarpState &s, const Instruction &i, uint32_t m) {
    Exact<float> exact(i);
    map1<float, float>(s, i, m, [&](float a) { return exact.out(static_cast<float>(Function(exact.in(a)))); });
  };
}

double inverseRoot(double x) {
  return 1 / std::sqrt(x);
}
double powerOfTwo(double x) {
  return std::exp2(x);
}
double logarithm(double x) {
  return std::log2(x);
}
double sine(double x) {
  return std::sin(x);
}
double cosine(double x) {
  return std::cos(x);
}
double hyperbolicTangent(double x) {
  return std::tanh(x);
}

Handler functionHandler(Operation operation) {
  switch (operation) {
  case Operation::rsqrt:
    return approximate<inverseRoot>();
  case Operation::ex2:
    return approximate<powerOfTwo>();
  case Operation::lg2:
    return approximate<logarithm>();
  case Operation::sin:
    return approximate<sine>();
  case Operation::cos:
    return approximate<cosine>();
  case Operation::tanh:
    return approximate<hyperbolicTangent>();
  default:
    return nullptr;
  }
}

template <typename T> Handler ofType(Operation operation, const Instruction &modifiers) {
  if (isPlain<T>(modifiers))
    if (Handler found = plainArithmetic<T>(operation))
      return found;
  if (Handler found = roundedArithmetic<T>(operation))
    return found;
  if (Handler found = exactOperation<T>(operation))
    return found;
  if constexpr (sizeof(T) == 4)
    return functionHandler(operation);
  return nullptr;
}

} // namespace

Handler floatHandler(Operation operation, Type type, const Instruction &modifiers) {
  return type == Type::f64 ? ofType<double>(operation, modifiers) : ofType<float>(operation, modifiers);
}

} // namespace strata::sim::STRATA_SIMULATOR_ISA
