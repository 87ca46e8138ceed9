// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The products that a level of instruction set brings.
#pragma once

#include "runtime/Device/Host/Isa.h"
#include "runtime/Device/Host/Products.h"

namespace strata::host {

/// A product of digits with the same bits as the portable one; null where the level has none of its own.
Product::Function avx2Product(Encoding encoding, schema::ActivationEncoding activations, schema::Form form);
Product::Function avx512Product(Encoding encoding, schema::ActivationEncoding activations, schema::Form form);

} // namespace strata::host
