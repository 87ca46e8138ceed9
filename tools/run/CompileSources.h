// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// --jit: the kernels of an artifact, compiled where it runs.
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Schema/artifact_generated.h"

#include <string>
#include <vector>

namespace strata::run {

/// The PTX that NVRTC makes of every kernel's source, in the artifact's order; through the cache of strata-compile.
/// Says on stderr what was compiled with what. `nvrtcFolder` may be empty. N01, N02: there is no NVRTC that can; N03: a
/// source does not compile.
Result<std::vector<std::string>> compileSources(const schema::Artifact &artifact, const std::string &nvrtcFolder);

} // namespace strata::run
