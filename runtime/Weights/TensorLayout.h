// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Where the tensors of one file are, and whether they can be there.
#pragma once

#include "runtime/Weights/HeaderReader.h"

namespace strata::gguf {

/// Makes the tensors' offsets absolute and sets the implied file size. The size of the header must be set.
/// Errors: G33 to G36. Gaps and trailing bytes (G37) become warnings.
Result<void> layOutTensors(Header &header, OpenOptions options);

} // namespace strata::gguf
