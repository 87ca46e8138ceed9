// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a cubin says about its kernels: read from the ELF file that it is, so that no tool of CUDA's is needed.
#pragma once

#include "runtime/Base/Error.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace strata {

struct KernelResources {
  std::string name;
  uint32_t registers = 0;
  uint32_t sharedBytes = 0; ///< Static ones.
  uint32_t stackBytes = 0;  ///< Local memory of a thread: spilled registers and arrays that are indexed. 0 is no spill.
};

/// All kernels of a cubin. N04, exit code 1: it is no cubin of 64-bit ELF.
Result<std::vector<KernelResources>> cubinResources(std::span<const std::byte> cubin);

} // namespace strata
