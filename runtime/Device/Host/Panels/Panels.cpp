// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Device/Host/Panels/Panels.h"

namespace strata::host {

Product::TileFunction panelProduct(Isa isa, Encoding encoding, schema::ActivationEncoding activations,
                                   schema::Form form) {
  if (form != schema::Form::many)
    return nullptr;
  bool numbers = activations == schema::ActivationEncoding::f32, two = activations == schema::ActivationEncoding::i16;
  switch (isa) {
  case Isa::avx512:
    return numbers ? avx512NumberProduct(encoding) : avx512PanelProduct(encoding, two);
  case Isa::avx2:
    return numbers ? avx2NumberProduct(encoding) : avx2PanelProduct(encoding, two);
  case Isa::portable:
    break;
  }
  return nullptr;
}

} // namespace strata::host
