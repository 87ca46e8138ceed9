// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// NVIDIA's assembler, and what it says of a kernel.
#pragma once

#include <cstdint>
#include <string>

namespace strata::test {

/// The figures of `ptxas -v`, and all that it printed.
struct PtxasReport {
  uint32_t registers = 0, spillStoreBytes = 0, spillLoadBytes = 0;
  std::string text;
};

/// Assembles the PTX of one kernel for sm_70 with the ptxas that tools/cuda.sh unpacks. Throws if it cannot be run or
/// refuses the text.
PtxasReport runPtxas(const std::string &ptx);

} // namespace strata::test
