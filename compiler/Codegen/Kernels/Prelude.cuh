// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What every kernel builds on: words of PTX that CUDA C++ lacks, loads of any alignment, sums over lanes, functions.
// A translation unit is this file, the files that the kernel needs, and the generated entry point.
//
// needs:

namespace strata {

using Byte = unsigned char;
using Half = unsigned short; ///< The bits of an f16.

constexpr unsigned kWarp = 32;
constexpr unsigned kAllLanes = 0xFFFFFFFFu;
/// Numbers per block of a quantised activation, and per unit of work on a quantised weight.
constexpr unsigned kBlock = 32;

constexpr unsigned ceilDivide(unsigned number, unsigned by) {
  return (number + by - 1) / by;
}
constexpr unsigned smaller(unsigned a, unsigned b) {
  return a < b ? a : b;
}
/// The largest power of two that divides `bytes`, at most `limit`: how far an address that is a multiple of it is
/// aligned.
constexpr unsigned alignmentOf(unsigned long long bytes, unsigned limit = 16) {
  return bytes % limit == 0 ? limit : alignmentOf(bytes, limit / 2);
}

__device__ __forceinline__ unsigned laneIndex() {
  return threadIdx.x % kWarp;
}
__device__ __forceinline__ unsigned warpIndex() {
  return threadIdx.x / kWarp;
}

// ---- Words of PTX ------------------------------------------------------------------------------------------------

/// sum + the four products of signed bytes.
__device__ __forceinline__ int dotBytes(unsigned a, unsigned b, int sum) {
  asm("dp4a.s32.s32 %0, %1, %2, %0;" : "+r"(sum) : "r"(a), "r"(b));
  return sum;
}

__device__ __forceinline__ float halfToFloat(Half bits) {
  float result;
  asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(bits));
  return result;
}

/// Rounded to nearest even; too large a number becomes infinity.
__device__ __forceinline__ Half floatToHalf(float number) {
  Half bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(number));
  return bits;
}

__device__ __forceinline__ float brainToFloat(Half bits) {
  return __uint_as_float(static_cast<unsigned>(bits) << 16);
}

/// The signed byte `index` of a word.
__device__ __forceinline__ int signedByte(unsigned word, unsigned index) {
  return static_cast<int>(word << (24 - 8 * index)) >> 24;
}

// ---- Loads -------------------------------------------------------------------------------------------------------

/// COUNT words from an address that is a multiple of ALIGNMENT (2 to 16): the widest loads that it allows.
template <unsigned COUNT, unsigned ALIGNMENT>
__device__ __forceinline__ void loadWords(const Byte *from, unsigned *to) {
  if constexpr (ALIGNMENT >= 16 && COUNT % 4 == 0) {
#pragma unroll
    for (unsigned i = 0; i < COUNT / 4; ++i) {
      uint4 words = reinterpret_cast<const uint4 *>(from)[i];
      to[4 * i] = words.x;
      to[4 * i + 1] = words.y;
      to[4 * i + 2] = words.z;
      to[4 * i + 3] = words.w;
    }
  } else if constexpr (ALIGNMENT >= 8 && COUNT % 2 == 0) {
#pragma unroll
    for (unsigned i = 0; i < COUNT / 2; ++i) {
      uint2 words = reinterpret_cast<const uint2 *>(from)[i];
      to[2 * i] = words.x;
      to[2 * i + 1] = words.y;
    }
  } else if constexpr (ALIGNMENT >= 4) {
#pragma unroll
    for (unsigned i = 0; i < COUNT; ++i)
      to[i] = reinterpret_cast<const unsigned *>(from)[i];
  } else {
#pragma unroll
    for (unsigned i = 0; i < COUNT; ++i) {
      unsigned low = reinterpret_cast<const Half *>(from)[2 * i];
      unsigned high = reinterpret_cast<const Half *>(from)[2 * i + 1];
      to[i] = low | high << 16;
    }
  }
}

// ---- Sums over lanes: the same tree whatever runs beside ----------------------------------------------------------

/// The sum over each group of LANES neighbouring lanes, in all of them. All lanes of the warp must take part.
template <unsigned LANES> __device__ __forceinline__ float sumLanes(float value) {
#pragma unroll
  for (unsigned distance = LANES / 2; distance > 0; distance /= 2)
    value += __shfl_xor_sync(kAllLanes, value, distance);
  return value;
}

