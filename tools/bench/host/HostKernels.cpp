// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/bench/host/HostKernels.h"

namespace strata::bench {

Result<ExitCode> benchHostKernels(const Options &) {
  return fail(ExitCode::CommandLine, "", "--kernels needs --device=sim; --help lists the options");
}

} // namespace strata::bench
