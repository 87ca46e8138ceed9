// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Quantised activations, a block at a time (docs/numbers.md, "Quantised activations").
#pragma once

#include "runtime/Device/Device.h"

#include <cstddef>
#include <cstdint>

namespace strata::host {

/// Writes block `block` of the row `numbers`, of `width` numbers in all, to its place in the activation row `out`.
void quantiseBlock(schema::ActivationEncoding activations, const float *numbers, uint64_t width, uint64_t block,
                   std::byte *out);

} // namespace strata::host
