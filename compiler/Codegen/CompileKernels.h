// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Compiling many units: in parallel, through the cache.
#pragma once

#include "compiler/Codegen/KernelCache.h"

#include <span>
#include <string>
#include <vector>

namespace strata {

struct CompileOptions {
  unsigned workers = 1;
  std::string cacheFolder = KernelCache::defaultFolder(); ///< Empty: no cache.
};

struct CompiledUnits {
  std::vector<CompiledUnit> units; ///< In the order of the sources.
  uint64_t fromCache = 0;
  std::string cacheError; ///< Why the cache could not be written, to be printed; the units are there all the same.
};

/// The error is that of the first unit, in their order, that does not compile.
Result<CompiledUnits> compileKernels(const Nvrtc &nvrtc, std::span<const KernelUnit> units,
                                     const CompileOptions &options);

} // namespace strata
