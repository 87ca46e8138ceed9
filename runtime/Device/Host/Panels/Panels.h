// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Products of many weight rows with many columns at once: form many of digits, and of F32, F16 and BF16 weights.
#pragma once

#include "runtime/Device/Host/Isa.h"
#include "runtime/Device/Host/Products.h"

namespace strata::host {

/// The same bits as the product of one row in form many; null where the level has none of its own.
Product::TileFunction panelProduct(Isa isa, Encoding encoding, schema::ActivationEncoding activations,
                                   schema::Form form);

/// The level's function for activations of one digit or two; null if there is none for the encoding.
Product::TileFunction avx2PanelProduct(Encoding encoding, bool two);
Product::TileFunction avx512PanelProduct(Encoding encoding, bool two);

/// The level's function for activations that are numbers; null if there is none for the encoding.
Product::TileFunction avx2NumberProduct(Encoding encoding);
Product::TileFunction avx512NumberProduct(Encoding encoding);

} // namespace strata::host
