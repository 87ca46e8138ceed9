// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A model's file, written by several threads.
#pragma once

#include "runtime/Base/Error.h"
#include "tools/make-model/Shape.h"

namespace strata::making {

/// Writes the model to `path`, by way of a temporary file beside it: there is a whole file or none. Exit code 3 if the
/// disk has too little space (nothing is written then) or fails.
Result<void> writeModel(const Shape &shape, const std::string &path, unsigned threads);

} // namespace strata::making
