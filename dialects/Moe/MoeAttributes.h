// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Hyper-parameters and the router's gate as attributes.
#pragma once

#include "mlir/IR/BuiltinAttributes.h"

#include <cstdint>

#include "dialects/Moe/MoeEnums.h.inc"

namespace strata::moe {

/// The sizes that define a model; docs/dialects/Moe.md lists their GGUF keys.
struct HyperParameters {
  uint32_t layers = 0;
  uint32_t denseLayers = 0;
  uint32_t embedding = 0;
  uint32_t vocabulary = 0;
  uint32_t heads = 0;
  uint32_t latent = 0;
  uint32_t rope = 0;
  uint32_t nope = 0;
  uint32_t value = 0;
  uint32_t experts = 0;
  uint32_t expertsUsed = 0;
  uint32_t sharedExperts = 0;
  uint32_t expertGroups = 1;
  uint32_t expertGroupsUsed = 1;
  uint32_t contextLength = 0;
};

} // namespace strata::moe

#define GET_ATTRDEF_CLASSES
#include "dialects/Moe/MoeAttributes.h.inc"
