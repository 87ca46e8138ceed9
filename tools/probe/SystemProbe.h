// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the system allows a process.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace strata::probe {

/// Of io_uring, locked_memory, control_group, huge_pages and gpu a text each: "allowed", "refused: Operation not
/// permitted". `root` holds proc/, sys/ and dev/; tests give another one.
std::map<std::string, std::string> systemNotesNow(const std::filesystem::path &root = "/");

} // namespace strata::probe
