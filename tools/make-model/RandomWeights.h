// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Random weights in the encodings of a Q4_0 file.
#pragma once

#include "tools/make-model/Shape.h"

#include <span>

namespace strata::making {

/// Tensors are filled in parts of this many bytes, whole blocks of every encoding; each has its own random numbers, so
/// that a file does not depend on who writes which part.
inline constexpr uint64_t kPartBytes = uint64_t{18} * 210 * 256;

/// Fills a part of a tensor: its bytes from `part * kPartBytes` on. `stream` is the tensor's number in the file.
void fillPart(const Tensor &tensor, uint64_t seed, uint64_t stream, uint64_t part, std::span<uint8_t> bytes);

} // namespace strata::making
