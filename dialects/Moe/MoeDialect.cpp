// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/Moe/MoeDialect.h"

#include "dialects/Moe/MoeAttributes.h"
#include "dialects/Moe/MoeOps.h"
#include "dialects/Moe/MoeTypes.h"

#include "dialects/Moe/MoeDialect.cpp.inc"

namespace strata::moe {

void MoeDialect::initialize() {
  registerTypes();
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "dialects/Moe/MoeOps.cpp.inc"
      >();
}

} // namespace strata::moe
