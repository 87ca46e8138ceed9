// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Reading one key-value of a GGUF header.
#pragma once

#include "runtime/Weights/Cursor.h"
#include "runtime/Weights/Metadata.h"

namespace strata::gguf {

/// Errors: G08 to G10 and G12 to G18.
Result<KeyValue> readKeyValue(Cursor &cursor);

} // namespace strata::gguf
