// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Writing a file so that there is either the old one or the whole new one.
#pragma once

#include "runtime/Base/Error.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace strata {

/// Writes to a temporary name in the same folder, syncs, renames, syncs the folder. On failure nothing is left behind
/// and what was at `path` is untouched; exit code 3, with `remedy` at the sentence's end.
Result<void> writeFileAtomically(const std::string &path, std::span<const std::byte> bytes,
                                 std::string_view remedy = "give another place with -o");

} // namespace strata
