// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a plan counts with and only kernels can tell: measured, into a machine file.
#pragma once

#include "runtime/Base/Error.h"

#include <optional>
#include <string>

namespace strata::bench {

/// Operations a second of all cores together; nothing for what was not measured.
struct MachineRates {
  std::optional<double> products, attention;
};

/// Replaces these figures of the machine file at `path`, as measured, in whole GOPS; all else in it stays. Exit code 1
/// if it is none.
Result<void> updateMachineFile(const std::string &path, const MachineRates &rates);

} // namespace strata::bench
