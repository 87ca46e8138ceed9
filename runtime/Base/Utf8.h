// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace strata {

/// The length in bytes of the valid character that begins at `text[at]`; 0 if none does. `at` must be inside `text`.
size_t utf8CharacterLength(std::string_view text, size_t at);

bool isValidUtf8(std::string_view text);

/// True if `text` is valid UTF-8 without control characters (C0, DEL, C1): fit to be a name.
bool isPrintableUtf8(std::string_view text);

} // namespace strata
