// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The rotation that query_rope and kv_append share.
#pragma once

#include <cstdint>
#include <span>

namespace strata::host {

/// The cosines, then the sines of one position, as many of each as `frequencies`, times `magnitude`.
void rotationOf(int32_t position, std::span<const float> frequencies, float magnitude, float *out);

/// Rotates `pairs` pairs of neighbouring numbers by what rotationOf wrote.
void rotate(const float *numbers, const float *rotation, uint64_t pairs, float *out);

} // namespace strata::host
