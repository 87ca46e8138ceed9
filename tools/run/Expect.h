// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// --expect: the model's logits against golden ones, through both forms of the kernels.
#pragma once

#include "runtime/Exec/Session.h"
#include "tools/run/Options.h"

namespace strata::run {

/// Runs every case of a golden file twice: all its tokens as one prompt, and one by one as decode steps. The tokens are
/// the golden ones, whatever the model would choose, and the end of text means nothing. Prints a table on stdout; done,
/// or an error with exit code 4 that names the first bound that was passed.
Result<ExitCode> expectGolden(Session &session, const std::string &path, const Bounds &bounds);

} // namespace strata::run
