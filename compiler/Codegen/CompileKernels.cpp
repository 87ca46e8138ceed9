// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "compiler/Codegen/CompileKernels.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

namespace strata {

Result<CompiledUnits> compileKernels(const Nvrtc &nvrtc, std::span<const KernelUnit> units,
                                     const CompileOptions &options) {
  KernelCache cache(options.cacheFolder);
  CompiledUnits result;
  result.units.resize(units.size());
  std::vector<Result<void>> outcomes(units.size());
  std::atomic<size_t> next = 0;
  std::atomic<uint64_t> fromCache = 0;
  std::mutex cacheErrorMutex;
  auto work = [&] {
    for (size_t index = next++; index < units.size(); index = next++) {
      std::string key = KernelCache::keyOf(nvrtc, units[index]);
      if (auto found = cache.find(key)) {
        result.units[index] = *std::move(found);
        ++fromCache;
        continue;
      }
      Result<CompiledUnit> compiled = nvrtc.compile(units[index]);
      if (!compiled) {
        outcomes[index] = tl::unexpected<Error>(std::move(compiled.error()));
        continue;
      }
      if (auto stored = cache.store(key, *compiled); !stored) {
        std::scoped_lock lock(cacheErrorMutex);
        result.cacheError = stored.error().message;
      }
      result.units[index] = *std::move(compiled);
    }
  };
  {
    std::vector<std::jthread> workers;
    for (unsigned i = 1; i < std::min<size_t>(std::max(options.workers, 1u), units.size()); ++i)
      workers.emplace_back(work);
    work();
  }
  for (Result<void> &outcome : outcomes)
    STRATA_TRY(std::move(outcome));
  result.fromCache = fromCache;
  return result;
}

} // namespace strata
