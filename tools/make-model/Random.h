// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Random numbers that depend on a seed and on what they are for, and on nothing else.
#pragma once

#include <cstdint>

namespace strata::making {

/// A counter through a mixing function (splitmix64): fast, and any start is as good as any other.
class Random {
public:
  explicit Random(uint64_t start) : state(start) {}
  uint64_t next() {
    uint64_t z = state += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
  }
  /// Above 0, at most 1.
  double uniform() { return static_cast<double>((next() >> 11) + 1) * 0x1p-53; }

private:
  uint64_t state;
};

/// The numbers of one part of one stream.
inline Random randomOf(uint64_t seed, uint64_t stream, uint64_t part) {
  return Random(Random(Random(Random(seed).next() + stream).next() + part).next());
}

} // namespace strata::making
