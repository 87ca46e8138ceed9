// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/Moe/MoeAttributes.h"

#include "dialects/Moe/MoeDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "dialects/Moe/MoeEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Moe/MoeAttributes.cpp.inc"

namespace strata::moe {

void MoeDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Moe/MoeAttributes.cpp.inc"
      >();
}

using EmitError = function_ref<InFlightDiagnostic()>;

static LogicalResult verifyPositive(EmitError emitError, StringRef name, uint32_t number) {
  if (number == 0)
    return emitError() << "'" << name << "' must be at least 1";
  return success();
}

static LogicalResult verifyAtMost(EmitError emitError, StringRef name, uint32_t number, StringRef limitName,
                                  uint32_t limit) {
  if (number > limit)
    return emitError() << "'" << name << "' (" << number << ") must be at most '" << limitName << "' (" << limit << ")";
  return success();
}

LogicalResult HyperParametersAttr::verify(EmitError emitError, uint32_t layers, uint32_t denseLayers,
                                          uint32_t embedding, uint32_t vocabulary, uint32_t heads, uint32_t latent,
                                          uint32_t rope, uint32_t nope, uint32_t value, uint32_t experts,
                                          uint32_t expertsUsed, uint32_t sharedExperts, uint32_t expertGroups,
                                          uint32_t expertGroupsUsed, uint32_t contextLength) {
  const std::pair<StringRef, uint32_t> positive[] = {{"layers", layers},
                                                     {"embedding", embedding},
                                                     {"vocabulary", vocabulary},
                                                     {"heads", heads},
                                                     {"latent", latent},
                                                     {"rope", rope},
                                                     {"nope", nope},
                                                     {"value", value},
                                                     {"expert_groups", expertGroups},
                                                     {"expert_groups_used", expertGroupsUsed},
                                                     {"context_length", contextLength}};
  for (auto [name, number] : positive)
    if (failed(verifyPositive(emitError, name, number)))
      return failure();
  if (rope % 2 != 0)
    return emitError() << "'rope' (" << rope << ") must be even: numbers are rotated in pairs";
  if (experts == 0 && denseLayers < layers)
    return emitError() << "'experts' is 0, but layers from 'dense_layers' (" << denseLayers << ") on have experts";
  if (experts % expertGroups != 0)
    return emitError() << "'experts' (" << experts << ") must be a multiple of 'expert_groups' (" << expertGroups
                       << ")";
  return failure(
      failed(verifyAtMost(emitError, "dense_layers", denseLayers, "layers", layers)) ||
      failed(verifyAtMost(emitError, "experts_used", expertsUsed, "experts", experts)) ||
      failed(verifyAtMost(emitError, "expert_groups_used", expertGroupsUsed, "expert_groups", expertGroups)));
}

} // namespace strata::moe
