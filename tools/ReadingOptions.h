// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The options that choose how a model's files are read, of all tools that read them.
#pragma once

#include "runtime/Memory/Reads/Reads.h"

#include <CLI/CLI.hpp>

namespace strata {

/// Declares --reads and --read-depth; parsing fills the variables, which outlive `app`. A depth of 0 is the tool's own,
/// of which `otherwise` says what it is.
void addReadingOptions(CLI::App &app, const char *group, ReadBackend &backend, uint32_t &depth, const char *otherwise);

} // namespace strata
