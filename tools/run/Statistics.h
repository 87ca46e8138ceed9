// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What prompts and decoding took of every tier, beside what the artifact predicted: --stats.
#pragma once

#include "runtime/Exec/Session.h"

#include <string>

namespace strata::run {

/// Lines for people.
std::string statisticsText(const Session &session);
/// One line of JSON, whose members docs/store.md names; -1 for what was not measured or not predicted.
std::string statisticsJson(const Session &session);

} // namespace strata::run
