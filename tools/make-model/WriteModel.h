// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A model's file, written by several threads.
#pragma once

#include "runtime/Base/Error.h"
#include "tools/make-model/Shape.h"

#include <functional>

namespace strata::making {

struct WriteOptions {
  unsigned threads = 1;
  bool sparse = false; ///< Experts' slabs are holes.
  std::function<bool()> interrupted = {};
};

/// Writes the model to `path`, by way of a temporary file beside it: there is a whole file or none. False if it was
/// interrupted. Exit code 3 if the disk has too little space or no holes (nothing is written then) or fails.
Result<bool> writeModel(const Shape &shape, const std::vector<Tensor> &tensors, const std::string &path,
                        const WriteOptions &options);

} // namespace strata::making
