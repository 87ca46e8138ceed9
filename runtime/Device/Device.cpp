// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Device/Device.h"

namespace strata {

Checked valueRowBytes(schema::Element element, schema::ActivationEncoding activations, Checked columns) {
  if (element != schema::Element::activation || activations == schema::ActivationEncoding::f32)
    return columns * 4;
  Checked scales = columns / 32 * 4;
  return scales + columns * (activations == schema::ActivationEncoding::i16 ? 2 : 1);
}

} // namespace strata