__device__ __forceinline__ double sumWarp(double value) {
#pragma unroll
  for (unsigned distance = kWarp / 2; distance > 0; distance /= 2) {
    unsigned long long bits = static_cast<unsigned long long>(__double_as_longlong(value));
    unsigned low = __shfl_xor_sync(kAllLanes, static_cast<unsigned>(bits), distance);
    unsigned high = __shfl_xor_sync(kAllLanes, static_cast<unsigned>(bits >> 32), distance);
    value += __longlong_as_double(static_cast<long long>(static_cast<unsigned long long>(high) << 32 | low));
  }
  return value;
}

__device__ __forceinline__ unsigned largestInWarp(unsigned value) {
#pragma unroll
  for (unsigned distance = kWarp / 2; distance > 0; distance /= 2) {
    unsigned other = __shfl_xor_sync(kAllLanes, value, distance);
    value = value > other ? value : other;
  }
  return value;
}

// ---- Functions: from multiplications and additions alone, so that every device and the simulator give the same bits
// --

__device__ __forceinline__ float infinity() {
  return __uint_as_float(0x7F800000u);
}
__device__ __forceinline__ float notANumber() {
  return __uint_as_float(0x7FC00000u);
}

/// 2^exponent for -126 to 127.
__device__ __forceinline__ float powerOfTwo(int exponent) {
  return __uint_as_float(static_cast<unsigned>(exponent + 127) << 23);
}

/// exp(x), within 2 units in the last place: x = n ln 2 + r with |r| at most ln 2 / 2, and a Taylor polynomial of r.
__device__ __forceinline__ float exponential(float x) {
  // Outside of this range the result is 0 or infinity; a NaN fails the comparison and goes on as it is.
  float clamped = x < -104.0f ? -104.0f : x;
  clamped = clamped > 89.0f ? 89.0f : clamped;
  float n = rintf(clamped * 1.44269504f);
  float r =
      fmaf(n, -0.693145751953125f, clamped); // ln 2 in two parts, of which the first has 15 bits: n times it is exact
  r = fmaf(n, -1.42860677e-6f, r);
  float p = fmaf(r, 1.98412698e-4f, 1.38888889e-3f);
  p = fmaf(p, r, 8.33333333e-3f);
  p = fmaf(p, r, 4.16666667e-2f);
  p = fmaf(p, r, 1.66666667e-1f);
  p = fmaf(p, r, 0.5f);
  p = fmaf(p, r, 1.0f);
  p = fmaf(p, r, 1.0f);
  if (!(n >= -151.0f)) // a NaN: no conversion to an integer
    return x;
  // In two steps, since n reaches from -150 to 128.
  int exponent = static_cast<int>(n);
  int half = exponent / 2;
  return p * powerOfTwo(half) * powerOfTwo(exponent - half);
}

__device__ __forceinline__ float sigmoid(float x) {
  return 1.0f / (1.0f + exponential(-x));
}
__device__ __forceinline__ float silu(float x) {
  return x / (1.0f + exponential(-x));
}

/// Cosine and sine in f64, rounded to f32 once. Good for angles below 10^6: positions reach 163,840.
__device__ __forceinline__ void cosineAndSine(float angle, float &cosine, float &sine) {
  double x = static_cast<double>(angle);
  double n = rint(x * 0.63661977236758134308); // 2 / pi
  double r = fma(n, -1.57079632679489655800, x);
  r = fma(n, -6.12323399573676603587e-17, r);
  double s = r * r;
  double c = fma(s, 2.08767569878681e-9, -2.75573192239859e-7); // 1/12!, 1/10!
  c = fma(c, s, 2.48015873015873e-5);
  c = fma(c, s, -1.38888888888889e-3);
  c = fma(c, s, 4.16666666666667e-2);
  c = fma(c, s, -0.5);
  c = fma(c, s, 1.0);
  double d = fma(s, 1.60590438368216e-10, -2.50521083854417e-8); // 1/13!, 1/11!
  d = fma(d, s, 2.75573192239859e-6);
  d = fma(d, s, -1.98412698412698e-4);
  d = fma(d, s, 8.33333333333333e-3);
  d = fma(d, s, -1.66666666666667e-1);
  d = fma(d * s, r, r);
  // Positions are finite, and so are frequencies: n is a whole number.
  int quadrant = static_cast<int>(n) & 3;
  double first = quadrant & 1 ? d : c, second = quadrant & 1 ? c : d;
  cosine = static_cast<float>(quadrant == 1 || quadrant == 2 ? -first : first);
  sine = static_cast<float>(quadrant >= 2 ? -second : second);
}

} // namespace strata
