// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Simulator/ArithmeticParts.h"

namespace strata::sim::STRATA_SIMULATOR_ISA {

extern const ArithmeticHandlers kHandlers;
const ArithmeticHandlers kHandlers = {integerHandler, floatHandler,   halfHandler,
                                      compareHandler, convertHandler, mmaHandler};

} // namespace strata::sim::STRATA_SIMULATOR_ISA
