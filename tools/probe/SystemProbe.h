// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the system allows a process.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace strata::probe {

/// Of io_uring, locked_memory, control_group and huge_pages a text each: "allowed", "refused: Operation not permitted".
/// `root` holds sys/; tests give another one.
std::map<std::string, std::string> systemNotesNow(const std::filesystem::path &root = "/");

} // namespace strata::probe
