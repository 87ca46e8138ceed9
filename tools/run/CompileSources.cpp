// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/run/CompileSources.h"

#include "compiler/Codegen/CompileKernels.h"
#include "runtime/Base/HostLimits.h"

#include <fmt/format.h>

namespace strata::run {

Result<std::vector<std::string>> compileSources(const schema::Artifact &artifact, const std::string &nvrtcFolder) {
  if (!artifact.kernels() || artifact.kernels()->size() == 0)
    return std::vector<std::string>(); // That there are none is for the device to say.
  std::vector<KernelUnit> units;
  for (const schema::Kernel *kernel : *artifact.kernels())
    units.push_back({kernel->name()->str(), kernel->source()->str()});
  NvrtcSearch search;
  search.option = nvrtcFolder;
  STRATA_ASSIGN(Nvrtc nvrtc, Nvrtc::open(search));
  CompileOptions how;
  how.workers = hostLimits().cores;
  STRATA_ASSIGN(CompiledUnits compiled, compileKernels(nvrtc, units, how));
  fmt::print(stderr, "strata-run: note: {} kernels compiled here with NVRTC {}, {} of them from the cache{}\n",
             units.size(), nvrtc.version(), compiled.fromCache,
             compiled.cacheError.empty() ? "" : "; the cache is not kept: " + compiled.cacheError);
  std::vector<std::string> ptx;
  for (CompiledUnit &unit : compiled.units)
    ptx.push_back(std::move(unit.ptx));
  return ptx;
}

} // namespace strata::run
