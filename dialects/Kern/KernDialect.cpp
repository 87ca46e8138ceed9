// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/Kern/KernOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace strata::kern;

#include "dialects/Kern/KernDialect.cpp.inc"
#include "dialects/Kern/KernEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Kern/KernAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Kern/KernTypes.cpp.inc"

void KernDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Kern/KernAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Kern/KernTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Kern/KernOps.cpp.inc"
      >();
}

/// sm_70: threads of a CTA, and its shared memory with the opt-in.
static constexpr uint32_t kMostThreads = 1024;
static constexpr uint32_t kMostSharedBytes = 96 * 1024;

LogicalResult LaunchAttr::verify(function_ref<InFlightDiagnostic()> emitError, uint32_t threads, uint32_t gridX,
                                 uint32_t, uint32_t sharedBytes, uint32_t minimumCtas) {
  if (threads == 0 || threads > kMostThreads || threads % 32 != 0)
    return emitError() << "a CTA has whole warps, at most " << kMostThreads << " threads, got " << threads;
  if (gridX == 0 || minimumCtas == 0)
    return emitError() << "grid_x and minimum_ctas must not be zero";
  if (sharedBytes > kMostSharedBytes)
    return emitError() << "a CTA has at most " << kMostSharedBytes << " bytes of shared memory, got " << sharedBytes;
  return success();
}

LogicalResult RepeatAttr::verify(function_ref<InFlightDiagnostic()> emitError, uint32_t, uint32_t perRow,
                                 uint32_t segmentRows) {
  if (perRow == 0 || segmentRows == 0)
    return emitError() << "per_row and segment_rows must not be zero";
  return success();
}
