// Part of the Strata project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Sizes as people write and read them.
#pragma once

#include "runtime/Base/Error.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace strata {

/// "8GiB" or "8GB", also "1.5GiB": KiB, MiB, GiB, TiB are powers of 1024, KB, MB, GB, TB powers of 1000, B is bytes.
/// A bare number is refused: it is read as bytes by some and as GiB by others. The error's code is CommandLine; callers
/// that read a file change it.
Result<uint64_t> parseSize(std::string_view text);

/// "352.096 GiB", "23.625 MiB", "70272 B": with the largest binary unit that leaves at least 1.
std::string formatSize(uint64_t bytes);

/// "378,060,636,160".
std::string formatCount(uint64_t number);

} // namespace strata
