// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Simulator/Operations.h"

namespace strata::sim {

const ArithmeticHandlers &arithmeticHandlers() {
  static const bool fast =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  return fast ? avx2::kHandlers : portable::kHandlers;
}

} // namespace strata::sim
