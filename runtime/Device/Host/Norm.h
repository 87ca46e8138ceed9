// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The normalisation that rms_norm and kv_append share.
#pragma once

#include <cstdint>

namespace strata::host {

/// out = numbers / sqrt(mean(numbers²) + epsilon) · weight; `out` may be `numbers`.
void normalise(const float *numbers, const float *weight, uint64_t count, float epsilon, float *out);

} // namespace strata::host
