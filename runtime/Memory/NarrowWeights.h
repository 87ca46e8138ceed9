// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// F32 matrices which lose nothing as BF16, as a router's that was BF16 when it was trained.
#pragma once

#include "runtime/Schema/artifact_generated.h"

#include <cstddef>
#include <span>
#include <vector>

namespace strata {

/// Makes BF16 of every matrix of F32 in a weights arena in the host's memory whose numbers all are BF16 numbers, at the
/// place where it is: products have the same bits and read half as much. Returns where those matrices are.
std::vector<const std::byte *> narrowWeights(const schema::Artifact &artifact, std::byte *weightsArena);

/// Makes BF16 numbers of F32 ones in place if none loses anything; else changes nothing and returns false.
bool narrowNumbers(std::span<std::byte> numbers);

} // namespace strata
