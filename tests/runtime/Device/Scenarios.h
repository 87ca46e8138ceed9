// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// One call of every operation, in the forms and settings that run different code: what bits and allocations are
// tested on.
#pragma once

#include "tests/runtime/Device/DeviceTest.h"

#include <functional>

namespace strata::test {

struct Scenario {
  std::string name;
  std::function<PreparedCall(Workbench &)> prepare;
};

/// Each has kScenarioTokens tokens.
std::vector<Scenario> scenarios();
inline constexpr uint64_t kScenarioTokens = 19;

/// The bytes of everything that a call writes, apart from scratch.
std::vector<std::byte> resultsOf(Workbench &bench, const PreparedCall &call);

/// The call for `count` of its tokens, from `first` on.
PreparedCall part(const PreparedCall &call, uint64_t first, uint64_t count);

} // namespace strata::test
