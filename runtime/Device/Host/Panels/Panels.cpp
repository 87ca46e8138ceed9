// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Device/Host/Panels/Panels.h"

namespace strata::host {

Product::TileFunction panelProduct(Isa isa, Encoding encoding, schema::ActivationEncoding activations,
                                   schema::Form form) {
  if (encoding != Encoding::Q4_0 || activations != schema::ActivationEncoding::i8 || form != schema::Form::many)
    return nullptr;
  return isa == Isa::avx512 ? avx512PanelProduct : isa == Isa::avx2 ? avx2PanelProduct : nullptr;
}

} // namespace strata::host
