// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What is measured of the host's kernels.
#pragma once

#include "tools/bench/Options.h"
#include "tools/bench/host/FreshSlabs.h"
#include "tools/bench/host/MachineFigures.h"
#include "tools/bench/host/Stage.h"

#include <functional>

namespace strata::bench {

/// What a case is held against.
enum class Roof : uint8_t { none, memory, vnni };

struct KernelCase {
  std::string kernel;      ///< "few columns"
  std::string shape;       ///< "Q4_0 [266304, 7168] x 1"
  std::string activations; ///< Empty where there are none.
  double bytes = 0;        ///< Of weights or cache that a run reads.
  double operations = 0;   ///< Multiplications and additions of a run.
  Roof roof = Roof::none;
  std::optional<double> MachineRates::*rate = nullptr; ///< The figure of a machine file that it measures.
  /// Makes operands and returns what runs it once: the seconds it took.
  std::function<Result<std::function<Result<double>()>>(Stage &)> prepare;
};

/// All cases for which options.host asks; `slabs` may be absent, and with it goes what it is read for.
std::vector<KernelCase> kernelCases(const HostOptions &options, FreshSlabs *slabs);

} // namespace strata::bench
