// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Kernels of a model on the simulated GPU, launched by shape: the header of the GGUF is enough.
#pragma once

#include "tools/bench/Options.h"

namespace strata::bench {

/// Compiles the kernels, launches each once on operands of its shapes, and prints a table with a row for each, as a
/// decode step has them. Exit code 3 if there is no NVRTC.
Result<ExitCode> benchModelKernels(const Options &options);

} // namespace strata::bench
