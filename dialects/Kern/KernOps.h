// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The kern dialect: its operations, types and attributes. docs/dialects/Kern.md describes them.
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Kern/KernDialect.h.inc"
#include "dialects/Kern/KernEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Kern/KernAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Kern/KernTypes.h.inc"

#define GET_OP_CLASSES
#include "dialects/Kern/KernOps.h.inc"
