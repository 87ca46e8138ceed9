// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The parts that make the table of arithmetic handlers of one instruction set (Operations.h).
#pragma once

#include "runtime/Simulator/Operations.h"

namespace strata::sim::STRATA_SIMULATOR_ISA {

Handler integerHandler(Operation operation, Type type);
Handler floatHandler(Operation operation, Type type, const Instruction &modifiers);
Handler halfHandler(Operation operation, Type type, const Instruction &modifiers);
Handler compareHandler(Operation operation, Comparison comparison, Type type, Type resultType);
Handler convertHandler(Type to, Type from, IntegerRounding rounding, const Instruction &modifiers);
Handler mmaHandler(bool aByColumns, bool bByColumns, bool resultIsHalf, bool addendIsHalf);

} // namespace strata::sim::STRATA_SIMULATOR_ISA
