// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The rules that an operation's parameters must keep among themselves.
#pragma once

#include "runtime/Base/Error.h"
#include "runtime/Schema/artifact_generated.h"

namespace strata::artifact {

/// A20. The dispatch's operands must have been checked.
Result<void> checkParameters(const schema::Artifact &artifact, const schema::Program &program,
                             const schema::Block &block, const schema::Dispatch &dispatch);

} // namespace strata::artifact
