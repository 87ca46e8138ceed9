// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Products of weight rows with columns, as the levels of instruction set have them.
#pragma once

#include "runtime/Device/Host/Isa.h"
#include "runtime/Device/Host/Products.h"

namespace strata::host {

/// The level's product of digits in form few, with the bits of the portable one, for activations of one digit or two;
/// null if there is none for the encoding.
Product::TileFunction avx2FewProduct(Encoding encoding, bool two);
Product::TileFunction avx512FewProduct(Encoding encoding, bool two);
/// The level's product of numbers, in both forms, with the bits of the portable one; null for encodings of blocks.
Product::TileFunction avx2NumbersProduct(Encoding encoding);
Product::TileFunction avx512NumbersProduct(Encoding encoding);

} // namespace strata::host
