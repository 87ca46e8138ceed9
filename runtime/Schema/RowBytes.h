// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How many bytes a row of a program's value has: planner, loader and devices must agree on it.
#pragma once

#include "runtime/Base/Checked.h"
#include "runtime/Schema/artifact_generated.h"

namespace strata {

/// Bytes of one row of `columns` numbers of `element` under `activations` (docs/operations.md, "Rows").
inline Checked valueRowBytes(schema::Element element, schema::ActivationEncoding activations, Checked columns) {
  if (element != schema::Element::activation || activations == schema::ActivationEncoding::f32)
    return columns * 4;
  Checked scales = columns / 32 * 4;
  return scales + columns * (activations == schema::ActivationEncoding::i16 ? 2 : 1);
}

} // namespace strata
