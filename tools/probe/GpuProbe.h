// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the first GPU is, and how fast its memory is filled and copied.
#pragma once

#include "compiler/Machine/Machine.h"

#include <string>

namespace strata::probe {

struct GpuFindings {
  GpuDescription gpu;
  std::string name;    ///< As the driver calls it.
  uint32_t others = 0; ///< GPUs that were not looked at.
};

/// Measures for about a second. Exit code 3, with what the sentence "...: GPU not measured" begins with, if there is no
/// driver, no GPU, or one of its functions fails.
Result<GpuFindings> measureGpu();

} // namespace strata::probe
