// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Geometry of `experts`, the experts of a prompt.
#include "compiler/Codegen/GeometryParts.h"

#include <fmt/format.h>

namespace strata::kernels::detail {

Plan expertsOfPrompt(const Request &) {
  return {};
}

} // namespace strata::kernels::detail
