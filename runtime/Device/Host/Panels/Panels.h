// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Products of many weight rows with many columns at once: form many of Q4_0 weights with one digit.
#pragma once

#include "runtime/Device/Host/Isa.h"
#include "runtime/Device/Host/Products.h"

namespace strata::host {

/// The same bits as the product of one row in form many; null where the level has none of its own.
Product::TileFunction panelProduct(Isa isa, Encoding encoding, schema::ActivationEncoding activations,
                                   schema::Form form);

void avx2PanelProduct(const std::byte *weightRows, uint64_t rowBytes, uint64_t rows, uint64_t length,
                      const Columns &columns, uint64_t first, uint64_t count, float *out);
void avx512PanelProduct(const std::byte *weightRows, uint64_t rowBytes, uint64_t rows, uint64_t length,
                        const Columns &columns, uint64_t first, uint64_t count, float *out);

} // namespace strata::host
