// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Reading one tensor info of a GGUF header.
#pragma once

#include "runtime/Weights/Cursor.h"
#include "runtime/Weights/Gguf.h"

namespace strata::gguf {

/// The offset of the result is relative to the tensor data, as the file has it. Errors: G17, G24, G27 to G30, G32, G33.
Result<TensorInfo> readTensorInfo(Cursor &cursor);

} // namespace strata::gguf
